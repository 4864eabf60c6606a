import { hasContent, holds, isWritten, removeHolder } from '../data/registry.ts';
import { NONE, type ResourceId } from '../model/ids.ts';
import type { ResourceDescription } from '../model/resource.ts';
import { cancelledFailure, endAttempt, lost } from './attempts.ts';
import type { Need } from './constraints.ts';
import { grownDescription, isNothing, shrunkDescription } from './descriptions.ts';
import { fail } from './ends.ts';
import { BOOKED } from './invocation-rows.ts';
import { classKey, ResourceClass } from './resource-classes.ts';
import { Resource } from './resources.ts';
import { childScopeOf } from './scopes.ts';
import type { CoreState } from './state.ts';
import { bring, isOnlyHolder } from './transfers.ts';
import { CANCELLING } from './transitions.ts';

/** Nodes that come, change and go. */
export class Pool {
  readonly classes = new Map<string, ResourceClass>();
  readonly #state: CoreState;

  constructor(state: CoreState) {
    this.#state = state;
  }

  join(id: ResourceId, description: ResourceDescription, self: boolean): void {
    const state = this.#state;
    const resource = new Resource(state.resourceRows.length, id, description, self);
    state.resourceRows.push(resource);
    state.resources.set(id, resource);
    if (self) state.self = resource;
    this.#file(resource);
  }

  grow(resource: Resource, by: ResourceDescription): void {
    if (resource.state === 'leaving') resource.state = 'active';
    this.#resize(resource, grownDescription(resource.description, by));
  }

  /** Units in use go when they are free again: until then fewer than none are free. */
  shrink(resource: Resource, by: ResourceDescription): void {
    this.#resize(resource, shrunkDescription(resource.description, by));
    if (isNothing(resource.description) && !resource.self) this.leave(resource);
  }

  #resize(resource: Resource, description: ResourceDescription): void {
    resource.resize(description, this.#booked(resource));
    this.#file(resource);
    this.#state.emit({ type: 'resource-resized', resource: resource.id, description });
  }

  #booked(resource: Resource): (readonly [number, Need])[] {
    const { invocations, needs } = this.#state;
    return attemptsOf(this.#state, resource)
      .filter((attempt) => invocations.state[attempt] === BOOKED)
      .map((attempt) => [attempt, needs[invocations.need[attempt]!]!] as const);
  }

  #file(resource: Resource): void {
    const key = classKey(resource.description, resource.self);
    let found = this.classes.get(key);
    if (found === undefined) {
      found = new ResourceClass(key, resource);
      this.classes.set(key, found);
    }
    if (resource.class !== undefined && resource.class !== found) this.#leaveClass(resource);
    if (resource.class !== found) found.size += 1;
    resource.class = found;
    this.#state.epoch += 1;
    this.#state.dirty = true;
  }

  #leaveClass(resource: Resource): void {
    const before = resource.class!;
    before.size -= 1;
    if (before.size === 0) this.classes.delete(before.key);
    resource.class = undefined;
  }

  /** Its tasks end, what only it holds is copied here, then it is let go. */
  leave(resource: Resource): void {
    resource.state = 'leaving';
    this.#state.dirty = true;
    this.drainIfDone(resource);
  }

  /** Called whenever a leaving resource may have become empty. */
  drainIfDone(resource: Resource): void {
    const state = this.#state;
    if (resource.state !== 'leaving' || resource.attemptCount > 0) return;
    let unique = 0;
    for (let version = 0; version < state.versions.high; version++) {
      if (!state.versions.isUsed(version) || !isOnlyHolder(state, version, resource.row) || state.self === undefined)
        continue;
      unique += 1;
      bring(state, version, state.self.row);
    }
    if (unique > 0) return;
    this.#remove(resource);
    state.emit({ type: 'resource-drained', resource: resource.id });
  }

  drainAll(): void {
    for (const resource of [...this.#state.resources.values()])
      if (resource.state === 'leaving') this.drainIfDone(resource);
  }

  lose(resource: Resource, reason: string): void {
    const state = this.#state;
    this.#remove(resource);
    for (const attempt of attemptsOf(state, resource)) this.#loseAttempt(resource, attempt, reason);
  }

  #loseAttempt(resource: Resource, attempt: number, reason: string): void {
    const state = this.#state;
    const task = state.invocations.task[attempt]!;
    const cancelling = state.tasks.status[task] === CANCELLING;
    const child = childScopeOf(state, attempt);
    endAttempt(state, attempt);
    if (child !== undefined) state.rules.childEnded(child, false);
    if (cancelling) fail(state, task, cancelledFailure(state, task, `its node was lost: ${reason}`));
    else lost(state, task, resource, reason);
  }

  #remove(resource: Resource): void {
    const state = this.#state;
    resource.state = 'gone';
    state.resources.delete(resource.id);
    this.#leaveClass(resource);
    state.epoch += 1;
    state.dirty = true;
    for (let version = 0; version < state.versions.high; version++) {
      if (!state.versions.isUsed(version) || !holds(state, version, resource.row)) continue;
      removeHolder(state, version, resource.row);
      this.#missed(version);
    }
  }

  /** Somebody waits for what was held there: it is written again. Current versions nobody reads are, when they are read. */
  #missed(version: number): void {
    const state = this.#state;
    if (!isWritten(state, version) || hasContent(state, version)) return;
    if (state.versionWaits.has(version)) state.rules.recompute(version);
  }
}

function attemptsOf(state: CoreState, resource: Resource): number[] {
  const found: number[] = [];
  for (let attempt = resource.attempts; attempt !== NONE; attempt = state.invocations.next[attempt]!)
    found.push(attempt);
  // The list has the newest first; what was sent first runs again first.
  return found.reverse();
}
