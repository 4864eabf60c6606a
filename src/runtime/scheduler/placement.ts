import { NONE } from '../model/ids.ts';
import { type Candidate, Choice } from './choice.ts';
import { hasAlternative, hostsOf, implementationsFor } from './hosts.ts';
import { HeldData } from './locality.ts';
import type { PolicyContext } from './policies/policy.ts';
import type { Host, ReadyClass } from './ready-class.ts';
import type { Resource } from './resources.ts';
import { instanceResource } from './shared-groups.ts';
import type { CoreState } from './state.ts';

/** COMPSs: the agent itself is preferred where nothing else decides (spec 5.2). */
const SELF_SCORE = 1;
/** A resource that holds data of the task scores at least this much, unless its weights say otherwise. */
const HOLDS_DATA = 10;

/** Whether a candidate has room: for a start now, or for being sent ahead. Gives the implementation or NONE. */
type Admission = (resource: Resource, implementations: readonly number[], queue: ReadyClass) => number;

/** Finds places; keeps the scratch memory for it. One for each core. */
export class Placement {
  readonly #state: CoreState;
  readonly #context: PolicyContext;
  readonly #held = new HeldData();
  readonly #choice = new Choice();
  readonly #candidate: Candidate = { rank: 0, local: 0, mean: 0, bytes: 0 };

  constructor(state: CoreState) {
    this.#state = state;
    this.#context = { durations: state.durations };
  }

  /** Where the task can start now, or undefined. The answer is valid until the next call. */
  startNow(queue: ReadyClass, task: number): Choice | undefined {
    return this.#choose(queue, task, this.#hasSlot, (host) => host.class.cpus - queue.leastCpus);
  }

  /** Where it can wait behind what runs: `room` is how many may wait on one slot of such a resource. */
  sendAhead(queue: ReadyClass, task: number, room: (resource: { self: boolean }) => number): Choice | undefined {
    const admits: Admission = (resource, implementations) => {
      const need = queue.needs[implementations[0]!]!;
      const slots = Math.max(1, Math.floor(resource.cpus / need.cpus));
      const fits = resource.queued < room(resource) * slots && resource.resuming.length === 0;
      return fits ? implementations[0]! : NONE;
    };
    return this.#choose(queue, task, admits, (host) => host.class.cpus * (1 + room(host.class)));
  }

  /** Whether data of the task is held somewhere, so that another place may be better than the present one. */
  holdsElsewhere(choice: Choice): boolean {
    return choice.local < HOLDS_DATA && this.#held.count > 0;
  }

  /** Whether a resource that holds data of the task has room for it now: cheaper than to look for the best place. */
  canStartAtData(queue: ReadyClass, task: number): boolean {
    const held = this.#held;
    held.collect(this.#state, task);
    for (let index = 0; index < held.count; index++) {
      if (held.score[index]! < HOLDS_DATA) continue;
      const resource = this.#state.resources[held.resource[index]!]!;
      if (resource.state !== 'active' || resource.row === queue.speciality.avoid) continue;
      const implementations = implementationsFor(this.#state, queue, resource);
      if (implementations.length > 0 && this.#hasSlot(resource, implementations, queue) !== NONE) return true;
    }
    return false;
  }

  readonly #hasSlot: Admission = (resource, implementations, queue) => {
    if (resource.queued > 0) return NONE;
    let best = NONE;
    for (const index of implementations) {
      if (!resource.fits(queue.needs[index]!)) continue;
      if (best === NONE || this.#mean(queue, index) < this.#mean(queue, best)) best = index;
    }
    return best;
  };

  /** Run time of an implementation; one that never ran counts as none, so that it is tried. */
  #mean(queue: ReadyClass, implementation: number): number {
    const mean = this.#state.durations.mean(queue.core, implementation);
    return Number.isNaN(mean) ? 0 : mean;
  }

  #choose(queue: ReadyClass, task: number, admits: Admission, lastBucket: (host: Host) => number): Choice | undefined {
    this.#choice.clear();
    this.#held.count = 0;
    const only = this.#onlyResources(queue);
    if (only !== undefined) {
      for (const resource of only) this.#consider(queue, resource, admits);
    } else {
      this.#considerAll(queue, task, admits, lastBucket);
    }
    return this.#choice.resource === undefined ? undefined : this.#choice;
  }

  /** The single resources that the tasks are tied to, if they are. */
  #onlyResources(queue: ReadyClass): readonly Resource[] | undefined {
    const { pin, shared } = queue.speciality;
    const { resources } = this.#state;
    if (shared.length > 0) {
      const instance = instanceResource(
        this.#state,
        shared,
        (one) => implementationsFor(this.#state, queue, one).length > 0,
      );
      if (instance === 'apart') return [];
      if (instance !== undefined) return [instance];
    }
    if (pin !== NONE) return [resources[pin]!];
    if (queue.named === undefined) return undefined;
    return resources.filter((one) => queue.named!.includes(one.description.name));
  }

  #considerAll(queue: ReadyClass, task: number, admits: Admission, lastBucket: (host: Host) => number): void {
    const state = this.#state;
    const hosts = hostsOf(state, queue);
    if (state.activeResources > 1) {
      if (state.settings.policy.locality) this.#considerHolders(queue, task, admits);
      const { self } = state;
      if (self !== undefined) this.#consider(queue, self, admits);
    }
    for (const host of hosts) {
      const last = lastBucket(host);
      let resource = host.class.least(last);
      while (resource !== undefined && !this.#considerOn(queue, resource, host.implementations, admits)) {
        resource = host.class.after(resource, last);
      }
    }
  }

  #considerHolders(queue: ReadyClass, task: number, admits: Admission): void {
    this.#held.collect(this.#state, task);
    for (let index = 0; index < this.#held.count; index++) {
      this.#consider(queue, this.#state.resources[this.#held.resource[index]!]!, admits);
    }
  }

  #consider(queue: ReadyClass, resource: Resource, admits: Admission): void {
    if (resource.state !== 'active') return;
    const implementations = implementationsFor(this.#state, queue, resource);
    if (implementations.length > 0) this.#considerOn(queue, resource, implementations, admits);
  }

  /** False when the resource has no room, or must be avoided. */
  #considerOn(queue: ReadyClass, resource: Resource, implementations: readonly number[], admits: Admission): boolean {
    if (resource.row === queue.speciality.avoid && hasAlternative(this.#state, queue)) return false;
    const implementation = admits(resource, implementations, queue);
    if (implementation === NONE) return false;
    const candidate = this.#candidate;
    candidate.rank = this.#state.settings.policy.rank(this.#context, queue, implementation, resource);
    candidate.local = (resource.self ? SELF_SCORE : 0) + this.#held.scoreOf(resource.row);
    candidate.mean = this.#mean(queue, implementation);
    candidate.bytes = this.#held.bytesOf(resource.row);
    this.#choice.offer(resource, implementation, candidate);
    return true;
  }
}
