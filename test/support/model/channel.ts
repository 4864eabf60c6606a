import { millis } from '../../../src/common/brand.ts';
import type { CoreId, InvocationId, ResourceId, ScopeId, VersionId, WaitId } from '../../../src/runtime/model/ids.ts';
import type { CoreOptions, SchedulerCore } from '../../../src/runtime/scheduler/core.ts';
import type { SchedulerEffect } from '../../../src/runtime/scheduler/effects.ts';
import type { SchedulerEvent, WaitTarget } from '../../../src/runtime/scheduler/events.ts';
import { createCore } from '../../../src/runtime/scheduler/scheduler.ts';
import type { Attempt, Effect, Launch, ModelNode, ModelScope } from './state.ts';

/** A core, and what is between it and those who work for it. Checks every effect against what was promised. */
export abstract class ModelChannel {
  readonly core: SchedulerCore;
  readonly effects: SchedulerEffect[] = [];
  readonly nodes: ModelNode[] = [];
  readonly scopes = new Map<ScopeId, ModelScope>();
  readonly waits = new Map<WaitId, { readonly scope: ModelScope; readonly target: WaitTarget; done: number }>();
  protected readonly attempts = new Map<InvocationId, Attempt>();
  protected readonly transfers: Effect<'transfer'>[] = [];
  /** Messages of attempts that have been superseded: they may still come. */
  protected readonly late: InvocationId[] = [];
  protected now = 0;
  protected scopeCount = 0;
  protected waitCount = 0;
  protected resourceCount = 0;
  protected readonly check: boolean;

  constructor(options: CoreOptions = {}, check = true) {
    this.check = check;
    this.core = createCore(options);
    const implementations = [{ language: 'JS' as const, module: 'm', method: 'f' }];
    this.step({ type: 'core-registered', core: 0 as CoreId, element: { signature: 'm#f', implementations } });
    this.step({ type: 'core-registered', core: 1 as CoreId, element: { signature: 'm#g', implementations } });
  }

  step(...events: SchedulerEvent[]): void {
    this.now += 1;
    const effects = [...this.core.step(millis(this.now), events)];
    if (this.check) this.core.checkInvariants();
    this.effects.push(...effects);
    for (const effect of effects) this.perform(effect);
  }

  protected perform(effect: SchedulerEffect): void {
    switch (effect.type) {
      case 'launch':
      case 'cancel':
      case 'recall':
      case 'resume':
      case 'free':
        if (effect.type === 'launch') this.noteLaunch(effect);
        this.node(effect.resource).inbox.push(effect);
        break;
      case 'transfer':
        this.transfers.push(effect);
        break;
      case 'cancel-transfer': {
        const at = this.transfers.findIndex((one) => one.version === effect.version && one.to === effect.to);
        if (at < 0) throw new Error(`cancel-transfer of ${effect.version}, which was not ordered`);
        this.transfers.splice(at, 1);
        break;
      }
      case 'task-settled':
        this.noteSettled(effect);
        break;
      case 'wait-done':
        this.noteWait(effect);
        break;
      case 'scope-ended':
        this.noteEnded(effect.scope);
        break;
      case 'resource-resized':
        this.node(effect.resource).description = effect.description;
        break;
      case 'resource-drained':
        this.drained(this.node(effect.resource));
        break;
      default:
        break;
    }
  }

  node(id: ResourceId): ModelNode {
    const node = this.nodes.find((one) => one.id === id);
    if (node === undefined) throw new Error(`no node ${id}`);
    return node;
  }

  protected noteLaunch(launch: Launch): void {
    const { scope: id, seq } = this.core.spec(launch.task);
    const task = this.scopes.get(id)!.tasks[seq]!;
    const node = this.node(launch.resource);
    if (!node.alive) throw new Error(`launch of t${launch.task} on ${node.description.name}, which is gone`);
    const attempt: Attempt = {
      launch,
      node,
      task,
      state: 'waiting',
      inputs: [],
      child: undefined,
      drained: false,
    };
    this.attempts.set(launch.invocation, attempt);
  }

  protected noteSettled({ scope, seq, outcome }: Effect<'task-settled'>): void {
    const task = this.scopes.get(scope)!.tasks[seq]!;
    task.settled += 1;
    if (task.settled > 1) throw new Error(`task ${seq} of scope ${scope} settled twice`);
    if (outcome.status !== 'completed') task.outcome = outcome.status;
    else task.outcome ??= 'completed';
  }

  protected noteWait({ wait: id, result }: Effect<'wait-done'>): void {
    const wait = this.waits.get(id)!;
    wait.done += 1;
    if (wait.done > 1) throw new Error(`wait ${id} done twice`);
    if (wait.target.on !== 'data' || result.status !== 'satisfied') return;
    const self = this.nodes.find((node) => node.self);
    for (const version of result.versions) {
      // An empty one may be forgotten as soon as nobody waits any more.
      if (this.core.version(version) === undefined || this.core.isEmpty(version)) continue;
      if (self?.alive === true && !this.holds(self, version))
        throw new Error(`wait ${id} satisfied without ${version}`);
    }
  }

  /** Whether it is there, or is to be dropped only by an order that has not been carried out. */
  protected holds(node: ModelNode, version: VersionId): boolean {
    return node.store.has(version);
  }

  protected noteEnded(id: ScopeId): void {
    const scope = this.scopes.get(id)!;
    if (scope.ended) throw new Error(`scope ${id} ended twice`);
    scope.ended = true;
    for (const [wait, one] of this.waits) if (one.scope === scope && one.done === 0) this.waits.delete(wait);
  }

  protected drained(node: ModelNode): void {
    this.deliverAll(node);
    if (node.attempts.length > 0) throw new Error(`${node.description.name} drained with attempts`);
    if (node.store.size > 0) throw new Error(`${node.description.name} drained with ${[...node.store.keys()].join()}`);
    node.alive = false;
  }

  protected abstract deliverAll(node: ModelNode): void;
}
