import { millis } from '../common/brand.ts';
import type { ErrorInfo } from '../common/errors.ts';
import type { Logger } from '../common/logger.ts';
import { AttachedNodes } from './attached-nodes.ts';
import type { DispatchObserver } from './dispatch-observer.ts';
import { ElementTable } from './element-table.ts';
import { type ContentEvent, EventQueue } from './event-queue.ts';
import { InvocationTable } from './invocations.ts';
import { Launch, type LaunchEffect } from './launch.ts';
import type { CoreElement } from './model/core-element.ts';
import type { CoreId, ResourceId, ScopeId, VersionId, WaitId } from './model/ids.ts';
import { NONE, SELF } from './model/ids.ts';
import type { ResourceDescription } from './model/resource.ts';
import { NodeReports } from './node-reports.ts';
import type {
  AgentIdentity,
  Clock,
  DataMover,
  DataSource,
  DatumContent,
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

export type { DispatchObserver };

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
  readonly #timers: Timers;

  readonly #queue: EventQueue;
  readonly #reports: NodeReports;
  readonly #nodes = new AttachedNodes();
  #nextResource = SELF as number;
  readonly #scopes = new Map<ScopeId, ScopeClient>();
  #nextScope = 0;
  readonly #elements = new ElementTable((core, element) => this.post({ type: 'core-registered', core, element }));
  readonly #waits = new Map<WaitId, (result: WaitResult) => void>();
  #nextWait = 0;
  readonly #versions: VersionSources;
  readonly pins: WaitPins;

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
    this.#queue = new EventQueue({
      step: (batch, bound) => this.#step(batch, bound),
      failed: (error) => options.onFatal(error),
    });
    this.#versions = new VersionSources({
      ...options,
      node: (resource) => this.#nodes.get(resource),
      arrived: (version, bytes) => this.#replicaAdded(version, SELF, bytes),
    });
    this.#reports = new NodeReports({
      ...options,
      observer: this.observer,
      invocations: this.invocations,
      post: (event) => this.post(event),
      owner: (scope) => this.#scopes.get(scope)?.owner,
      replicaAdded: (version, resource, bytes) => this.#replicaAdded(version, resource, bytes),
      lost: (resource, reason) => this.loseNode(resource, reason),
    });
    this.#timers = new Timers(options.clock, (timer) => this.post({ type: 'timer-fired', timer }));
  }

  /** Read-only use of the core: views, stories, explanations. */
  get core(): Omit<SchedulerCore, 'step'> {
    return this.#core;
  }

  post(event: SchedulerEvent): void {
    this.#queue.post(event);
  }

  /** Posts an event whose datum's content is bound as soon as the core has named its version. */
  postWithContent(event: ContentEvent, content: DatumContent): void {
    this.#queue.postWithContent(event, content);
  }

  // ------------------------------------------------------------------------------------------ nodes

  /**
   * Reserves an id and makes the watcher of a node to be connected. The node takes part from `attach` on; what the
   * watcher hears before is about nothing and ignored by the core.
   */
  reserveNode(): { readonly resource: ResourceId; readonly watcher: NodeWatcher } {
    const resource = this.#nextResource++ as ResourceId;
    return { resource, watcher: this.#reports.watcher(resource) };
  }

  attach(resource: ResourceId, node: NodeHandle): void {
    this.#nodes.add(resource, node);
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
    const node = this.#nodes.remove(resource);
    if (node === undefined) return;
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
    return this.#elements.register(element);
  }

  element(core: CoreId): CoreElement {
    return this.#elements.get(core);
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

  #bind(event: ContentEvent): void {
    const content = this.#queue.takeContent(event);
    if (content === undefined) return;
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
    else this.#nodes.evict(resource, version);
  }

  // ------------------------------------------------------------------------------------------ effects

  #step(batch: readonly SchedulerEvent[], bound: ContentEvent | undefined): void {
    const effects = this.#core.step(millis(this.clock.now()), batch);
    if (bound !== undefined) this.#bind(bound);
    for (const effect of effects) this.#performOne(effect);
    this.#nodes.flush();
  }

  #performOne(effect: SchedulerEffect): void {
    switch (effect.type) {
      case 'launch':
        this.#launch(effect);
        break;
      case 'cancel':
        this.#nodes.flush();
        this.#nodes.get(effect.resource)?.cancel(effect.invocation, effect.reason);
        break;
      case 'recall':
        this.#nodes.flush();
        this.#nodes.get(effect.resource)?.recall(effect.invocation);
        break;
      case 'resume':
        this.#nodes.get(effect.resource)?.resume(effect.invocation);
        // A peer tells by itself when it has re-booked.
        if (effect.resource === SELF) this.#reports.tellOwner(effect.invocation, (owner, seq) => owner.resumed?.(seq));
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
        this.#nodes.flush();
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

  #launch(effect: LaunchEffect): void {
    const { invocation, task, attempt, resource } = effect;
    const spec = this.#core.spec(task);
    this.invocations.launched(invocation, task, { scope: spec.scope, core: spec.core, resource }, this.clock.now());
    const launch = new Launch(effect, spec, this.#elements.get(spec.core));
    launch.inputs = this.#withContent(effect.bases ?? effect.inputs);
    // Master first. A task of a peer may be the master of a gang of that peer's nodes.
    const { companions } = effect;
    if (companions !== undefined) launch.hostNames = [resource, ...companions].map((id) => this.#nodes.name(id));
    this.#nodes.launch(resource, launch);
    this.observer.launched?.(invocation, task, attempt, resource);
  }

  /** Inputs written without content read as nothing: no node should look for them. */
  #withContent(inputs: readonly VersionId[]): readonly VersionId[] {
    if (inputs.length === 0) return inputs;
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
    const node = this.#nodes.remove(resource);
    if (node !== undefined) this.#closeNode(node);
    this.observer.resourceChanged?.(resource, 'drained');
  }

  /** Capacity as the core sees it, by name: for `addResources` of a known name. */
  description(resource: ResourceId): ResourceDescription | undefined {
    return this.#core.resources().find((status) => status.id === resource)?.description;
  }

  /** Closes the nodes, then the timers. The store and the mover belong to whoever made them. */
  async close(): Promise<void> {
    this.#queue.close();
    this.#timers.close();
    await this.#nodes.close();
  }
}
