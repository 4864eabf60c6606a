import type { Socket } from 'node:net';
import type { CoreElement, Implementation } from '../../model/core-element.ts';
import type { CoreId } from '../../model/ids.ts';
import { ControlFile, RING } from './control-file.ts';
import { FrameReader, type FrameSplitter, FrameWriter } from './frame.ts';
import { OutputFiles } from './output-files.ts';
import { FROM_PYTHON, type PythonContent, type PythonOutcome, readOutcome, TO_PYTHON, writeRun } from './records.ts';
import type { PythonRun } from './run.ts';

/** What a process tells the executor. Calls come in the order of its records. */
export interface WorkerEvents {
  started(run: PythonRun): void;
  settled(run: PythonRun, outcome: PythonOutcome): void;
  output(run: PythonRun, stream: 'stdout' | 'stderr', chunk: Uint8Array): void;
  /** A record about the scope of the attempt; reads its words. */
  scopeCall(run: PythonRun, record: number, frame: FrameReader): void;
  /** An attempt that was being taken back has come back by itself. */
  refused(run: PythonRun, worker: PythonWorker): void;
  frameDone(): void;
  /** The process has ended; nothing comes from it any more. Not after `close`. */
  gone(worker: PythonWorker, how: string): void;
}

export interface WorkerPaths {
  readonly control: string;
  readonly output: string;
}

/** Signals the process: the one attempt that runs, or everything it has started. */
export type SendSignal = (worker: number, signal: number, group: boolean) => void;

const LAST_WORDS = 2000;
const SIGKILL = 9;
const SIGUSR1 = 10;

/** A worker process as the executor sees it: what has been given to it, and the wire to it. */
export class PythonWorker {
  readonly number: number;
  readonly out = new FrameWriter();
  readonly elements: CoreElement[] = [];
  readonly coreIds: CoreId[] = [];
  /** Given attempts that have not settled, oldest first: the first runs, or waits. */
  readonly given: PythonRun[] = [];
  /** When it was forked, or last ended an attempt. */
  idleSince = performance.now();
  readonly #events: WorkerEvents;
  readonly #control: ControlFile;
  readonly #files: OutputFiles;
  readonly #send: SendSignal;
  readonly #byIndex: (PythonRun | undefined)[] = new Array<undefined>(RING).fill(undefined);
  readonly #implementations = new Map<Implementation, number>();
  readonly #taken = new Set<number>();
  #next = 0;
  #socket: Socket | undefined;
  #socketOver = false;
  #how: string | undefined;
  #state: 'open' | 'closing' | 'dying' | 'gone' = 'open';
  #ended: () => void = () => undefined;
  readonly ended = new Promise<void>((resolve) => {
    this.#ended = resolve;
  });

  constructor(number: number, paths: WorkerPaths, send: SendSignal, events: WorkerEvents) {
    this.number = number;
    this.#events = events;
    this.#send = send;
    this.#control = new ControlFile(paths.control);
    this.#files = new OutputFiles(paths.output);
  }

  get front(): PythonRun | undefined {
    return this.given[0];
  }

  get open(): boolean {
    return this.#state === 'open';
  }

  get idle(): boolean {
    return this.#state === 'open' && this.given.length === 0;
  }

  /** Nothing has been given to it yet: no code of a user has run in it. */
  get fresh(): boolean {
    return this.#next === 0;
  }

  /** No place of the ring is free for another one. */
  get full(): boolean {
    if (this.#taken.size === 0) return this.given.length >= RING / 2;
    const begun = this.#control.begun();
    for (const index of this.#taken) {
      if (index < begun) this.#taken.delete(index);
      else if (this.#next - index >= RING / 2) return true;
    }
    return this.given.length >= RING / 2;
  }

  attach(socket: Socket, splitter: FrameSplitter): void {
    this.#socket = socket;
    socket.on('data', (chunk) => this.#push(splitter, chunk));
    socket.on('error', () => undefined);
    socket.on('close', () => {
      this.#socketOver = true;
      if (this.#how === undefined) this.kill();
      else this.#end();
    });
    this.flush();
  }

  receive(buffer: ArrayBuffer): void {
    const frame = new FrameReader(buffer);
    while (!frame.done) this.#record(frame, frame.word());
    this.#events.frameDone();
  }

  /** Puts an attempt at the end of its queue; goes out with `flush`. */
  give(run: PythonRun, contents: readonly PythonContent[]): void {
    const index = this.#next++;
    const place = index % RING;
    if (this.#byIndex[place] === undefined) this.#control.mark(index, false);
    this.#byIndex[place] = run;
    run.index = index;
    run.worker = this;
    run.state = 'given';
    this.given.push(run);
    writeRun(this.out, run.request, { index, implementation: this.#implementation(run) }, contents);
  }

  /** Takes an attempt back that has not begun. */
  takeBack(run: PythonRun): boolean {
    if (!this.#control.takeBack(run.index)) return false;
    this.#taken.add(run.index);
    this.#byIndex[run.index % RING] = undefined;
    this.#leave(run);
    run.worker = undefined;
    run.state = 'queued';
    return true;
  }

  /** Nodes of the pool, for code that asks. */
  tellNodes(count: number): void {
    if (this.#state === 'open') this.#control.tellNodes(count);
  }

  /** Attempts that it has begun, those taken back and passed over included. */
  begun(): number {
    return this.#control.begun();
  }

  /** What its code has submitted waits for more of it. */
  holdsBack(): boolean {
    return this.#control.holdsBack();
  }

  /** As `begun`, when the process has gone. */
  begunAtEnd = 0;

  /** Breaks the attempt off where the interpreter gets to it; the process lives on. */
  interrupt(run: PythonRun): void {
    this.#control.breakOff(run.index);
    this.#send(this.number, SIGUSR1, false);
  }

  flush(): void {
    if (this.out.empty || this.#socket === undefined || this.#socketOver) return;
    this.#socket.write(this.out.frame());
  }

  /** What it has printed so far and nobody has read. */
  readOutput(): void {
    const run = this.front;
    if (run !== undefined) this.#files.rest((stream, chunk) => this.#events.output(run, stream, chunk));
  }

  /** Ends the process when it is idle. */
  async close(): Promise<void> {
    if (this.#state === 'open') {
      this.#state = 'closing';
      this.out.word(TO_PYTHON.CLOSE);
      this.flush();
    }
    await this.ended;
  }

  /** Ends the process and all it has started. `gone` follows when it no longer exists. */
  kill(): void {
    if (this.#state === 'dying' || this.#state === 'gone') return;
    this.#state = 'dying';
    this.#send(this.number, SIGKILL, true);
  }

  /** The zygote has seen it end. */
  exited(how: string): void {
    this.#how = how;
    if (this.#socket === undefined || this.#socketOver) this.#end();
  }

  #end(): void {
    if (this.#state === 'gone') return;
    const expected = this.#state === 'closing' && this.given.length === 0;
    this.#state = 'gone';
    this.begunAtEnd = this.#control.begun();
    const said = this.begunAtEnd === 0 ? this.#lastWords() : '';
    this.readOutput();
    this.#control.close();
    this.#files.close();
    if (!expected) this.#events.gone(this, `${this.#how ?? 'it closed its socket'}${said}`);
    this.#ended();
  }

  /** Of a process that never began anything: why, most likely. */
  #lastWords(): string {
    let text = '';
    this.#files.rest((stream, chunk) => {
      if (stream === 'stderr') text = (text + Buffer.from(chunk).toString('utf8')).slice(-LAST_WORDS);
    });
    return text === '' ? '' : `: ${text.trim()}`;
  }

  #push(splitter: FrameSplitter, chunk: Uint8Array): void {
    try {
      splitter.push(chunk);
    } catch (error) {
      this.#how ??= `it wrote what is no frame: ${(error as Error).message}`;
      this.kill();
    }
  }

  #record(frame: FrameReader, record: number): void {
    const index = frame.word();
    const run = this.#byIndex[index % RING];
    if (record === FROM_PYTHON.SKIPPED) {
      if (run?.index === index) this.#refused(run);
      return;
    }
    if (run === undefined) throw new Error(`record ${record} is about no attempt`);
    switch (record) {
      case FROM_PYTHON.STARTED:
        this.#events.started(run);
        break;
      case FROM_PYTHON.PRINTED: {
        const stream = frame.word() === 1 ? 'stdout' : 'stderr';
        const file = frame.word();
        this.#files.upTo(stream, file, frame.word(), (from, chunk) => this.#events.output(run, from, chunk));
        break;
      }
      case FROM_PYTHON.SETTLED: {
        const outcome = readOutcome(frame);
        this.#byIndex[run.index % RING] = undefined;
        this.#leave(run);
        this.#events.settled(run, outcome);
        break;
      }
      default:
        this.#events.scopeCall(run, record, frame);
    }
  }

  /** It saw the mark, and we saw its count: neither has the attempt. It goes back to the queue. */
  #refused(run: PythonRun): void {
    this.#byIndex[run.index % RING] = undefined;
    this.#leave(run);
    run.worker = undefined;
    run.state = 'queued';
    this.#events.refused(run, this);
  }

  #leave(run: PythonRun): void {
    if (this.given[0] === run) this.given.shift();
    else this.given.splice(this.given.lastIndexOf(run), 1);
  }

  #implementation(run: PythonRun): number {
    const { implementation, signature } = run.request;
    let number = this.#implementations.get(implementation);
    if (number === undefined) {
      number = this.#implementations.size;
      this.#implementations.set(implementation, number);
      this.out.word(TO_PYTHON.IMPLEMENTATION);
      this.out.word(number);
      this.out.text(signature);
      this.out.text(implementation.module);
      this.out.text(implementation.method);
    }
    return number;
  }
}
