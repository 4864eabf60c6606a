import { NONE, type ResourceId } from '../model/ids.ts';
import type { ResourceDescription } from '../model/resource.ts';
import { file, markFreed, needOf } from './attempts.ts';
import { stopAttempt } from './cancellation.ts';
import type { Need } from './constraints.ts';
import { grownDescription, isNothing, shrunkDescription } from './descriptions.ts';
import { BOOKED, BROKEN } from './invocation-rows.ts';
import { attemptSettled } from './outcomes.ts';
import { recallAll } from './prefetch.ts';
import { reviewAll, reviewSpecial, untie } from './queueing.ts';
import { dropTransfer, holderGone, saveUnique } from './replicas.ts';
import { classKey, ResourceClass } from './resource-classes.ts';
import { Resource } from './resources.ts';
import type { CoreState } from './state.ts';
import { transfersTo } from './transfers.ts';

// ------------------------------------------------------------------------------------------ join and grow

export function join(state: CoreState, id: ResourceId, description: ResourceDescription, self: boolean): void {
  if (state.resourceRows.has(id)) {
    state.ignored += 1;
    return;
  }
  const resource = new Resource(state.resources.length, id, description, self);
  state.resources.push(resource);
  state.resourceRows.set(id, resource.row);
  if (self) state.registry.self = resource.row;
  enter(state, resource);
}

/** It takes work: from now on it is among the resources that are equal to it. */
function enter(state: CoreState, resource: Resource): void {
  const key = classKey(resource.description, resource.self);
  let equals = state.resourceClasses.get(key);
  if (equals === undefined) {
    equals = new ResourceClass(key, resource);
    state.resourceClasses.set(key, equals);
    reviewAll(state);
  }
  resource.class = equals;
  resource.state = 'active';
  state.leaving.delete(resource);
  equals.size += 1;
  state.activeResources += 1;
  markFreed(state, resource);
}

/** It takes no new work. */
function exit(state: CoreState, resource: Resource): void {
  const equals = resource.class;
  if (equals === undefined) return;
  equals.withdraw(resource);
  resource.class = undefined;
  equals.size -= 1;
  state.activeResources -= 1;
  if (equals.size === 0) {
    state.resourceClasses.delete(equals.key);
    reviewAll(state);
  } else {
    reviewSpecial(state);
  }
}

export function grow(state: CoreState, resource: Resource, by: ResourceDescription): void {
  resize(state, resource, grownDescription(resource.description, by));
  if (resource.state === 'active') {
    exit(state, resource);
    enter(state, resource);
  } else if (resource.state === 'leaving') {
    // Wanted again before it had gone.
    enter(state, resource);
  }
  markFreed(state, resource);
}

function resize(state: CoreState, resource: Resource, description: ResourceDescription): void {
  const { invocations } = state;
  const booked: [number, Need][] = [];
  for (let attempt = resource.attempts; attempt !== NONE; attempt = invocations.next[attempt]!) {
    if (invocations.state[attempt] === BOOKED) booked.push([attempt, needOf(state, attempt)]);
  }
  for (const [attempt, companions] of state.companions) {
    if (companions.includes(resource.row) && invocations.state[attempt] === BOOKED) {
      booked.push([attempt, needOf(state, attempt)]);
    }
  }
  resource.resize(description, booked);
  state.effects.push({ type: 'resource-resized', resource: resource.id, description });
}

// ------------------------------------------------------------------------------------------ shrink and leave

/** Takes no work until so much is free; then that much goes. More than there is means all. */
export function requestShrink(state: CoreState, resource: Resource, by: ResourceDescription): void {
  resource.reductions.push(by);
  if (resource.state === 'active') {
    exit(state, resource);
    resource.state = 'shrinking';
    recallAll(state, resource);
  }
  markFreed(state, resource);
}

export function requestLeave(state: CoreState, resource: Resource): void {
  if (resource.state === 'leaving') return;
  if (resource.state === 'active') exit(state, resource);
  resource.state = 'leaving';
  state.leaving.add(resource);
  untie(state, resource);
  recallAll(state, resource);
  markFreed(state, resource);
}

/** Units may have become free on a resource that takes no work. */
export function settleCapacity(state: CoreState, resource: Resource): void {
  if (resource.state === 'shrinking') shrinkWhatIsFree(state, resource);
  if (resource.state === 'leaving') leaveIfDone(state, resource);
}

function shrinkWhatIsFree(state: CoreState, resource: Resource): void {
  for (let by = resource.reductions[0]; by !== undefined; by = resource.reductions[0]) {
    const after = shrunkDescription(resource.description, by);
    if (!canShrinkTo(resource, after)) return;
    resource.reductions.shift();
    resize(state, resource, after);
  }
  if (isNothing(resource.description) && !resource.self) {
    resource.state = 'leaving';
    state.leaving.add(resource);
    untie(state, resource);
  } else {
    enter(state, resource);
    file(resource);
    untie(state, resource);
  }
}

/** Whether what runs there fits what would be left. */
function canShrinkTo(resource: Resource, after: ResourceDescription): boolean {
  return resource.wouldHold(after);
}

/** Nothing runs there, and nothing is held there alone. */
function leaveIfDone(state: CoreState, resource: Resource): void {
  if (resource.attemptCount > 0 || isCompanion(state, resource)) return;
  if (saveUnique(state, resource) > 0) return;
  const { registry } = state;
  for (let version = 0; version < registry.versions.high; version++) {
    if (registry.versions.isUsed(version)) registry.evict(version, resource.row);
  }
  for (const transfer of transfersTo(state, resource)) {
    state.effects.push({ type: 'cancel-transfer', version: state.versionId(transfer.version), to: resource.id });
    dropTransfer(state, transfer);
  }
  remove(state, resource);
  state.drainedResources.push(resource.id);
}

const isCompanion = (state: CoreState, resource: Resource): boolean =>
  [...state.companions.values()].some((rows) => rows.includes(resource.row));

function remove(state: CoreState, resource: Resource): void {
  exit(state, resource);
  resource.state = 'gone';
  state.leaving.delete(resource);
  resource.reductions.length = 0;
  state.resourceRows.delete(resource.id);
  if (resource.self) state.registry.self = NONE;
}

// ------------------------------------------------------------------------------------------ loss

/** Everything that was sent there runs elsewhere, at once and uncharged; what only it held is written again. */
export function lose(state: CoreState, resource: Resource, reason: string): void {
  remove(state, resource);
  untie(state, resource);
  const { invocations } = state;
  for (const [attempt, companions] of state.companions) {
    if (!companions.includes(resource.row) || invocations.resource[attempt] === resource.row) continue;
    if (state.draining.has(attempt)) continue;
    invocations.flags[attempt]! |= BROKEN;
    stopAttempt(state, attempt, `a node of the task was lost: ${reason}`);
  }
  for (const attempt of attemptsOn(state, resource)) attemptSettled(state, attempt, { status: 'lost', reason });
  holderGone(state, resource);
}

/** In the order in which they were sent. */
function attemptsOn(state: CoreState, resource: Resource): number[] {
  const attempts: number[] = [];
  for (let attempt = resource.attempts; attempt !== NONE; attempt = state.invocations.next[attempt]!) {
    attempts.push(attempt);
  }
  return attempts.reverse();
}
