import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type ErrorInfo, RuntimeError, toErrorInfo } from '../../common/errors.ts';
import { type Logger, silentLogger } from '../../common/logger.ts';
import { createProcessFolder, type ProcessFolder } from '../data/process-folder.ts';
import { type InvocationId, indexOf } from '../model/ids.ts';
import type { InvocationOutcome } from '../model/outcome.ts';
import type { ExecutionRequest, Executor, ExecutorHost } from '../ports.ts';
import type { FrameReader } from './python/frame.ts';
import { interpreterOf } from './python/interpreter.ts';
import { concluded } from './python/outcome.ts';
import { PythonPlacement } from './python/placement.ts';
import { FROM_PYTHON, type PythonOutcome, STATUS } from './python/records.ts';
import { PythonRun, type Stop } from './python/run.ts';
import { PythonScope } from './python/scope.ts';
import { SharedFiles } from './python/shared-files.ts';
import type { PythonWorker, WorkerEvents } from './python/worker.ts';
import { WorkerPool } from './python/worker-pool.ts';

export interface PythonExecutorOptions {
  /** Units given at once. */
  readonly slots: number;
  /** Directories that user modules come from, first first. */
  readonly codePaths: readonly string[];
  /** Program to run; default `python3`. */
  readonly interpreter?: string;
  /** Root of a virtual environment: its interpreter is taken. */
  readonly virtualenv?: string;
  /** Further directories for sys.path, after the code paths. */
  readonly pythonPath?: readonly string[];
  /** Where the values that processes share lie, and the socket; default /dev/shm, where there is one. */
  readonly sharedDir?: string;
  /** On a disk: for values that shared memory has no room for; default: that of temporary files. */
  readonly overflowDir?: string;
  /** Processes at most, those that wait for tasks of their own included. Default 512. */
  readonly maxWorkers?: number;
  /** How long a stopped attempt may go on before its process is killed. Default 500. */
  readonly graceMs?: number;
  /** Idle processes beyond `slots` leave after this. Default 10,000. */
  readonly idleMs?: number;
  /** Folder of the Python package `metakernel`; default: that of this package. */
  readonly bindings?: string;
  /** Environment of the processes; default: that of this one. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Node name for messages. */
  readonly node?: string;
  /** Nodes of the pool, for programs that ask; default 1. */
  readonly nodes?: () => number;
  readonly log?: Logger;
}

const LOOK_MS = 20;
/** What long attempts have printed is read at every so many looks. */
const LOOKS_PER_READ = 5;
const DEFAULT_GRACE_MS = 500;
const DEFAULT_IDLE_MS = 10_000;
const DEFAULT_MAX_WORKERS = 512;
const SIGUSR2 = 12;
const MAX_STILLBORN = 3;

export function createPythonExecutor(host: ExecutorHost, options: PythonExecutorOptions): Executor {
  return new PythonExecutor(host, options);
}

/** Runs Python functions in worker processes that are forked from a warm one. */
class PythonExecutor implements Executor {
  readonly languages = ['PYTHON'];
  readonly #host: ExecutorHost;
  readonly #options: PythonExecutorOptions;
  /** Everything below goes with it, also when this process was killed: the next one to start removes it. */
  readonly #folder: ProcessFolder;
  readonly #overflow: ProcessFolder;
  readonly #files: SharedFiles;
  readonly #pool: WorkerPool;
  readonly #placement: PythonPlacement;
  /** By the row of the invocation. */
  readonly #runs: (PythonRun | undefined)[] = [];
  readonly #submitters = new Set<PythonRun>();
  #live = 0;
  #nodes = 1;
  /** Processes in a row that ended before they began anything. */
  #stillborn = 0;
  #looks = 0;
  #watch: NodeJS.Timeout | undefined;
  #disposed = false;

  constructor(host: ExecutorHost, options: PythonExecutorOptions) {
    this.#host = host;
    this.#options = options;
    const { log = silentLogger } = options;
    const parent = `metakernel-${process.getuid?.() ?? 'all'}`;
    this.#folder = createProcessFolder(join(options.sharedDir ?? defaultSharedDir(), parent), log);
    const folder = this.#folder.path;
    this.#overflow = createProcessFolder(join(options.overflowDir ?? tmpdir(), parent), log);
    this.#files = new SharedFiles(join(folder, 'v'), join(this.#overflow.path, 'v'));
    this.#pool = new WorkerPool(
      {
        folder,
        values: this.#files.folder,
        overflow: this.#files.overflow,
        interpreter: interpreterOf(options),
        bindings: options.bindings ?? defaultBindings(),
        pythonPath: [...options.codePaths, ...(options.pythonPath ?? [])],
        env: { ...(options.env ?? process.env), METAKERNEL_NODE: options.node ?? '' },
      },
      this.#events,
      (reason) => this.#unavailable(reason),
    );
    this.#placement = new PythonPlacement(options.slots, {
      openWorker: () => this.#openWorker(),
      give: (run, worker) => this.#give(run, worker),
      takenBack: (run) => this.#letGo(run),
    });
  }

  execute(batch: readonly ExecutionRequest[]): void {
    for (const request of batch) {
      const run = new PythonRun(request);
      this.#runs[indexOf(request.invocation)] = run;
      this.#live += 1;
      this.#placement.enqueue(run);
    }
    this.#tellNodes();
    this.#placement.place();
    this.#watch ??= setInterval(this.#look, LOOK_MS);
  }

  cancel(invocation: InvocationId): void {
    const run = this.#find(invocation);
    if (run === undefined || run.stop !== undefined) return;
    this.#stop(run, { kind: 'cancelled' });
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
    this.#placement.count(run);
    run.scope!.deliver();
    run.worker!.flush();
  }

  async resize(slots: number): Promise<void> {
    this.#placement.slots = slots;
    this.#placement.place();
    await this.#retire(0);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#disposed) return;
    this.#disposed = true;
    clearInterval(this.#watch);
    for (const run of this.#runs) {
      run?.clearTimer();
      run?.scope?.detach();
    }
    await this.#pool.close();
    await this.#folder[Symbol.asyncDispose]();
    await this.#overflow[Symbol.asyncDispose]();
  }

  // ------------------------------------------------------------------------------------------ processes

  #openWorker(): PythonWorker | undefined {
    if (this.#disposed || this.#placement.workers.size >= (this.#options.maxWorkers ?? DEFAULT_MAX_WORKERS))
      return undefined;
    const worker = this.#pool.fork();
    worker.tellNodes(this.#nodes);
    this.#placement.workers.add(worker);
    return worker;
  }

  /** Closes processes beyond the slots that have been idle for so long. */
  async #retire(idleMs: number): Promise<void> {
    const now = performance.now();
    let surplus = this.#placement.workers.size - this.#placement.slots;
    const closing: Promise<void>[] = [];
    for (const worker of this.#placement.workers) {
      if (!worker.idle) worker.idleSince = now;
      else if (surplus > 0 && now - worker.idleSince >= idleMs) {
        surplus -= 1;
        closing.push(this.#close(worker));
      }
    }
    await Promise.all(closing);
  }

  #close(worker: PythonWorker): Promise<void> {
    this.#placement.workers.delete(worker);
    return worker.close();
  }

  /** Says `started` for attempts that run for a while, reads what they print, hurries what lies behind long code. */
  readonly #look = (): void => {
    this.#looks += 1;
    if (this.#looks % LOOKS_PER_READ === 0) this.#tellNodes();
    for (const worker of this.#placement.workers) {
      const { front } = worker;
      if (front === undefined) continue;
      const begun = worker.begun();
      if (begun > front.index + 1 || worker.holdsBack()) this.#pool.signal(worker, SIGUSR2);
      if (begun !== front.index + 1) continue;
      if (!front.announced) this.#started(front);
      if (this.#looks % LOOKS_PER_READ === 0) worker.readOutput();
    }
    void this.#retire(this.#options.idleMs ?? DEFAULT_IDLE_MS);
    if (this.#live > 0 || this.#placement.workers.size > this.#placement.slots) return;
    clearInterval(this.#watch);
    this.#watch = undefined;
  };

  #tellNodes(): void {
    const nodes = this.#options.nodes?.() ?? 1;
    if (nodes === this.#nodes) return;
    this.#nodes = nodes;
    for (const worker of this.#placement.workers) worker.tellNodes(nodes);
  }

  readonly #events: WorkerEvents = {
    started: (run) => this.#started(run),
    settled: (run, outcome) => this.#settled(run, outcome),
    output: (run, stream, chunk) => this.#host.output(run.request.invocation, stream, chunk),
    scopeCall: (run, record, frame) => this.#scopeCall(run, record, frame),
    refused: (run, worker) => this.#refused(run, worker),
    frameDone: () => {
      for (const run of this.#submitters) run.scope?.flush();
      this.#submitters.clear();
      this.#placement.place();
    },
    gone: (worker, how) => this.#gone(worker, how),
  };

  /** No process of this interpreter has ever answered: whatever waits for one fails. */
  #unavailable(reason: string): void {
    const node = this.#options.node ?? 'this node';
    const error = toErrorInfo(new RuntimeError('ERR_PYTHON_UNAVAILABLE', { node, reason }));
    const waiting = this.#placement.drain();
    for (const worker of this.#placement.workers) for (const run of [...worker.given]) waiting.push(run);
    for (const run of waiting) this.#end(run, { status: 'failed', error });
  }

  // ------------------------------------------------------------------------------------------ attempts

  #find(invocation: InvocationId): PythonRun | undefined {
    const run = this.#runs[indexOf(invocation)];
    return run?.request.invocation === invocation ? run : undefined;
  }

  #give(run: PythonRun, worker: PythonWorker): void {
    const { inputs, values } = run.request;
    try {
      run.held = inputs;
      const contents = values.map((value, i) => this.#files.content(inputs[i]!, value));
      worker.give(run, contents);
    } catch (error) {
      this.#placement.uncount(run);
      this.#end(run, { status: 'failed', error: toErrorInfo(error) });
    }
  }

  #forget(run: PythonRun): void {
    run.state = 'ended';
    run.clearTimer();
    this.#letGo(run);
    this.#runs[indexOf(run.request.invocation)] = undefined;
    this.#live -= 1;
  }

  /** It is with no process any more: the files of its inputs have one reader less. */
  #letGo(run: PythonRun): void {
    for (const version of run.held) this.#files.release(version);
    run.held = [];
  }

  /** Takes an attempt back that has not begun, from the queue or from its process. */
  #withdraw(run: PythonRun): boolean {
    if (run.state === 'queued') return this.#placement.dequeue(run);
    const { worker } = run;
    if (run.state !== 'given' || worker === undefined || run.scope !== undefined || !worker.takeBack(run)) return false;
    this.#placement.uncount(run);
    this.#placement.promote(worker);
    return true;
  }

  #started(run: PythonRun): void {
    if (run.announced || run.state === 'ended') return;
    run.announced = true;
    const { invocation, timeOutMs } = run.request;
    if (timeOutMs) run.timer = setTimeout(() => this.#stop(run, { kind: 'timed-out' }), timeOutMs);
    this.#host.started(invocation);
  }

  #settled(run: PythonRun, outcome: PythonOutcome): void {
    const worker = run.worker!;
    worker.idleSince = performance.now();
    this.#stillborn = 0;
    this.#placement.uncount(run);
    this.#placement.promote(worker);
    if (run.isProgram) void this.#close(worker);
    this.#end(run, this.#conclude(run, outcome));
  }

  #refused(run: PythonRun, worker: PythonWorker): void {
    this.#placement.uncount(run);
    this.#placement.promote(worker);
    if (run.stop !== undefined) {
      this.#end(run, this.#stopped(run, run.stop));
      return;
    }
    this.#letGo(run);
    this.#placement.putBack([run]);
  }

  #end(run: PythonRun, outcome: InvocationOutcome): void {
    if (run.state === 'ended') return;
    this.#forget(run);
    run.scope?.detach();
    this.#host.settled(run.request.invocation, outcome);
  }

  /** What it became; what it left is in the store. */
  #conclude(run: PythonRun, outcome: PythonOutcome): InvocationOutcome {
    if (run.stop !== undefined && !(run.stop.kind === 'cancelled' && outcome.status === STATUS.COMPLETED)) {
      this.#files.discard(outcome.outputs);
      return this.#stopped(run, run.stop);
    }
    try {
      return concluded(run.request, outcome, this.#host.store, this.#files);
    } catch (error) {
      return { status: 'failed', error: toErrorInfo(error), ranMs: outcome.ranMs };
    }
  }

  // ------------------------------------------------------------------------------------------ stopping

  #stop(run: PythonRun, stop: Stop): void {
    if (this.#withdraw(run)) {
      this.#end(run, this.#stopped(run, stop));
      this.#placement.place();
      return;
    }
    const worker = run.worker;
    if (worker === undefined) return;
    run.stop = stop;
    run.clearTimer();
    run.timer = setTimeout(() => worker.kill(), this.#options.graceMs ?? DEFAULT_GRACE_MS);
    worker.interrupt(run);
  }

  #stopped(run: PythonRun, stop: Stop): InvocationOutcome {
    if (stop.kind === 'cancelled') return { status: 'cancelled' };
    const { task, signature, timeOutMs } = run.request;
    const node = this.#options.node ?? 'this node';
    const error: ErrorInfo = toErrorInfo(
      new RuntimeError('ERR_TASK_TIMED_OUT', { task, signature, timeOutMs: timeOutMs ?? 0, node }),
    );
    return { status: 'failed', error };
  }

  /** What had not begun goes to another process; what was being stopped has its outcome; the rest is lost. */
  #gone(worker: PythonWorker, how: string): void {
    this.#placement.workers.delete(worker);
    if (this.#disposed) return;
    this.#files.sweep(worker.number);
    const runs = [...worker.given];
    for (const run of runs) this.#placement.uncount(run);
    // One that dies before it has begun anything is replaced, but not for ever: what it was given is lost then.
    this.#stillborn = worker.begunAtEnd === 0 ? this.#stillborn + 1 : 0;
    const begun = this.#stillborn < MAX_STILLBORN ? worker.begunAtEnd : Infinity;
    const unbegun = runs.filter((run) => run.index >= begun);
    for (const run of unbegun) {
      run.state = 'queued';
      run.worker = undefined;
      this.#letGo(run);
    }
    this.#placement.putBack(unbegun);
    for (const run of runs) {
      if (run.index < begun) this.#end(run, run.stop === undefined ? lost(how) : this.#stopped(run, run.stop));
    }
    this.#placement.place();
  }

  // ------------------------------------------------------------------------------------------ nested tasks

  #scopeCall(run: PythonRun, record: number, frame: FrameReader): void {
    run.scope ??= new PythonScope(run, this.#host, this.#files, {
      waiting: () => this.#suspend(run),
      ready: () => {
        if (run.state === 'suspended') this.#askToResume(run);
        else if (run.state === 'given') {
          run.scope!.deliver();
          run.worker!.flush();
        }
      },
    });
    run.scope.call(record, frame);
    if (record === FROM_PYTHON.SUBMIT) this.#submitters.add(run);
  }

  #suspend(run: PythonRun): void {
    if (run.state !== 'given') return;
    const worker = run.worker!;
    run.state = 'suspended';
    this.#placement.uncount(run);
    this.#placement.takeBack(worker, worker.given.length);
    if (!run.announced) this.#started(run);
    this.#host.suspended(run.request.invocation);
    this.#placement.place();
  }

  #askToResume(run: PythonRun): void {
    run.state = 'resuming';
    this.#host.resumeRequested(run.request.invocation);
  }
}

const lost = (how: string): InvocationOutcome => ({ status: 'lost', reason: `its Python process ended: ${how}` });

const defaultSharedDir = (): string => (existsSync('/dev/shm') ? '/dev/shm' : tmpdir());

/** Of a checkout or of the installed package: the bundle lies one folder below its root, this file three. */
function defaultBindings(): string {
  for (const up of ['../bindings/python', '../../../bindings/python']) {
    const path = fileURLToPath(new URL(up, import.meta.url));
    if (existsSync(join(path, 'metakernel'))) return path;
  }
  throw new RuntimeError('ERR_INTERNAL', { reason: 'the folder bindings/python of this package is missing' });
}
