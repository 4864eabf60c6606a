import { millis } from '../common/brand.ts';
import type { ErrorInfo } from '../common/errors.ts';
import type { Logger } from '../common/logger.ts';
import { InvocationTable } from './invocations.ts';
import type { CoreElement, Implementation } from './model/core-element.ts';
import type { CoreId, InvocationId, ResourceId, ScopeId, TaskId, VersionId, WaitId } from './model/ids.ts';
import { NONE, SELF } from './model/ids.ts';
import type { InvocationOutcome } from './model/outcome.ts';
import type { ResourceDescription } from './model/resource.ts';
import type { TaskSpec } from './model/task.ts';
import type {
  AgentIdentity,
  Clock,
  DataMover,
  DataSource,
  DatumContent,
  LaunchRequest,
  NodeHandle,
  NodeWatcher,
  ObjectStore,
  Scope,
  ScopeOwner,
  TaskJournal,
} from './ports.ts';
import type { SchedulerCore } from './scheduler/core.ts';
import type { SchedulerEffect, WaitResult } from './scheduler/effects.ts';
import type { SchedulerEvent } from './scheduler/events.ts';
import { ScopeClient } from './scope.ts';
import { Timers } from './timers.ts';
import { VersionSources } from './version-sources.ts';
import { WaitPins } from './wait-pins.ts';

/** Longest the drain loop keeps the thread before it lets I/O run. */
const DRAIN_BUDGET_MS = 5;
/** Events of one `step`: large enough to share its fixed cost, small enough to look at the clock often. */
const STEP_EVENTS = 1024;

/** What may be watched from outside; called after the core has accepted the event. */
export interface DispatchObserver {
  submitted?(scope: ScopeId, tasks: number): void;
  launched?(invocation: InvocationId, task: TaskId, attempt: number, resource: ResourceId): void;
  started?(invocation: InvocationId): void;
  settled?(invocation: InvocationId, outcome: InvocationOutcome): void;
  output?(invocation: InvocationId, stream: 'stdout' | 'stderr', chunk: Uint8Array): void;
  resourceChanged?(resource: ResourceId, change: 'joined' | 'resized' | 'drained' | 'lost'): void;
  transferred?(version: VersionId, resource: ResourceId, bytes: number): void;
}

export interface DispatcherOptions {
  readonly core: SchedulerCore;
  readonly store: ObjectStore;
  readonly mover: DataMover;
  readonly identity: AgentIdentity;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly observer?: DispatchObserver;
  /** Gets what the core tells of completed tasks (CoreOptions.reportCompleted). */
  readonly journal?: TaskJournal;
  /** A bug of ours broke the core: the process cannot go on. */
  readonly onFatal: (error: unknown) => void;
}

/**
 * The only holder of the core: posts events, performs effects. One drain loop calls `step`, then performs the effects
 * without awaiting; whatever they lead to comes back as another event.
 */
export class Dispatcher {
  readonly invocations = new InvocationTable();
  readonly identity: AgentIdentity;
  readonly store: ObjectStore;
  readonly mover: DataMover;
  readonly clock: Clock;
  readonly #core: SchedulerCore;
  readonly #logger: Logger;
  readonly observer: DispatchObserver;
  readonly #journal: TaskJournal | undefined;
  readonly #onFatal: (error: unknown) => void;
  readonly #timers: Timers;

  #queue: SchedulerEvent[] = [];
  #head = 0;
  #scheduled: NodeJS.Immediate | undefined;
  #closed = false;
  /** Contents of declared and written data, by their event, until the core has named the version. */
  readonly #contents = new Map<SchedulerEvent, DatumContent>();

  readonly #nodes = new Map<ResourceId, NodeHandle>();
  #nextResource = SELF as number;
  readonly #scopes = new Map<ScopeId, ScopeClient>();
  #nextScope = 0;
  readonly #elements: CoreElement[] = [];
  readonly #coreIds = new Map<string, CoreId>();
  readonly #waits = new Map<WaitId, (result: WaitResult) => void>();
  #nextWait = 0;
  readonly #versions: VersionSources;
  readonly pins: WaitPins;

  readonly #launches = new Map<ResourceId, LaunchRequest[]>();
  readonly #evictions = new Map<ResourceId, VersionId[]>();

  constructor(options: DispatcherOptions) {
    this.#core = options.core;
    this.store = options.store;
    this.pins = new WaitPins(options.store);
    this.mover = options.mover;
    this.identity = options.identity;
    this.clock = options.clock;
    this.#logger = options.logger;
    this.observer = options.observer ?? {};
    this.#journal = options.journal;
    this.#onFatal = options.onFatal;
    this.#versions = new VersionSources({
      ...options,
      node: (resource) => this.#nodes.get(resource),
      arrived: (version, bytes) => this.#replicaAdded(version, SELF, bytes),
    });
    this.#timers = new Timers(options.clock, (timer) => this.post({ type: 'timer-fired', timer }));
  }

  /** Read-only use of the core: views, stories, explanations. */
  get core(): Omit<SchedulerCore, 'step'> {
    return this.#core;
  }

  post(event: SchedulerEvent): void {
    if (this.#closed) return;
    this.#queue.push(event);
    this.#scheduled ??= setImmediate(this.#drain);
  }

  /** Posts an event whose datum's content is bound as soon as the core has named its version. */
  postWithContent(event: SchedulerEvent, content: DatumContent): void {
    if (this.#closed) return;
    this.#contents.set(event, content);
    this.post(event);
  }

  // ------------------------------------------------------------------------------------------ nodes

  /**
   * Reserves an id and makes the watcher of a node to be connected. The node takes part from `attach` on; what the
   * watcher hears before is about nothing and ignored by the core.
   */
  reserveNode(): { readonly resource: ResourceId; readonly watcher: NodeWatcher } {
    const resource = this.#nextResource++ as ResourceId;
    return { resource, watcher: this.#watch(resource) };
  }

  attach(resource: ResourceId, node: NodeHandle): void {
    this.#nodes.set(resource, node);
    this.post({
      type: 'resource-joined',
      resource,
      description: node.description,
      ...(resource === SELF ? { self: true } : {}),
    });
    this.observer.resourceChanged?.(resource, 'joined');
  }

  node(resource: ResourceId): NodeHandle | undefined {
    return this.#nodes.get(resource);
  }

  /** The node is gone: its attempts run elsewhere. Idempotent. */
  loseNode(resource: ResourceId, reason: string): void {
    const node = this.#nodes.get(resource);
    if (node === undefined) return;
    this.#nodes.delete(resource);
    this.#launches.delete(resource);
    this.#evictions.delete(resource);
    this.post({ type: 'resource-lost', resource, reason });
    this.#closeNode(node);
    this.#logger.warn({ node: node.description.name, reason }, 'node lost');
    this.observer.resourceChanged?.(resource, 'lost');
  }

  #closeNode(node: NodeHandle): void {
    Promise.resolve(node[Symbol.asyncDispose]()).catch((error: unknown) => {
      this.#logger.warn({ node: node.description.name, error: String(error) }, 'closing a node failed');
    });
  }

  #watch(resource: ResourceId): NodeWatcher {
    return {
      started: (invocation) => {
        this.invocations.started(invocation, this.clock.now());
        this.post({ type: 'invocation-started', invocation });
        this.observer.started?.(invocation);
        this.#tellOwner(invocation, (owner, seq) => owner.started?.(seq));
      },
      settled: (invocation, outcome) => {
        this.post({ type: 'invocation-settled', invocation, outcome });
        this.observer.settled?.(invocation, outcome);
        this.invocations.settled(invocation);
      },
      suspended: (invocation) => {
        this.post({ type: 'invocation-suspended', invocation });
        this.#tellOwner(invocation, (owner, seq) => owner.suspended?.(seq));
      },
      resumeRequested: (invocation) => this.post({ type: 'invocation-resume-requested', invocation }),
      resumed: (invocation) => {
        this.post({ type: 'invocation-resumed', invocation });
        this.#tellOwner(invocation, (owner, seq) => owner.resumed?.(seq));
      },
      replicaAdded: (version, bytes) => this.#replicaAdded(version, resource, bytes),
      replicaLost: (version) => this.post({ type: 'replica-lost', version, resource }),
      transferFailed: (version, reason) => this.post({ type: 'transfer-failed', version, to: resource, reason }),
      output: (invocation, stream, chunk) => {
        this.observer.output?.(invocation, stream, chunk);
        this.#tellOwner(invocation, (owner, seq) => owner.output?.(seq, stream, chunk));
      },
      resized: (description) => this.#logger.info({ node: description.name }, 'node reports another capacity'),
      lost: (reason) => this.loseNode(resource, reason),
    };
  }

  /** What an attempt does, for the submitter of a task with `notify`: a peer link passes it on to its caller. */
  #tellOwner(invocation: InvocationId, tell: (owner: ScopeOwner, seq: number) => void): void {
    const record = this.invocations.get(invocation);
    const owner = record === undefined ? undefined : this.#scopes.get(record.scope)?.owner;
    if (record === undefined || owner === undefined) return;
    const spec = this.#core.spec(record.task);
    if (spec.notify === true) tell(owner, spec.seq);
  }

  #replicaAdded(version: VersionId, resource: ResourceId, bytes: number): void {
    this.post({ type: 'replica-added', version, resource, bytes });
    this.observer.transferred?.(version, resource, bytes);
  }

  // ------------------------------------------------------------------------------------------ submitters

  openScope(owner: ScopeOwner): Scope {
    const scope = this.#nextScope++ as ScopeId;
    const client = new ScopeClient(scope, this.#rootOf(owner) ?? scope, owner, this);
    this.#scopes.set(scope, client);
    this.post({
      type: 'scope-opened',
      scope,
      name: owner.name,
      ...(owner.parent === undefined ? {} : { parent: owner.parent }),
      ...(owner.key === undefined ? {} : { key: owner.key }),
    });
    return client;
  }

  #rootOf(owner: ScopeOwner): ScopeId | undefined {
    const parent = owner.parent === undefined ? undefined : this.invocations.get(owner.parent);
    return parent === undefined ? undefined : this.#scopes.get(parent.scope)?.root;
  }

  scope(id: ScopeId): ScopeClient | undefined {
    return this.#scopes.get(id);
  }

  register(element: CoreElement): CoreId {
    const known = this.#coreIds.get(element.signature);
    if (known === undefined) {
      const core = this.#elements.length as CoreId;
      this.#elements.push(element);
      this.#coreIds.set(element.signature, core);
      this.post({ type: 'core-registered', core, element });
      return core;
    }
    const merged = mergeImplementations(this.#elements[known] as CoreElement, element);
    if (merged !== undefined) {
      this.#elements[known] = merged;
      this.post({ type: 'core-registered', core: known, element: merged });
    }
    return known;
  }

  element(core: CoreId): CoreElement {
    return this.#elements[core] as CoreElement;
  }

  /** Cancels a task that has not been given to a node yet. */
  recall(scope: ScopeId, seq: number): void {
    const task = this.#core.taskOf(scope, seq);
    const status = task === undefined ? undefined : this.#core.task(task)?.status;
    if (status !== 'ready' && status !== 'blocked') return;
    this.post({ type: 'cancel-requested', scope, target: { task: seq }, reason: 'taken back by its caller' });
  }

  newWait(done: (result: WaitResult) => void): WaitId {
    const wait = this.#nextWait++ as WaitId;
    this.#waits.set(wait, done);
    return wait;
  }

  dropWait(wait: WaitId): void {
    if (this.#waits.delete(wait)) this.post({ type: 'wait-abandoned', wait });
  }

  // ------------------------------------------------------------------------------------------ data

  /** Every known way for `reader` to get a version, nearest first. */
  sources(version: VersionId, reader: string): readonly DataSource[] {
    return this.#versions.of(version, reader);
  }

  /** Encoded size of a version, as far as it is known. */
  bytes(version: VersionId): number {
    return this.#versions.bytes(version);
  }

  #bind(event: SchedulerEvent): void {
    const content = this.#contents.get(event);
    if (content === undefined || (event.type !== 'datum-declared' && event.type !== 'datum-written')) return;
    this.#contents.delete(event);
    const version = this.#core.latest(event.scope, event.handle);
    if (version !== undefined && !this.store.has(version)) this.#versions.bind(version, content);
    else if (content.from === 'reservation') this.store.discard(content.reservation);
  }

  #transfer(version: VersionId, to: ResourceId): void {
    if (to !== SELF) {
      this.#nodes.get(to)?.stageIn(version, this.#core.version(version)?.kind ?? 'value');
      return;
    }
    if (this.store.has(version)) {
      this.#replicaAdded(version, SELF, this.store.size(version));
      return;
    }
    this.#versions.bring(version, (result) => {
      if ('bytes' in result) this.#replicaAdded(version, SELF, result.bytes);
      else this.post({ type: 'transfer-failed', version, to: SELF, reason: result.error.message });
    });
  }

  #free(version: VersionId, resource: ResourceId): void {
    if (resource === SELF) this.#versions.free(version);
    else append(this.#evictions, resource, version);
  }

  // ------------------------------------------------------------------------------------------ the loop

  readonly #drain = (): void => {
    this.#scheduled = undefined;
    const deadline = performance.now() + DRAIN_BUDGET_MS;
    try {
      while (this.#head < this.#queue.length && !this.#closed) {
        this.#stepOnce();
        if (performance.now() > deadline) break;
      }
    } catch (error) {
      this.#closed = true;
      this.#onFatal(error);
      return;
    }
    if (this.#closed) return;
    if (this.#head >= this.#queue.length) {
      this.#queue = [];
      this.#head = 0;
    } else {
      this.#scheduled = setImmediate(this.#drain);
    }
  };

  /** One `step`: up to STEP_EVENTS, cut after an event that brings a content, so that its version can be named. */
  #stepOnce(): void {
    const start = this.#head;
    const limit = Math.min(this.#queue.length, start + STEP_EVENTS);
    let end = start;
    let bound: SchedulerEvent | undefined;
    while (end < limit && bound === undefined) {
      const event = this.#queue[end++] as SchedulerEvent;
      if (event.type === 'datum-declared' || event.type === 'datum-written') bound = event;
    }
    this.#head = end;
    const whole = start === 0 && end === this.#queue.length;
    const batch = whole ? this.#queue : this.#queue.slice(start, end);
    if (whole) {
      this.#queue = [];
      this.#head = 0;
    }
    const effects = this.#core.step(millis(this.clock.now()), batch);
    if (bound !== undefined) this.#bind(bound);
    this.#perform(effects);
  }

  #perform(effects: readonly SchedulerEffect[]): void {
    for (const effect of effects) this.#performOne(effect);
    this.#flush();
  }

  /** What was collected per node goes out in one call each; launches before evictions. */
  #flush(): void {
    if (this.#launches.size > 0) {
      for (const [resource, batch] of this.#launches) this.#nodes.get(resource)?.launch(batch);
      this.#launches.clear();
    }
    if (this.#evictions.size > 0) {
      for (const [resource, versions] of this.#evictions) this.#nodes.get(resource)?.evict(versions);
      this.#evictions.clear();
    }
  }

  #performOne(effect: SchedulerEffect): void {
    switch (effect.type) {
      case 'launch':
        this.#launch(effect);
        break;
      case 'cancel':
        this.#flush();
        this.#nodes.get(effect.resource)?.cancel(effect.invocation, effect.reason);
        break;
      case 'recall':
        this.#flush();
        this.#nodes.get(effect.resource)?.recall(effect.invocation);
        break;
      case 'resume':
        this.#nodes.get(effect.resource)?.resume(effect.invocation);
        // A peer tells by itself when it has re-booked.
        if (effect.resource === SELF) this.#tellOwner(effect.invocation, (owner, seq) => owner.resumed?.(seq));
        break;
      case 'task-settled':
        this.#scopes.get(effect.scope)?.owner.settled(effect.seq, effect.task, effect.outcome, effect.outputs);
        break;
      case 'task-completed':
        this.#journal?.completed(effect);
        break;
      case 'wait-done':
        this.#waitDone(effect.wait, effect.result);
        break;
      case 'scope-ended':
        this.#scopeEnded(effect.scope);
        break;
      case 'notice':
        this.#notice(effect.scope, effect.error);
        break;
      case 'arm-timer':
        this.#timers.arm(effect.timer, effect.at);
        break;
      case 'disarm-timer':
        this.#timers.disarm(effect.timer);
        break;
      default:
        this.#performData(effect);
    }
  }

  #performData(
    effect: Extract<
      SchedulerEffect,
      { type: 'transfer' | 'cancel-transfer' | 'free' | 'resource-resized' | 'resource-drained' }
    >,
  ): void {
    switch (effect.type) {
      case 'transfer':
        this.#flush();
        this.#transfer(effect.version, effect.to);
        break;
      case 'cancel-transfer':
        if (effect.to === SELF) this.mover.cancelPull(effect.version);
        else this.#nodes.get(effect.to)?.cancelStageIn(effect.version);
        break;
      case 'free':
        this.#free(effect.version, effect.resource);
        break;
      case 'resource-resized':
        this.#nodes.get(effect.resource)?.resize(effect.description);
        this.observer.resourceChanged?.(effect.resource, 'resized');
        break;
      case 'resource-drained':
        this.#drained(effect.resource);
        break;
    }
  }

  #launch(effect: Extract<SchedulerEffect, { type: 'launch' }>): void {
    const spec = this.#core.spec(effect.task);
    const element = this.#elements[spec.core] as CoreElement;
    this.invocations.launched(
      effect.invocation,
      effect.task,
      { scope: spec.scope, core: spec.core, resource: effect.resource },
      this.clock.now(),
    );
    const request: LaunchRequest = {
      invocation: effect.invocation,
      task: effect.task,
      attempt: effect.attempt,
      core: spec.core,
      signature: element.signature,
      implementation: element.implementations[effect.implementation] as Implementation,
      booking: effect.booking,
      accesses: spec.accesses,
      inputs: this.#withContent(effect.inputs),
      outputs: effect.outputs,
      preserveInputs: effect.preserveInputs,
      ...(spec.args === undefined ? undefined : { args: spec.args }),
      ...(spec.timeOutMs === undefined ? undefined : { timeOutMs: spec.timeOutMs }),
      ...(spec.key === undefined ? undefined : { key: spec.key }),
      ...(spec.trace === undefined ? undefined : { trace: spec.trace }),
      ...(spec.constraints === undefined ? undefined : { constraints: spec.constraints }),
      ...this.#hostNames(effect, spec),
    };
    append(this.#launches, effect.resource, request);
    this.observer.launched?.(effect.invocation, effect.task, effect.attempt, effect.resource);
  }

  /** Master first. A task of a peer may be the master of a gang of that peer's nodes. */
  #hostNames(
    { resource, companions }: Extract<SchedulerEffect, { type: 'launch' }>,
    { hostNames }: TaskSpec,
  ): Pick<LaunchRequest, 'hostNames'> | undefined {
    if (companions === undefined) return hostNames === undefined ? undefined : { hostNames };
    return { hostNames: [resource, ...companions].map((id) => this.#nodes.get(id)?.description.name ?? '') };
  }

  /** Inputs written without content read as nothing: no node should look for them. */
  #withContent(inputs: readonly VersionId[]): readonly VersionId[] {
    if (!inputs.some((version) => version !== NONE && this.#core.isEmpty(version))) return inputs;
    return inputs.map((version) => (version !== NONE && this.#core.isEmpty(version) ? (NONE as VersionId) : version));
  }

  #waitDone(wait: WaitId, result: WaitResult): void {
    const done = this.#waits.get(wait);
    if (done === undefined) return;
    this.#waits.delete(wait);
    if (result.status === 'satisfied') this.pins.pin(result.versions);
    done(result);
  }

  #scopeEnded(scope: ScopeId): void {
    const client = this.#scopes.get(scope);
    this.#scopes.delete(scope);
    client?.ended();
  }

  #notice(scope: ScopeId, error: ErrorInfo): void {
    this.#logger.warn({ code: error.code, scope: this.#scopes.get(scope)?.owner.name }, error.message);
    this.#scopes.get(scope)?.owner.notice(error);
  }

  #drained(resource: ResourceId): void {
    const node = this.#nodes.get(resource);
    this.#nodes.delete(resource);
    if (node !== undefined) this.#closeNode(node);
    this.observer.resourceChanged?.(resource, 'drained');
  }

  /** Capacity as the core sees it, by name: for `addResources` of a known name. */
  description(resource: ResourceId): ResourceDescription | undefined {
    return this.#core.resources().find((status) => status.id === resource)?.description;
  }

  /** Closes the nodes, then the timers. The store and the mover belong to whoever made them. */
  async close(): Promise<void> {
    this.#closed = true;
    if (this.#scheduled !== undefined) clearImmediate(this.#scheduled);
    this.#timers.close();
    await Promise.all([...this.#nodes.values()].map((node) => node[Symbol.asyncDispose]()));
    this.#nodes.clear();
  }
}

function append<K, V>(map: Map<K, V[]>, key: K, value: V): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [value]);
  else list.push(value);
}

/** The known element with implementations of `found` that it lacks; undefined when there are none. */
function mergeImplementations(known: CoreElement, found: CoreElement): CoreElement | undefined {
  if (known.implementations === found.implementations) return undefined;
  const added = found.implementations.filter(
    (one) => !known.implementations.some((other) => sameImplementation(one, other)),
  );
  return added.length === 0 ? undefined : { ...known, implementations: [...known.implementations, ...added] };
}

const sameImplementation = (a: Implementation, b: Implementation): boolean =>
  a.language === b.language && a.module === b.module && a.method === b.method;
