import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Piscina } from 'piscina';
import { type ErrorInfo, RuntimeError, toErrorInfo } from '../../common/errors.ts';
import { type InvocationId, indexOf, type VersionId } from '../model/ids.ts';
import type { InvocationOutcome, OutputReport } from '../model/outcome.ts';
import type { ExecutionRequest, Executor, ExecutorHost, ObjectStore } from '../ports.ts';
import type { BatchReader } from './batch.ts';
import { Lane, type LaneEvents, type LaneOptions } from './lane.ts';
import { NestedScope } from './nested-scope.ts';
import type { ThreadOutcome, ThreadOutput } from './outcome-record.ts';
import { Placement } from './placement.ts';
import { FROM_THREAD, STATUS, type ThreadSetup } from './protocol.ts';
import { Run, type Stop } from './run.ts';

export interface ThreadExecutorOptions {
  /** Directories that user modules may come from; the first that has a module wins. */
  readonly codePaths: readonly string[];
  /** Units given at once. */
  readonly slots: number;
  /** Threads for attempts that wait as well as run. Default 4 x slots. Beyond it attempts share threads. */
  readonly maxThreads?: number;
  /** How long a stopped attempt may go on before its thread is killed. Default 500. */
  readonly graceMs?: number;
  /** Idle threads beyond `slots` leave after this. Default 10,000. */
  readonly idleThreadMs?: number;
  /** Checksums readers' buffers before and after each attempt. */
  readonly checkInputs?: boolean;
  /** Megabytes of V8 heap a thread may use; one that needs more dies, and its attempts are lost. */
  readonly maxHeapMb?: number;
  /** URL that `import 'metakernel'` in user code means; path of worker-entry. Default: those beside this code. */
  readonly publicEntry?: string;
  readonly workerEntry?: string;
  /** Node name for messages. */
  readonly node?: string;
}

/** How often attempts that have begun without saying so are looked for. */
const WATCH_MS = 20;
const DEFAULT_GRACE_MS = 500;
const DEFAULT_IDLE_MS = 10_000;
/** Piscina's own bound; the executor counts its threads itself. */
const POOL_THREADS = 10_000;

/** Beside this file in a checkout; flat beside its chunk in the bundle. */
function entryUrl(name: string, inSource: string): URL {
  const bundled = new URL(`./${name}.js`, import.meta.url);
  return existsSync(bundled) ? bundled : new URL(inSource, import.meta.url);
}

export function createThreadExecutor(host: ExecutorHost, options: ThreadExecutorOptions): Executor {
  return new ThreadExecutor(host, options);
}

/**
 * Runs JavaScript and TypeScript functions on threads of this process. Piscina owns the threads; each runs one long task
 * that drains a port, so that a no-op attempt costs a few words in a batch and no promise.
 */
class ThreadExecutor implements Executor {
  readonly languages = ['JS'];
  readonly #host: ExecutorHost;
  readonly #options: ThreadExecutorOptions;
  readonly #pool: Piscina<ThreadSetup, void>;
  readonly #laneOptions: LaneOptions;
  readonly #placement: Placement;
  /** By the row of the invocation. */
  readonly #runs: (Run | undefined)[] = [];
  readonly #idleSince = new Map<Lane, number>();
  readonly #closing = new Set<Promise<void>>();
  /** Attempts that have submitted in the batch being read. */
  readonly #submitters: Run[] = [];
  #live = 0;
  #watch: NodeJS.Timeout | undefined;
  #disposed = false;

  constructor(host: ExecutorHost, options: ThreadExecutorOptions) {
    this.#host = host;
    this.#options = options;
    this.#pool = new Piscina({
      filename: options.workerEntry ?? fileURLToPath(entryUrl('worker-entry', './worker-entry.ts')),
      minThreads: 0,
      maxThreads: POOL_THREADS,
      idleTimeout: 0,
      atomics: 'disabled',
      recordTiming: false,
      ...(options.maxHeapMb === undefined ? {} : { resourceLimits: { maxOldGenerationSizeMb: options.maxHeapMb } }),
    });
    this.#laneOptions = {
      pool: this.#pool,
      store: host.store,
      codePaths: options.codePaths,
      publicEntry: options.publicEntry ?? entryUrl('index', '../../index.ts').href,
      checkInputs: options.checkInputs ?? false,
    };
    this.#placement = new Placement(options.slots, { openLane: () => this.#openLane() });
  }

  execute(batch: readonly ExecutionRequest[]): void {
    for (const request of batch) {
      const run = new Run(request);
      this.#runs[indexOf(request.invocation)] = run;
      this.#live += 1;
      this.#placement.enqueue(run);
    }
    this.#placement.place();
    this.#watch ??= setInterval(this.#look, WATCH_MS);
  }

  cancel(invocation: InvocationId, reason: string): void {
    const run = this.#find(invocation);
    if (run === undefined || run.stop !== undefined) return;
    this.#stop(run, { kind: 'cancelled', reason });
  }

  recall(invocation: InvocationId): boolean {
    const run = this.#find(invocation);
    if (run === undefined || run.stop !== undefined || !this.#withdraw(run)) return false;
    this.#forget(run);
    this.#placement.place();
    return true;
  }

  resume(invocation: InvocationId): void {
    const run = this.#find(invocation);
    if (run?.state !== 'resuming') return;
    run.state = 'given';
    run.lane!.resume();
    this.#placement.count(run);
    run.nested!.deliver();
    run.lane!.flush();
  }

  async resize(slots: number): Promise<void> {
    this.#placement.slots = slots;
    this.#placement.place();
    this.#retire(0);
    await Promise.all(this.#closing);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#disposed = true;
    clearInterval(this.#watch);
    for (const run of this.#runs) run?.clearTimer();
    const lanes = [...this.#placement.lanes];
    for (const lane of lanes) if (!lane.idle) lane.kill('the executor is closing');
    await Promise.all(lanes.map((lane) => lane.close()));
    await this.#pool.destroy();
    for (const run of this.#runs) run?.nested?.detach();
  }

  // ------------------------------------------------------------------------------------------ threads

  #openLane(): Lane | undefined {
    const { slots } = this.#placement;
    const most = this.#options.maxThreads ?? 4 * slots;
    if (this.#placement.lanes.size >= Math.max(1, most)) return undefined;
    const lane = new Lane(this.#laneOptions, this.#events);
    this.#placement.lanes.add(lane);
    return lane;
  }

  /** Closes threads beyond the slots that have been idle for so long. */
  #retire(idleMs: number): void {
    let surplus = this.#placement.lanes.size - this.#placement.slots;
    const now = performance.now();
    for (const lane of this.#placement.lanes) {
      if (!lane.idle) {
        this.#idleSince.delete(lane);
        continue;
      }
      const since = this.#idleSince.get(lane) ?? now;
      this.#idleSince.set(lane, since);
      if (surplus <= 0 || now - since < idleMs) continue;
      surplus -= 1;
      this.#close(lane);
    }
  }

  #close(lane: Lane): void {
    this.#placement.lanes.delete(lane);
    this.#idleSince.delete(lane);
    const closing = lane.close().finally(() => this.#closing.delete(closing));
    this.#closing.add(closing);
  }

  /** Says `started` for attempts that have been running for a while, and lets surplus threads go. */
  readonly #look = (): void => {
    for (const lane of this.#placement.lanes) {
      const { front } = lane;
      if (front !== undefined && !front.announced && lane.hasBegun(front)) this.#started(front);
    }
    this.#retire(this.#options.idleThreadMs ?? DEFAULT_IDLE_MS);
    if (this.#live > 0 || this.#placement.lanes.size > this.#placement.slots) return;
    clearInterval(this.#watch);
    this.#watch = undefined;
  };

  readonly #events: LaneEvents = {
    started: (run) => this.#started(run),
    settled: (run, outcome, ranMs) => this.#settled(run, outcome, ranMs),
    suspended: (run, received) => this.#suspended(run, received),
    output: (run, stream, chunk) => {
      if (run === undefined) process[stream].write(chunk);
      else this.#host.output(run.request.invocation, stream, chunk);
    },
    scopeCall: (run, record, batch) => this.#scopeCall(run, record, batch),
    batchDone: () => {
      for (const run of this.#submitters.splice(0)) run.nested?.flush();
      this.#placement.place();
    },
    gone: (lane, reason) => this.#gone(lane, reason),
  };

  // ------------------------------------------------------------------------------------------ attempts

  #find(invocation: InvocationId): Run | undefined {
    const run = this.#runs[indexOf(invocation)];
    return run?.request.invocation === invocation ? run : undefined;
  }

  #forget(run: Run): void {
    run.state = 'ended';
    run.clearTimer();
    this.#runs[indexOf(run.request.invocation)] = undefined;
    this.#live -= 1;
  }

  /** Takes an attempt back that has not begun, from the queue or from its thread. */
  #withdraw(run: Run): boolean {
    if (run.state === 'queued') return this.#placement.dequeue(run);
    const { lane } = run;
    if (run.state !== 'given' || lane === undefined || !lane.recall(run)) return false;
    this.#placement.uncount(run);
    this.#placement.promote(lane);
    return true;
  }

  #started(run: Run): void {
    if (run.announced || run.state === 'ended') return;
    run.announced = true;
    const { invocation, timeOutMs } = run.request;
    if (timeOutMs) {
      const reason = `it ran longer than ${timeOutMs} ms`;
      run.timer = setTimeout(() => this.#stop(run, { kind: 'timed-out', reason }), timeOutMs);
    }
    this.#host.started(invocation);
  }

  #settled(run: Run, outcome: ThreadOutcome, ranMs: number): void {
    const lane = run.lane!;
    this.#placement.uncount(run);
    this.#placement.promote(lane);
    this.#end(run, this.#conclude(run, lane, outcome, ranMs));
  }

  #end(run: Run, outcome: InvocationOutcome): void {
    this.#forget(run);
    run.nested?.detach();
    this.#host.settled(run.request.invocation, outcome);
  }

  #conclude(run: Run, lane: Lane, outcome: ThreadOutcome, ranMs: number): InvocationOutcome {
    if ('outputs' in outcome && run.stop?.kind !== 'timed-out') {
      try {
        const outputs = this.#keep(run, lane, outcome.outputs);
        if (outcome.status === STATUS.COMPLETED) return { status: 'completed', outputs, ranMs };
        return { status: 'exception', error: outcome.error, outputs };
      } catch (error) {
        return { status: 'failed', error: toErrorInfo(error), ranMs };
      }
    }
    if ('outputs' in outcome) discardOutputs(lane, this.#host, outcome.outputs);
    if (run.stop !== undefined) return this.#stopped(run, run.stop);
    if (outcome.status === STATUS.FAILED) return { status: 'failed', error: outcome.error, ranMs };
    return { status: 'cancelled' };
  }

  /** The outputs become the content of their versions. */
  #keep(run: Run, lane: Lane, outputs: readonly ThreadOutput[]): readonly OutputReport[] {
    if (outputs.length === 0) return NO_REPORTS;
    const { store } = this.#host;
    return outputs.map((output, index) => {
      const version = run.request.outputs[index];
      if (version === undefined) throw new RuntimeError('ERR_INTERNAL', { reason: `there is no output ${index}` });
      return keepOne(store, version, lane, output);
    });
  }

  // ------------------------------------------------------------------------------------------ stopping

  #stop(run: Run, stop: Stop): void {
    if (this.#withdraw(run)) {
      this.#end(run, this.#stopped(run, stop));
      this.#placement.place();
      return;
    }
    const lane = run.lane!;
    run.stop = stop;
    run.clearTimer();
    const grace = this.#options.graceMs ?? DEFAULT_GRACE_MS;
    run.timer = setTimeout(() => lane.kill(`attempt of ${run.request.signature} was stopped`), grace);
    lane.abort(run, stop.reason);
    lane.flush();
  }

  #stopped(run: Run, stop: Stop): InvocationOutcome {
    if (stop.kind === 'cancelled') return { status: 'cancelled' };
    return { status: 'failed', error: this.#timedOut(run) };
  }

  #timedOut(run: Run): ErrorInfo {
    const { task, signature, timeOutMs } = run.request;
    const node = this.#options.node ?? 'this node';
    return toErrorInfo(new RuntimeError('ERR_TASK_TIMED_OUT', { task, signature, timeOutMs: timeOutMs ?? 0, node }));
  }

  /** What had not begun goes to another thread; what was being stopped has its outcome; the rest is lost. */
  #gone(lane: Lane, reason: string): void {
    this.#placement.lanes.delete(lane);
    this.#idleSince.delete(lane);
    const runs = lane.runs();
    const unbegun = runs.filter((run) => run.state === 'given' && lane.recall(run));
    for (const run of runs) this.#placement.uncount(run);
    this.#placement.putBack(unbegun);
    for (const run of runs) {
      if (run.state === 'queued') continue;
      const outcome = run.stop === undefined ? lost(reason) : this.#stopped(run, run.stop);
      this.#end(run, outcome);
    }
    if (!this.#disposed) this.#placement.place();
  }

  // ------------------------------------------------------------------------------------------ nested tasks

  #suspended(run: Run, received: number): void {
    if (run.state !== 'given' || run.nested === undefined || run.nested.delivered !== received) return;
    const lane = run.lane!;
    run.state = 'suspended';
    lane.suspend(run);
    this.#placement.uncount(run);
    this.#placement.takeBack(lane, lane.load);
    if (!run.announced) this.#started(run);
    this.#host.suspended(run.request.invocation);
    if (run.nested.hasResults) this.#askToResume(run);
  }

  #askToResume(run: Run): void {
    run.state = 'resuming';
    this.#host.resumeRequested(run.request.invocation);
  }

  #scopeCall(run: Run | undefined, record: number, batch: BatchReader): void {
    if (run === undefined) throw new RuntimeError('ERR_INTERNAL', { reason: `record ${record} is about no attempt` });
    run.nested ??= new NestedScope(run, this.#host, {
      ready: () => {
        if (run.state === 'suspended') this.#askToResume(run);
        else if (run.state === 'given') {
          run.nested!.deliver();
          run.lane!.flush();
        }
      },
    });
    run.nested.call(record, batch);
    if (record === FROM_THREAD.SUBMIT && this.#submitters.at(-1) !== run) this.#submitters.push(run);
  }
}

const NO_REPORTS: readonly OutputReport[] = [];
const lost = (reason: string): InvocationOutcome => ({ status: 'lost', reason });

function keepOne(store: ObjectStore, version: VersionId, lane: Lane, output: ThreadOutput): OutputReport {
  switch (output.as) {
    case 'inline':
      store.putInline(version, output.bytes);
      return { bytes: output.bytes.length, inline: true };
    case 'reservation':
      store.seal(version, lane.takeReservation(output.id), output.length);
      return { bytes: output.length, inline: false };
    case 'file':
      store.putFile(version, output.path, output.length, true);
      return { bytes: output.length, inline: false };
    case 'delegated':
      return { bytes: 0, inline: false, delegatedTo: output.handle };
  }
}

function discardOutputs(lane: Lane, host: ExecutorHost, outputs: readonly ThreadOutput[]): void {
  for (const output of outputs) if (output.as === 'reservation') host.store.discard(lane.takeReservation(output.id));
}
