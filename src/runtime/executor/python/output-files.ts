import { closeSync, openSync, readSync, rmSync } from 'node:fs';

export type OutputSink = (stream: 'stdout' | 'stderr', chunk: Uint8Array) => void;

interface OutputFile {
  readonly number: number;
  readonly file: number;
  at: number;
}

const PIECE_BYTES = 2 ** 20;

/**
 * What a worker writes to its descriptors 1 and 2: plain files, so that no print ever waits and what a dying process wrote is
 * still there. The worker says how long they were when an attempt ended; it begins new ones when they have grown large.
 */
export class OutputFiles {
  readonly #prefix: string;
  readonly #open: Partial<Record<'stdout' | 'stderr', OutputFile>> = {};

  constructor(prefix: string) {
    this.#prefix = prefix;
  }

  /** Everything up to `end` of file `number` that has not been read. */
  upTo(stream: 'stdout' | 'stderr', number: number, end: number, sink: OutputSink): void {
    const file = this.#file(stream, number);
    if (file !== undefined) readOn(file, end, (chunk) => sink(stream, chunk));
  }

  /** What is there now of both, but for what follows in a newer file. */
  rest(sink: OutputSink): void {
    for (const stream of ['stdout', 'stderr'] as const) {
      const file = this.#open[stream] ?? this.#file(stream, 0);
      if (file !== undefined) readOn(file, Infinity, (chunk) => sink(stream, chunk));
    }
  }

  close(): void {
    for (const stream of ['stdout', 'stderr'] as const) {
      const file = this.#open[stream];
      if (file !== undefined) closeSync(file.file);
      rmSync(this.#path(stream, file?.number ?? 0), { force: true });
      delete this.#open[stream];
    }
  }

  #path(stream: string, number: number): string {
    return `${this.#prefix}-${number}.${stream === 'stdout' ? 'out' : 'err'}`;
  }

  #file(stream: 'stdout' | 'stderr', number: number): OutputFile | undefined {
    const known = this.#open[stream];
    if (known?.number === number) return known;
    if (known !== undefined) {
      closeSync(known.file);
      rmSync(this.#path(stream, known.number), { force: true });
      delete this.#open[stream];
    }
    try {
      const file = { number, file: openSync(this.#path(stream, number), 'r'), at: 0 };
      this.#open[stream] = file;
      return file;
    } catch {
      return undefined; // a worker that died before it made them
    }
  }
}

function readOn(file: OutputFile, end: number, sink: (chunk: Uint8Array) => void): void {
  while (file.at < end) {
    const piece = new Uint8Array(Math.min(PIECE_BYTES, end - file.at));
    const got = readSync(file.file, piece, 0, piece.length, file.at);
    if (got === 0) return;
    file.at += got;
    sink(piece.subarray(0, got));
  }
}
