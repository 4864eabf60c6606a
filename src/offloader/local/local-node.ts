import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { ErrorInfo } from '../../common/errors.ts';
import { toErrorInfo } from '../../common/errors.ts';
import type { DatumKind } from '../../runtime/model/access.ts';
import { ByInvocation } from '../../runtime/model/by-invocation.ts';
import type { InvocationId, VersionId } from '../../runtime/model/ids.ts';
import { NONE } from '../../runtime/model/ids.ts';
import type { InvocationOutcome } from '../../runtime/model/outcome.ts';
import type { ResourceDescription } from '../../runtime/model/resource.ts';
import type {
  DataSource,
  ExecutionRequest,
  Executor,
  ExecutorHost,
  LaunchRequest,
  NodeContext,
  NodeHandle,
  NodeWatcher,
  Scope,
  ScopeOwner,
  StoredValue,
} from '../../runtime/ports.ts';
import { DevicePools, type Devices, units } from './devices.ts';

/** What the local node needs beyond what any adaptor gets. */
export interface LocalContext extends NodeContext {
  openScope(owner: ScopeOwner): Scope;
  /** Folder in which attempts that touch files get a folder of their own. */
  readonly workingDir: string;
}

/** An attempt on this machine, from launch to settlement. */
interface Run {
  readonly request: LaunchRequest;
  /** pulling: inputs are on their way; given: with the executor; draining: its code has ended, its children have not. */
  state: 'pulling' | 'given' | 'draining';
  missing: number;
  pinned: VersionId[] | undefined;
  devices: Devices | undefined;
  directory: string | undefined;
  suspended: boolean;
  scope: Scope | undefined;
  scopeEnded: boolean;
  outcome: InvocationOutcome | undefined;
}

/**
 * The agent's own machine as a node: brings inputs in, pins them, gives devices and a folder, hands the attempt to the
 * executor of its language. Which attempts may run at once is the core's decision; the executor keeps those that were
 * launched ahead of a free slot in order.
 */
export class LocalNode implements NodeHandle {
  readonly pid = process.pid;
  readonly #context: LocalContext;
  readonly #watcher: NodeWatcher;
  readonly #executors: ReadonlyMap<string, Executor>;
  readonly #runs = new ByInvocation<Run>();
  readonly #devices: DevicePools;
  #description: ResourceDescription;

  constructor(
    description: ResourceDescription,
    context: LocalContext,
    watcher: NodeWatcher,
    create: (host: ExecutorHost) => readonly Executor[],
  ) {
    this.#description = description;
    this.#context = context;
    this.#watcher = watcher;
    this.#devices = new DevicePools(description);
    const executors = create(this.#host());
    this.#executors = new Map(
      executors.flatMap((executor) => executor.languages.map((language) => [language, executor] as const)),
    );
  }

  get description(): ResourceDescription {
    return this.#description;
  }

  launch(batch: readonly LaunchRequest[]): void {
    const ready: Run[] = [];
    for (const request of batch) {
      const run = newRun(request);
      this.#runs.set(request.invocation, run);
      this.#bringInputs(run);
      if (run.missing === 0) ready.push(run);
    }
    this.#give(ready);
  }

  cancel(invocation: InvocationId, reason: string): void {
    const run = this.#runs.get(invocation);
    if (run === undefined) return;
    if (run.state === 'given') this.#executor(run)?.cancel(invocation, reason);
    else this.#finish(run, { status: 'cancelled' }, reason);
  }

  recall(invocation: InvocationId): void {
    const run = this.#runs.get(invocation);
    if (run === undefined || run.state === 'draining') return;
    if (run.state === 'given' && this.#executor(run)?.recall(invocation) !== true) return;
    this.#finish(run, { status: 'recalled' });
  }

  resume(invocation: InvocationId): void {
    const run = this.#runs.get(invocation);
    if (run?.state !== 'given') return;
    run.suspended = false;
    this.#executor(run)?.resume(invocation);
  }

  stageIn(version: VersionId, kind: DatumKind): void {
    if (this.#context.store.has(version)) {
      this.#watcher.replicaAdded(version, this.#context.store.size(version));
      return;
    }
    this.#context.mover.pull(version, kind, this.#context.sources(version, this.#description.name), (result) => {
      if ('error' in result) this.#watcher.transferFailed(version, result.error.message);
      else this.#watcher.replicaAdded(version, result.bytes);
    });
  }

  cancelStageIn(version: VersionId): void {
    this.#context.mover.cancelPull(version);
  }

  evict(versions: readonly VersionId[]): void {
    for (const version of versions) this.#context.store.free(version);
  }

  source(): DataSource | undefined {
    return undefined;
  }

  resize(description: ResourceDescription): void {
    this.#description = description;
    this.#devices.resize(description);
    const slots = units(description, 'CPU');
    for (const executor of new Set(this.#executors.values())) void executor.resize(slots);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...new Set(this.#executors.values())].map((executor) => executor[Symbol.asyncDispose]()));
    for (const run of this.#runs.values()) this.#letGo(run);
    this.#runs.clear();
  }

  // ------------------------------------------------------------------------------------------ inputs

  #bringInputs(run: Run): void {
    const { inputs, accesses } = run.request;
    const { store } = this.#context;
    for (let position = 0; position < inputs.length; position++) {
      const version = inputs[position] as VersionId;
      if (version === NONE || store.has(version)) continue;
      run.missing += 1;
      this.#pull(run, version, accesses[position]?.kind ?? 'value');
    }
    if (run.missing > 0) run.state = 'pulling';
  }

  #pull(run: Run, version: VersionId, kind: DatumKind): void {
    const sources = this.#context.sources(version, this.#description.name);
    this.#context.mover.pull(version, kind, sources, (result) => {
      if ('bytes' in result) this.#watcher.replicaAdded(version, result.bytes);
      // Settled meanwhile (cancelled, recalled, another input failed): nothing waits for this one any more.
      if (this.#runs.get(run.request.invocation) !== run) return;
      if ('error' in result) {
        this.#watcher.transferFailed(version, result.error.message);
        this.#finish(run, { status: 'lost', reason: `input could not be brought here: ${result.error.message}` });
        return;
      }
      run.missing -= 1;
      if (run.missing === 0) this.#give([run]);
    });
  }

  /** Pins the inputs. False when one has gone since it was seen (freed by a late loss): the attempt is lost then. */
  #pinInputs(run: Run): readonly (StoredValue | undefined)[] | undefined {
    const { inputs } = run.request;
    if (inputs.length === 0) return NO_VALUES;
    run.pinned = [];
    const values: (StoredValue | undefined)[] = [];
    for (const version of inputs) {
      if (version === NONE) {
        values.push(undefined);
        continue;
      }
      const value = this.#context.store.acquire(version);
      if (value === undefined) return undefined;
      run.pinned.push(version);
      values.push(value);
    }
    return values;
  }

  // ------------------------------------------------------------------------------------------ attempts

  #give(runs: readonly Run[]): void {
    if (runs.length === 0) return;
    const batches = new Map<Executor, ExecutionRequest[]>();
    for (const run of runs) {
      const prepared = this.#prepare(run);
      if ('status' in prepared) {
        this.#finish(run, prepared);
        continue;
      }
      run.state = 'given';
      const executor = this.#executor(run) as Executor;
      const batch = batches.get(executor);
      if (batch === undefined) batches.set(executor, [prepared]);
      else batch.push(prepared);
    }
    for (const [executor, batch] of batches) executor.execute(batch);
  }

  #prepare(run: Run): ExecutionRequest | InvocationOutcome {
    const { request } = run;
    if (this.#executor(run) === undefined) return { status: 'failed', error: this.#noExecutor(request) };
    try {
      const values = this.#pinInputs(run);
      if (values === undefined)
        return { status: 'lost', reason: 'an input was dropped before the attempt could start' };
      run.devices = this.#devices.take(request.booking);
      const { gpus, fpgas } = run.devices;
      const workingDir = this.#workingDir(run);
      if (!hasRoom(request)) return { ...request, values, gpus, fpgas, workingDir };
      request.values = values;
      request.gpus = gpus;
      request.fpgas = fpgas;
      request.workingDir = workingDir;
      return request;
    } catch (error) {
      return { status: 'failed', error: toErrorInfo(error) };
    }
  }

  #noExecutor(request: LaunchRequest): ErrorInfo {
    const { language } = request.implementation;
    const known = [...this.#executors.keys()].join(', ');
    return {
      code: 'ERR_LANGUAGE_UNSUPPORTED',
      message: `Node ${this.#description.name} cannot run ${language} code; it can run ${known}`,
    };
  }

  /** A folder of its own for what touches files or is no function of this process; else nothing is made. */
  #workingDir(run: Run): string {
    const { request } = run;
    const inProcess = IN_PROCESS.has(request.implementation.language);
    if (inProcess && request.accesses.every((access) => access.kind === 'value')) {
      return this.#context.workingDir;
    }
    const path = join(this.#context.workingDir, `t${request.task}-${request.attempt}`);
    mkdirSync(path, { recursive: true });
    run.directory = path;
    return path;
  }

  #executor(run: Run): Executor | undefined {
    return this.#executors.get(run.request.implementation.language);
  }

  #host(): ExecutorHost {
    return {
      store: this.#context.store,
      started: (invocation) => this.#watcher.started(invocation),
      settled: (invocation, outcome) => this.#settled(invocation, outcome),
      suspended: (invocation) => {
        const run = this.#runs.get(invocation);
        if (run === undefined) return;
        run.suspended = true;
        this.#watcher.suspended(invocation);
      },
      resumeRequested: (invocation) => this.#watcher.resumeRequested(invocation),
      output: (invocation, stream, chunk) => this.#watcher.output(invocation, stream, chunk),
      scope: (invocation, owner) => this.#openScope(invocation, owner),
    };
  }

  #openScope(invocation: InvocationId, owner: ScopeOwner): Scope {
    const run = this.#runs.get(invocation);
    const scope = this.#context.openScope({
      name: owner.name,
      parent: invocation,
      ...(run?.request.key === undefined ? {} : { key: run.request.key }),
      settled: (seq, task, outcome, outputs) => owner.settled(seq, task, outcome, outputs),
      notice: (error) => owner.notice(error),
      ended: () => {
        owner.ended();
        if (run !== undefined) this.#childrenEnded(run);
      },
    });
    if (run === undefined) scope.close('its attempt has ended');
    else run.scope = scope;
    return scope;
  }

  #settled(invocation: InvocationId, outcome: InvocationOutcome): void {
    const run = this.#runs.get(invocation);
    if (run === undefined || run.state === 'draining') return;
    const completed = outcome.status === 'completed' || outcome.status === 'exception';
    if (completed && run.scope !== undefined && !run.scopeEnded) this.#drain(run, run.scope, outcome);
    else this.#finish(run, outcome);
  }

  /** The implicit barrier at the end of a task that has submitted others. Its units go while it waits. */
  #drain(run: Run, scope: Scope, outcome: InvocationOutcome): void {
    run.state = 'draining';
    if (!run.suspended) this.#watcher.suspended(run.request.invocation);
    run.suspended = true;
    scope.wait({ on: 'scope' }, (result) => {
      if (result.status === 'failed') {
        // Its outputs were put into the store before it was known that it fails.
        for (const version of run.request.outputs) this.#context.store.free(version);
        run.outcome = { status: 'failed', error: result.error };
      } else {
        run.outcome = outcome;
      }
      scope.close();
    });
  }

  #childrenEnded(run: Run): void {
    run.scopeEnded = true;
    if (run.state === 'draining' && run.outcome !== undefined) this.#finish(run, run.outcome);
  }

  #finish(run: Run, outcome: InvocationOutcome, reason = 'its parent has ended'): void {
    const { invocation } = run.request;
    if (!this.#runs.delete(invocation)) return;
    this.#letGo(run);
    if (run.scope !== undefined && !run.scopeEnded) run.scope.close(reason);
    this.#watcher.settled(invocation, outcome);
  }

  #letGo(run: Run): void {
    if (run.pinned !== undefined) for (const version of run.pinned) this.#context.store.release(version);
    run.pinned = undefined;
    if (run.devices !== undefined) this.#devices.give(run.devices);
    run.devices = undefined;
    if (run.directory !== undefined) rmSync(run.directory, { recursive: true, force: true });
  }
}

/** Languages whose attempts need a folder only when they touch files. */
const IN_PROCESS: ReadonlySet<string> = new Set(['JS', 'PYTHON']);
const NO_VALUES: readonly (StoredValue | undefined)[] = [];

type Roomy = { -readonly [K in keyof ExecutionRequest]: ExecutionRequest[K] };

/** Requests of our own dispatcher have room for what executors need besides: nothing is copied then. */
const hasRoom = (request: LaunchRequest): request is Roomy => 'workingDir' in request;

function newRun(request: LaunchRequest): Run {
  return {
    request,
    state: 'given',
    missing: 0,
    pinned: undefined,
    devices: undefined,
    directory: undefined,
    suspended: false,
    scope: undefined,
    scopeEnded: false,
    outcome: undefined,
  };
}
