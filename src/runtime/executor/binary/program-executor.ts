import { rmSync } from 'node:fs';
import { RuntimeError, toErrorInfo } from '../../../common/errors.ts';
import type { InvocationId, VersionId } from '../../model/ids.ts';
import type { InvocationOutcome, OutputReport } from '../../model/outcome.ts';
import type { ExecutionRequest, Executor, ExecutorHost } from '../../ports.ts';
import { INLINE_BYTES } from '../../ports.ts';
import {
  ProgramAttempt,
  type ProgramContext,
  ProgramLost,
  type ProgramOutputs,
  ProgramStopped,
} from './program-attempt.ts';

export interface ProgramExecutorOptions {
  /** Units given at once. */
  readonly slots: number;
  /** Directories that programs are found in, beside PATH. */
  readonly codePaths: readonly string[];
  /** Directories that working directories and stream files may lie in, beside the attempt's own. */
  readonly directories: readonly string[];
  /** Variables that every program gets; PATH is also where programs and container engines are looked for. */
  readonly environment: Readonly<Record<string, string>>;
  /** Words for every `run` of a container engine. */
  readonly containerOptions?: readonly string[];
  /** How long a stopped program may go on after SIGTERM. Default 500. */
  readonly graceMs?: number;
  /** Node name for messages. */
  readonly node?: string;
}

interface Run {
  readonly request: ExecutionRequest;
  attempt: ProgramAttempt | undefined;
  stop: 'cancelled' | 'timed-out' | undefined;
  timer: NodeJS.Timeout | undefined;
}

const DEFAULT_GRACE_MS = 500;

export function createProgramExecutor(host: ExecutorHost, options: ProgramExecutorOptions): Executor {
  return new ProgramExecutor(host, options);
}

/** Runs programs, one process group for each attempt, plain or in containers. They submit no tasks. */
class ProgramExecutor implements Executor {
  readonly languages = ['BINARY', 'CONTAINER'];
  readonly #host: ExecutorHost;
  readonly #options: ProgramExecutorOptions;
  readonly #context: ProgramContext;
  /** By invocation, in order of arrival. */
  readonly #runs = new Map<InvocationId, Run>();
  readonly #queue = new Set<Run>();
  readonly #ending = new Set<Promise<void>>();
  #slots: number;
  #used = 0;
  #disposed = false;

  constructor(host: ExecutorHost, options: ProgramExecutorOptions) {
    this.#host = host;
    this.#options = options;
    this.#slots = options.slots;
    const { environment, codePaths, directories, containerOptions = [] } = options;
    this.#context = { environment, codePaths, directories, containerOptions };
  }

  execute(batch: readonly ExecutionRequest[]): void {
    for (const request of batch) {
      const run: Run = { request, attempt: undefined, stop: undefined, timer: undefined };
      this.#runs.set(request.invocation, run);
      this.#queue.add(run);
    }
    this.#place();
  }

  cancel(invocation: InvocationId): void {
    const run = this.#runs.get(invocation);
    if (run === undefined || run.stop !== undefined) return;
    run.stop = 'cancelled';
    if (this.#queue.delete(run)) this.#end(run, { status: 'cancelled' });
    else run.attempt?.stop(this.#graceMs);
  }

  recall(invocation: InvocationId): boolean {
    const run = this.#runs.get(invocation);
    if (run === undefined || !this.#queue.delete(run)) return false;
    this.#runs.delete(invocation);
    return true;
  }

  /** Programs never suspend. */
  resume(): void {
    // Nothing waits here.
  }

  resize(slots: number): Promise<void> {
    this.#slots = slots;
    this.#place();
    return Promise.resolve();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#disposed = true;
    this.#queue.clear();
    for (const run of this.#runs.values()) run.attempt?.stop(0);
    await Promise.all(this.#ending);
  }

  get #graceMs(): number {
    return this.#options.graceMs ?? DEFAULT_GRACE_MS;
  }

  /** In order: a wide attempt is not overtaken. One that is wider than everything runs alone. */
  #place(): void {
    for (const run of this.#queue) {
      if (this.#disposed) return;
      const { cpus } = run.request.booking;
      if (this.#used > 0 && this.#used + cpus > this.#slots) return;
      this.#queue.delete(run);
      this.#used += cpus;
      const ending = this.#run(run).finally(() => this.#ending.delete(ending));
      this.#ending.add(ending);
    }
  }

  async #run(run: Run): Promise<void> {
    const { request } = run;
    const started = performance.now();
    let outcome: InvocationOutcome;
    try {
      run.attempt = new ProgramAttempt(request, this.#host, this.#context);
      this.#host.started(request.invocation);
      this.#startTimer(run);
      const outputs = await run.attempt.run();
      outcome = this.#keep(run, outputs, performance.now() - started);
    } catch (error) {
      outcome = this.#failure(run, error, performance.now() - started);
    }
    clearTimeout(run.timer);
    this.#used -= request.booking.cpus;
    this.#end(run, outcome);
    this.#place();
  }

  #startTimer(run: Run): void {
    const { timeOutMs } = run.request;
    if (!timeOutMs) return;
    run.timer = setTimeout(() => {
      if (run.stop !== undefined) return;
      run.stop = 'timed-out';
      run.attempt?.stop(this.#graceMs);
    }, timeOutMs);
  }

  #failure(run: Run, error: unknown, ranMs: number): InvocationOutcome {
    if (run.stop === 'cancelled') return { status: 'cancelled' };
    if (run.stop === 'timed-out') return { status: 'failed', error: toErrorInfo(this.#timedOut(run)), ranMs };
    if (error instanceof ProgramLost) return { status: 'lost', reason: error.message };
    return { status: 'failed', error: toErrorInfo(error), ranMs };
  }

  #timedOut({ request }: Run): RuntimeError {
    const { task, signature, timeOutMs = 0 } = request;
    return new RuntimeError('ERR_TASK_TIMED_OUT', {
      task,
      signature,
      timeOutMs,
      node: this.#options.node ?? 'this node',
    });
  }

  /** Written files come first among the outputs. What is returned is stored before, since only that can be refused. */
  #keep(run: Run, { files, results }: ProgramOutputs, ranMs: number): InvocationOutcome {
    const { outputs } = run.request;
    try {
      if (run.stop === 'cancelled' || this.#disposed) throw new ProgramStopped();
      const returned = results.map((bytes, index) => this.#store(outputs[files.length + index] as VersionId, bytes));
      const written = files.map(({ path, length }, index): OutputReport => {
        this.#host.store.putFile(outputs[index] as VersionId, path, length, true);
        return { bytes: length, inline: false };
      });
      return { status: 'completed', outputs: [...written, ...returned], ranMs };
    } catch (error) {
      for (const { path } of files) rmSync(path, { recursive: true, force: true });
      throw error;
    }
  }

  #store(version: VersionId, bytes: Uint8Array): OutputReport {
    const { store } = this.#host;
    const inline = bytes.length <= INLINE_BYTES;
    if (inline) {
      store.putInline(version, bytes);
    } else {
      const reservation = store.reserve(bytes.length);
      new Uint8Array(reservation.slab, reservation.offset, bytes.length).set(bytes);
      store.seal(version, reservation, bytes.length);
    }
    return { bytes: bytes.length, inline };
  }

  #end(run: Run, outcome: InvocationOutcome): void {
    if (!this.#runs.delete(run.request.invocation) || this.#disposed) return;
    this.#host.settled(run.request.invocation, outcome);
  }
}
