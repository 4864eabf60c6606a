import { Piscina } from 'piscina';
import { type ErrorInfo, RuntimeError, toErrorInfo } from '../../common/errors.ts';
import type { InvocationId } from '../model/ids.ts';
import type { InvocationOutcome, OutputReport } from '../model/outcome.ts';
import type { ExecutionRequest, Executor, ExecutorHost } from '../ports.ts';
import type { BatchReader } from './batch.ts';
import { readOutcome, type ThreadOutcome, type ThreadOutput } from './outcome-record.ts';
import { FROM_THREAD, RUN_FLAG, STATUS, type ThreadImplementation, type ThreadSetup } from './protocol.ts';
import { implementationKey } from './run-record.ts';
import { ScopeServer } from './scope-server.ts';
import { SlabNumbers, ThreadHost, type ThreadSettings } from './thread-host.ts';

export interface ThreadExecutorOptions extends ThreadSettings {
  /** CPU units that may run at once. */
  readonly slots: number;
  /** Threads at most, running and suspended; default 4 x slots. */
  readonly maxThreads?: number;
  /** Milliseconds that code gets to end by itself after its signal was aborted, before its thread is killed. */
  readonly graceMs?: number;
  /** URL or path of worker-entry. */
  readonly workerEntry: string;
  /** Megabytes of V8 heap a thread may use; beyond, it dies and its attempts are lost. */
  readonly maxHeapMb?: number;
}

/** An attempt that has not settled. */
interface Attempt {
  readonly request: ExecutionRequest;
  /** Undefined while it waits in the executor's own queue. */
  thread: Thread | undefined;
  slot: number;
  /** Why it is to end before its code does. */
  stop: { readonly kind: 'cancel' | 'timeout'; readonly reason: string } | undefined;
  timer: NodeJS.Timeout | undefined;
  /** From its first call of the programming model on. */
  scope: ScopeServer | undefined;
}

interface Thread {
  readonly host: ThreadHost;
  /** By slot; an attempt that was taken back leaves its slot taken until the thread has skipped it. */
  readonly attempts: Map<number, Attempt>;
  /** Slots whose attempt was taken back. */
  readonly skipping: Set<number>;
  /** Attempts that wait for tasks of their own. */
  parked: number;
  /** Units it holds: those of the attempt that runs; attempts behind it need no more. */
  units: number;
}

/** Attempts of one unit that a thread may have ahead. */
const AHEAD = 256;
const DEFAULT_GRACE_MS = 500;
const NO_REPORTS: readonly OutputReport[] = [];
const COMPLETED_PLAIN: InvocationOutcome = { status: 'completed', outputs: NO_REPORTS };

export function createThreadExecutor(host: ExecutorHost, options: ThreadExecutorOptions): Executor {
  return new ThreadExecutor(host, options);
}

/**
 * Runs JavaScript and TypeScript functions on worker threads. Piscina owns the threads; each runs one long task that
 * drains a port, so that a no-op attempt costs a few words in a batch and no promise.
 */
class ThreadExecutor implements Executor {
  readonly languages = ['JS'];
  readonly #host: ExecutorHost;
  readonly #options: ThreadExecutorOptions;
  readonly #pool: Piscina;
  readonly #slabs = new SlabNumbers();
  readonly #threads = new Set<Thread>();
  readonly #attempts = new Map<InvocationId, Attempt>();
  /** Waiting for a unit or a thread, in order. */
  #queue: Attempt[] = [];
  readonly #implementations = new Map<string, number>();
  readonly #dirty = new Set<Thread>();
  #flushScheduled = false;
  #slots: number;
  #maxThreads: number;
  #usedUnits = 0;
  #closed = false;

  constructor(host: ExecutorHost, options: ThreadExecutorOptions) {
    this.#host = host;
    this.#options = options;
    this.#slots = options.slots;
    this.#maxThreads = options.maxThreads ?? Math.max(1, 4 * options.slots);
    this.#pool = new Piscina({
      filename: options.workerEntry,
      minThreads: 0,
      maxThreads: MAX_THREADS,
      idleTimeout: 0,
      concurrentTasksPerWorker: 1,
      trackUnmanagedFds: false,
      ...(options.maxHeapMb === undefined ? {} : { resourceLimits: { maxOldGenerationSizeMb: options.maxHeapMb } }),
    });
    // Piscina repeats on itself what its threads threw; the runs tell us the same.
    this.#pool.on('error', () => undefined);
  }

  execute(batch: readonly ExecutionRequest[]): void {
    for (const request of batch) {
      const attempt: Attempt = {
        request,
        thread: undefined,
        slot: -1,
        stop: undefined,
        timer: undefined,
        scope: undefined,
      };
      this.#attempts.set(request.invocation, attempt);
      this.#queue.push(attempt);
    }
    this.#pump();
  }

  cancel(invocation: InvocationId, reason: string): void {
    const attempt = this.#attempts.get(invocation);
    if (attempt !== undefined) this.#stop(attempt, { kind: 'cancel', reason });
  }

  recall(invocation: InvocationId): boolean {
    const attempt = this.#attempts.get(invocation);
    if (attempt === undefined || !this.#takeBack(attempt)) return false;
    this.#forget(attempt);
    this.#pump();
    return true;
  }

  resume(invocation: InvocationId): void {
    const attempt = this.#attempts.get(invocation);
    if (attempt?.thread === undefined || attempt.scope?.parked !== true) return;
    attempt.thread.parked -= 1;
    attempt.thread.units += attempt.request.booking.cpus;
    this.#usedUnits += attempt.request.booking.cpus;
    attempt.scope.resume();
  }

  resize(slots: number): Promise<void> {
    this.#slots = slots;
    if (this.#options.maxThreads === undefined) this.#maxThreads = Math.max(1, 4 * slots);
    this.#retireIdle();
    this.#pump();
    return Promise.resolve();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    for (const attempt of this.#attempts.values()) clearTimeout(attempt.timer);
    this.#attempts.clear();
    this.#queue = [];
    const ended = [...this.#threads].map((thread) => {
      if (thread.attempts.size > 0) thread.host.kill();
      else thread.host.close();
      return thread.host.ended;
    });
    this.#threads.clear();
    await Promise.all(ended);
    await this.#pool.destroy();
  }

  // ------------------------------------------------------------------------------------------ placing

  /** Gives what is queued to threads, in order, as far as units and threads allow. */
  #pump(): void {
    let placed = 0;
    for (const attempt of this.#queue) {
      const thread = this.#threadFor(attempt.request.booking.cpus);
      if (thread === undefined || !this.#give(attempt, thread)) break;
      placed += 1;
    }
    if (placed > 0) this.#queue = placed === this.#queue.length ? [] : this.#queue.slice(placed);
  }

  #threadFor(cpus: number): Thread | undefined {
    if (this.#usedUnits + cpus <= this.#slots) return this.#idleThread();
    // More than there is at all: alone, rather than never (the core has shrunk the node meanwhile).
    if (cpus > this.#slots && this.#usedUnits === 0) return this.#idleThread();
    return cpus === 1 ? this.#shortestQueue() : undefined;
  }

  #idleThread(): Thread | undefined {
    for (const thread of this.#threads) if (thread.attempts.size === 0 && thread.skipping.size === 0) return thread;
    if (this.#threads.size < this.#maxThreads) return this.#start();
    // As many threads as may be, all of them waiting: attempts share one, told apart by their context.
    let least: Thread | undefined;
    for (const thread of this.#threads) {
      if (active(thread) === 0 && (least === undefined || thread.attempts.size < least.attempts.size)) least = thread;
    }
    return least;
  }

  #shortestQueue(): Thread | undefined {
    let shortest: Thread | undefined;
    for (const thread of this.#threads) {
      const { size } = thread.attempts;
      if (
        thread.units === 1 &&
        size < AHEAD &&
        active(thread) === size &&
        (shortest === undefined || size < shortest.attempts.size)
      )
        shortest = thread;
    }
    return shortest;
  }

  #give(attempt: Attempt, thread: Thread): boolean {
    const slot = thread.host.takeSlot();
    if (slot === undefined) return false;
    const { request } = attempt;
    const shares = thread.attempts.size > 0 && active(thread) === 0;
    if (active(thread) === 0) {
      thread.units = request.booking.cpus;
      this.#usedUnits += thread.units;
    }
    attempt.thread = thread;
    attempt.slot = slot;
    thread.attempts.set(slot, attempt);
    const implementation: ThreadImplementation = {
      signature: request.signature,
      module: request.implementation.module,
      method: request.implementation.method,
    };
    const timed = request.timeOutMs !== undefined && request.timeOutMs > 0;
    const flags =
      (timed ? RUN_FLAG.ANNOUNCE : 0) |
      (shares ? RUN_FLAG.SHARE : 0) |
      (request.preserveInputs ? 0 : RUN_FLAG.IN_PLACE);
    try {
      thread.host.run(request, { slot, implementation: this.#implementation(request), flags }, implementation);
      this.#touch(thread);
    } catch (error) {
      this.#settle(attempt, { status: 'failed', error: toErrorInfo(error) });
    }
    return true;
  }

  #implementation(request: ExecutionRequest): number {
    const key = implementationKey(request.signature, request.implementation);
    let index = this.#implementations.get(key);
    if (index === undefined) {
      index = this.#implementations.size;
      this.#implementations.set(key, index);
    }
    return index;
  }

  /** What was written to a thread in this turn goes out in one message at its end. */
  #touch(thread: Thread): void {
    this.#dirty.add(thread);
    if (this.#flushScheduled) return;
    this.#flushScheduled = true;
    queueMicrotask(() => {
      this.#flushScheduled = false;
      for (const dirty of this.#dirty) dirty.host.flush();
      this.#dirty.clear();
    });
  }

  // ------------------------------------------------------------------------------------------ threads

  #start(): Thread {
    const host = new ThreadHost(this.#options, {
      store: this.#host.store,
      slabs: this.#slabs,
      run: (setup: ThreadSetup, transferList, signal) =>
        this.#pool.run(setup, { transferList, signal }) as Promise<void>,
      received: (batch) => this.#receive(thread, batch),
      died: (reason) => this.#died(thread, reason),
    });
    const thread: Thread = { host, attempts: new Map(), skipping: new Set(), parked: 0, units: 0 };
    this.#threads.add(thread);
    return thread;
  }

  /** Threads beyond the slots leave when they have nothing to do. */
  #retireIdle(): void {
    for (const thread of this.#threads) {
      if (this.#threads.size <= this.#slots) return;
      if (thread.attempts.size > 0 || thread.skipping.size > 0) continue;
      this.#threads.delete(thread);
      thread.host.close();
    }
  }

  #receive(thread: Thread, batch: BatchReader): void {
    if (!this.#threads.has(thread)) return;
    while (!batch.done) this.#record(thread, batch);
    if (thread.attempts.size < AHEAD / 2) {
      this.#pump();
      if (this.#queue.length === 0) this.#balance(thread);
    }
  }

  #record(thread: Thread, batch: BatchReader): void {
    const kind = batch.word();
    switch (kind) {
      case FROM_THREAD.READY:
        batch.word();
        break;
      case FROM_THREAD.STARTED:
        this.#started(thread.attempts.get(batch.word()));
        break;
      case FROM_THREAD.SETTLED:
        this.#settled(thread, batch.word(), batch);
        break;
      case FROM_THREAD.SKIPPED:
        this.#skipped(thread, batch.word());
        break;
      case FROM_THREAD.OUTPUT:
        this.#output(thread.attempts.get(batch.word()), batch.word(), batch.bytes());
        break;
      case FROM_THREAD.STRAY_OUTPUT:
        (batch.word() === 1 ? process.stdout : process.stderr).write(batch.bytes());
        break;
      case FROM_THREAD.DISCARD:
        thread.host.discard(batch.word());
        break;
      case FROM_THREAD.SUSPENDED:
        this.#suspended(thread, batch.word(), batch.word());
        break;
      default:
        this.#scopeRecord(thread, kind, batch);
    }
  }

  #scopeRecord(thread: Thread, kind: number, batch: BatchReader): void {
    const slot = batch.word();
    const attempt = thread.attempts.get(slot);
    if (attempt === undefined)
      throw new RuntimeError('ERR_INTERNAL', { reason: `record ${kind} of an attempt that has ended` });
    attempt.scope ??= new ScopeServer(attempt.request, this.#host, thread.host, slot);
    attempt.scope.record(kind, batch);
  }

  /** Its units go to another thread, and so does what was given to its thread ahead. */
  #suspended(thread: Thread, slot: number, received: number): void {
    const attempt = thread.attempts.get(slot);
    if (attempt?.scope === undefined || !attempt.scope.suspend(received)) return;
    thread.parked += 1;
    const behind = [...thread.attempts.values()].filter(
      (other) => other.scope?.parked !== true && this.#takeBack(other),
    );
    this.#queue = [...behind, ...this.#queue];
    if (active(thread) === 0) {
      this.#usedUnits -= thread.units;
      thread.units = 0;
    }
    this.#host.suspended(attempt.request.invocation);
    this.#pump();
  }

  #started(attempt: Attempt | undefined): void {
    if (attempt === undefined) return;
    const { invocation, timeOutMs } = attempt.request;
    this.#host.started(invocation);
    if (timeOutMs === undefined || timeOutMs <= 0 || attempt.timer !== undefined) return;
    attempt.timer = setTimeout(
      () => this.#stop(attempt, { kind: 'timeout', reason: `ran longer than ${timeOutMs} ms` }),
      timeOutMs,
    );
  }

  #output(attempt: Attempt | undefined, stream: number, bytes: Uint8Array): void {
    if (attempt !== undefined) this.#host.output(attempt.request.invocation, stream === 1 ? 'stdout' : 'stderr', bytes);
  }

  #settled(thread: Thread, slot: number, batch: BatchReader): void {
    const { outcome, ranMs } = readOutcome(batch);
    const attempt = thread.attempts.get(slot);
    if (attempt === undefined) return;
    this.#settle(attempt, this.#outcome(thread, attempt, outcome, ranMs));
  }

  #skipped(thread: Thread, slot: number): void {
    thread.skipping.delete(slot);
    thread.host.freeSlot(slot);
  }

  /** Its own dies or exceeds its memory: an infrastructure loss for what ran, nothing for what had not begun. */
  #died(thread: Thread, reason: string): void {
    if (!this.#threads.delete(thread) || this.#closed) return;
    const lost: Attempt[] = [];
    const again: Attempt[] = [];
    for (const [slot, attempt] of thread.attempts) (thread.host.isClaimed(slot) ? lost : again).push(attempt);
    this.#release(thread);
    for (const attempt of again) attempt.thread = undefined;
    this.#queue = [...again, ...this.#queue];
    for (const attempt of lost)
      this.#end(attempt, attempt.stop === undefined ? { status: 'lost', reason } : stopped(attempt));
    this.#pump();
  }

  #release(thread: Thread): void {
    this.#usedUnits -= thread.units;
    thread.units = 0;
    thread.parked = 0;
    thread.attempts.clear();
    thread.skipping.clear();
    this.#dirty.delete(thread);
  }

  /** A thread that runs dry takes what another has ahead: the later half of the longest queue. */
  #balance(idle: Thread): void {
    if (idle.attempts.size > 0 || this.#usedUnits >= this.#slots) return;
    let longest: Thread | undefined;
    for (const thread of this.#threads) {
      if (thread.attempts.size > 1 && thread.attempts.size > (longest?.attempts.size ?? 0)) longest = thread;
    }
    if (longest === undefined) return;
    const candidates = [...longest.attempts.values()].slice(Math.ceil(longest.attempts.size / 2));
    const moved = candidates.filter((attempt) => this.#takeBack(attempt));
    this.#queue = [...moved, ...this.#queue];
    this.#pump();
  }

  // ------------------------------------------------------------------------------------------ ends

  #stop(attempt: Attempt, stop: NonNullable<Attempt['stop']>): void {
    if (attempt.stop !== undefined) return;
    attempt.stop = stop;
    if (this.#takeBack(attempt)) {
      this.#forget(attempt);
      this.#host.settled(attempt.request.invocation, stopped(attempt));
      this.#pump();
      return;
    }
    const { thread } = attempt;
    if (thread === undefined) return;
    thread.host.abort(attempt.slot, stop.reason);
    this.#touch(thread);
    clearTimeout(attempt.timer);
    attempt.timer = setTimeout(() => this.#kill(thread), this.#options.graceMs ?? DEFAULT_GRACE_MS);
  }

  /** The code did not end by itself: its thread ends, and so do those that shared it. */
  #kill(thread: Thread): void {
    if (!this.#threads.has(thread)) return;
    thread.host.kill();
    this.#died(thread, 'its thread was stopped for another task');
  }

  /** True when the attempt had not begun, and is now with nobody. */
  #takeBack(attempt: Attempt): boolean {
    const { thread, slot } = attempt;
    if (thread === undefined) {
      this.#queue = this.#queue.filter((other) => other !== attempt);
      return true;
    }
    if (!thread.host.recall(slot)) return false;
    thread.skipping.add(slot);
    this.#leave(attempt, thread);
    return true;
  }

  #leave(attempt: Attempt, thread: Thread): void {
    thread.attempts.delete(attempt.slot);
    if (attempt.scope?.parked === true) thread.parked -= 1;
    attempt.thread = undefined;
    if (active(thread) > 0) return;
    this.#usedUnits -= thread.units;
    thread.units = 0;
  }

  #settle(attempt: Attempt, outcome: InvocationOutcome): void {
    const { thread, slot } = attempt;
    if (thread !== undefined) {
      this.#leave(attempt, thread);
      thread.host.freeSlot(slot);
    }
    this.#end(attempt, outcome);
  }

  #end(attempt: Attempt, outcome: InvocationOutcome): void {
    this.#forget(attempt);
    this.#host.settled(attempt.request.invocation, outcome);
  }

  #forget(attempt: Attempt): void {
    clearTimeout(attempt.timer);
    attempt.scope?.end();
    this.#attempts.delete(attempt.request.invocation);
  }

  #outcome(thread: Thread, attempt: Attempt, outcome: ThreadOutcome, ranMs: number): InvocationOutcome {
    switch (outcome.status) {
      case STATUS.COMPLETED:
        if (outcome.outputs.length === 0 && ranMs === 0) return COMPLETED_PLAIN;
        return this.#reported(thread, attempt, outcome.outputs, (outputs) => ({ status: 'completed', outputs, ranMs }));
      case STATUS.EXCEPTION: {
        const { error } = outcome;
        return this.#reported(thread, attempt, outcome.outputs, (outputs) => ({ status: 'exception', error, outputs }));
      }
      case STATUS.FAILED:
        return { status: 'failed', error: outcome.error, ranMs };
      case STATUS.CANCELLED:
        return stopped(attempt);
    }
  }

  #reported(
    thread: Thread,
    { request }: Attempt,
    found: readonly ThreadOutput[],
    done: (outputs: readonly OutputReport[]) => InvocationOutcome,
  ): InvocationOutcome {
    try {
      return done(
        found.length === 0 ? NO_REPORTS : found.map((output, index) => this.#keep(thread, request, output, index)),
      );
    } catch (error) {
      return { status: 'failed', error: toErrorInfo(error) };
    }
  }

  /** Puts an output into the store under its version. */
  #keep(thread: Thread, request: ExecutionRequest, output: ThreadOutput, index: number): OutputReport {
    const version = request.outputs[index];
    const { store } = this.#host;
    if (output.as === 'delegated') return { bytes: 0, inline: false, delegatedTo: output.handle };
    if (version === undefined) throw new RuntimeError('ERR_INTERNAL', { reason: `output ${index} has no version` });
    switch (output.as) {
      case 'inline':
        store.putInline(version, output.bytes);
        return { bytes: output.bytes.byteLength, inline: true };
      case 'file':
        store.putFile(version, output.path, output.length, true);
        return { bytes: output.length, inline: false };
      case 'reservation': {
        const reservation = thread.host.take(output.id);
        if (reservation === undefined)
          throw new RuntimeError('ERR_INTERNAL', { reason: `reservation ${output.id} is not known` });
        store.seal(version, reservation, output.length);
        return { bytes: output.length, inline: false };
      }
    }
  }
}

/** Attempts that run or are ahead: those that do not wait for tasks of their own. */
const active = (thread: Thread): number => thread.attempts.size - thread.parked;

/** More than any node has: the executor itself bounds the number. */
const MAX_THREADS = 4096;

function stopped({ stop, request }: Attempt): InvocationOutcome {
  if (stop?.kind !== 'timeout') return { status: 'cancelled' };
  return { status: 'failed', error: timedOut(request) };
}

function timedOut(request: ExecutionRequest): ErrorInfo {
  const { task, signature, timeOutMs } = request;
  return toErrorInfo(
    new RuntimeError('ERR_TASK_TIMED_OUT', { task: `t${task}`, signature, timeOutMs, node: 'the local node' }),
  );
}
