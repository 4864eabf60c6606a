import { EventEmitter, once } from 'node:events';
import { createReadStream, createWriteStream, mkdirSync, type WriteStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { InvocationId, TaskId } from '../../runtime/model/ids.ts';

export type LogStream = 'stdout' | 'stderr';

/** One attempt's log files. `job<N>_<HISTORY>` as COMPSs names them (spec 3.5, 3.7). */
export interface JobFiles {
  readonly job: number;
  readonly history: 'NEW' | 'RESUBMITTED';
  readonly attempt: number;
}

interface OpenJob {
  readonly task: TaskId;
  readonly files: JobFiles;
  readonly streams: Partial<Record<LogStream, WriteStream>>;
}

const EXTENSION: Record<LogStream, string> = { stdout: 'out', stderr: 'err' };
/** Attempts whose files can be found by task; older ones are still on the disk. */
const REMEMBERED = 10_000;

/**
 * stdout and stderr of attempts, in `<logDir>/jobs`. A file is made at the first output, so that a task that prints
 * nothing costs nothing; with `headers` (debug) every attempt on this node gets one that starts as COMPSs's do.
 */
export class JobLogs {
  readonly #folder: string;
  readonly #headers: boolean;
  readonly #open = new Map<InvocationId, OpenJob>();
  readonly #byTask = new Map<TaskId, JobFiles[]>();
  readonly #changes = new EventEmitter().setMaxListeners(0);
  /** Counts what `change` tells: a reader that looked before the last one has missed it. */
  #change = 0;
  readonly #closing = new Set<Promise<unknown>>();
  #folderMade = false;

  constructor(logDir: string, headers: boolean) {
    this.#folder = join(logDir, 'jobs');
    this.#headers = headers;
  }

  /** An attempt starts on this node. `header` is only asked for in debug. */
  started(invocation: InvocationId, task: TaskId, files: JobFiles, header: () => string): void {
    if (!this.#headers) return;
    this.write(invocation, task, files, 'stdout', Buffer.from(header()));
  }

  write(invocation: InvocationId, task: TaskId, files: JobFiles, stream: LogStream, chunk: Uint8Array): void {
    let job = this.#open.get(invocation);
    if (job === undefined) {
      job = { task, files, streams: {} };
      this.#open.set(invocation, job);
      this.#remember(task, files);
    }
    job.streams[stream] ??= createWriteStream(this.#path(files, stream), { flags: 'a' });
    job.streams[stream].write(chunk, () => this.wake());
  }

  settled(invocation: InvocationId): void {
    const job = this.#open.get(invocation);
    if (job === undefined) return;
    this.#open.delete(invocation);
    for (const stream of Object.values(job.streams)) this.#close(stream);
  }

  #close(stream: WriteStream): void {
    const closed = new Promise<void>((resolve) => stream.end(() => resolve()));
    this.#closing.add(closed);
    void closed.then(() => {
      this.#closing.delete(closed);
      this.wake();
    });
  }

  /** The attempts of a task that have written something, oldest first. */
  attempts(task: TaskId): readonly JobFiles[] {
    return this.#byTask.get(task) ?? [];
  }

  /** The bytes of one attempt's stream from `offset` on; with `follow` until `ended()` and everything is read. */
  async *read(
    task: TaskId,
    query: { stream: LogStream; attempt: number | undefined; offset: number; follow: boolean; signal: AbortSignal },
    ended: () => boolean,
  ): AsyncIterable<Uint8Array> {
    let offset = query.offset;
    for (;;) {
      const looked = this.#change;
      const last = ended() && !this.#isOpen(task);
      const files = this.#select(task, query.attempt);
      if (files !== undefined) {
        const path = this.#path(files, query.stream);
        const size = await stat(path).then(
          (found) => found.size,
          () => 0,
        );
        if (size > offset) {
          yield* createReadStream(path, { start: offset, end: size - 1 }) as AsyncIterable<Uint8Array>;
          offset = size;
          continue;
        }
      }
      if (!query.follow || last || query.signal.aborted) return;
      if (looked === this.#change) await once(this.#changes, 'change', { signal: query.signal }).catch(() => undefined);
    }
  }

  /** Wakes the followers of a task that may have ended without a word. */
  wake(): void {
    this.#change += 1;
    this.#changes.emit('change');
  }

  async close(): Promise<void> {
    for (const invocation of [...this.#open.keys()]) this.settled(invocation);
    await Promise.all(this.#closing);
    this.wake();
  }

  #isOpen(task: TaskId): boolean {
    for (const job of this.#open.values()) if (job.task === task) return true;
    return this.#closing.size > 0;
  }

  #select(task: TaskId, attempt: number | undefined): JobFiles | undefined {
    const all = this.attempts(task);
    return attempt === undefined ? all.at(-1) : all.find((files) => files.attempt === attempt);
  }

  #remember(task: TaskId, files: JobFiles): void {
    const known = this.#byTask.get(task);
    if (known !== undefined) {
      known.push(files);
      return;
    }
    this.#byTask.set(task, [files]);
    if (this.#byTask.size > REMEMBERED) this.#byTask.delete(this.#byTask.keys().next().value as TaskId);
  }

  #path(files: JobFiles, stream: LogStream): string {
    if (!this.#folderMade) mkdirSync(this.#folder, { recursive: true });
    this.#folderMade = true;
    return join(this.#folder, `job${files.job}_${files.history}.${EXTENSION[stream]}`);
  }
}
