import { CONSUMED, DURABLE, EMPTY, ROOT, UNHELD } from '../graph/version-rows.ts';
import { writes } from '../model/access.ts';
import type { ImplementationIndex, VersionId } from '../model/ids.ts';
import { NONE } from '../model/ids.ts';
import { takeLocks, undoLocks } from './commute-groups.ts';
import type { Need } from './constraints.ts';
import { BOOKED, IN_PLACE, PARKED, QUEUED, RECALL_SENT, RESUMING, STARTED } from './invocation-rows.ts';
import { move } from './moves.ts';
import type { ReadyClass } from './ready-class.ts';
import type { Resource } from './resources.ts';
import { hasInstance, joinInstances, leaveInstances, sharedGroupsOf } from './shared-groups.ts';
import type { CoreState } from './state.ts';
import { COMMUTES, LOCKED, RECOMPUTES, SHARES, UPDATES } from './task-rows.ts';
import { ASSIGNED, RUNNING, SUSPENDED } from './transitions.ts';

/** COMPSs: two tries on each of two resources (spec 3.5). */
export const MAX_FAILURES = 4;

// ------------------------------------------------------------------------------------------ launch

/** Where a task goes: its units are booked, or it waits behind what runs there. */
export interface Place {
  readonly resource: Resource;
  readonly implementation: number;
  readonly ahead: boolean;
  /** Resources that it holds as well. */
  readonly companions?: readonly Resource[];
}

export function assign(state: CoreState, queue: ReadyClass, task: number, place: Place): void {
  state.ready.remove(task);
  if ((state.tasks.flags[task]! & COMMUTES) !== 0) takeLocks(state, task);
  state.tasks.attempts[task]! += 1;
  const attempt = launch(state, queue.needs[place.implementation]!, task, place);
  state.tasks.invocation[task] = attempt;
  move(state, task, ASSIGNED);
}

/** One attempt of the task: accounts for it and orders it. */
export function launch(state: CoreState, need: Need, task: number, place: Place): number {
  const { invocations, tasks } = state;
  const { resource, implementation } = place;
  const attempt = invocations.add(task, resource.row, implementation, need.index);
  link(state, resource, attempt);
  if (place.ahead) sendBehind(state, resource, attempt, need);
  else resource.book(attempt, need);
  file(resource);
  const inputs = inputIds(state, task);
  const bases = basesOf(state, task, inputs);
  const preserveInputs = !mayWorkInPlace(state, task, resource);
  if (!preserveInputs) {
    invocations.flags[attempt]! |= IN_PLACE;
    consumeInputs(state, task, true);
  }
  if ((tasks.flags[task]! & SHARES) !== 0) joinInstances(state, task, resource.row);
  state.effects.push({
    type: 'launch',
    invocation: state.invocationId(attempt),
    task: state.taskId(task),
    attempt: tasks.attempts[task]!,
    resource: resource.id,
    implementation: implementation as ImplementationIndex,
    booking: need.booking,
    inputs,
    ...(bases === undefined ? undefined : { bases }),
    outputs: outputIds(state, task),
    preserveInputs,
    ...(place.companions === undefined ? undefined : bookCompanions(state, attempt, need, place.companions)),
  });
  return attempt;
}

function bookCompanions(state: CoreState, attempt: number, need: Need, companions: readonly Resource[]) {
  for (const companion of companions) {
    companion.book(attempt, need);
    file(companion);
  }
  state.companions.set(
    attempt,
    companions.map((one) => one.row),
  );
  return { companions: companions.map((one) => one.id) };
}

const NO_VERSIONS: readonly VersionId[] = [];

function inputIds(state: CoreState, task: number): readonly VersionId[] {
  const { tasks, registry } = state;
  const count = tasks.inputs[task]!;
  if (count === 0) return NO_VERSIONS;
  const ids: VersionId[] = [];
  for (let position = 0; position < count; position++) {
    const version = tasks.input(task, position);
    const row = version === NONE ? NONE : registry.resolve(version);
    ids.push(row === NONE || registry.is(row, EMPTY) ? (NONE as VersionId) : state.versionId(row));
  }
  if ((tasks.flags[task]! & SHARES) !== 0) {
    for (const [position, group] of sharedGroupsOf(state, task)) {
      if (hasInstance(state, group)) ids[position] = state.versionId(group.version);
    }
  }
  return ids;
}

/** Undefined when every instance that is read is somewhere. */
function basesOf(state: CoreState, task: number, inputs: readonly VersionId[]): readonly VersionId[] | undefined {
  if ((state.tasks.flags[task]! & SHARES) === 0) return undefined;
  const { versions } = state.registry;
  const open = sharedGroupsOf(state, task).filter(
    ([, group]) => group.running > 0 && versions.holder[group.version] === NONE,
  );
  if (open.length === 0) return undefined;
  const bases = [...inputs];
  for (const [position, { base }] of open) bases[position] = state.versionId(state.registry.resolve(base));
  return bases;
}

function outputIds(state: CoreState, task: number): readonly VersionId[] {
  const { tasks } = state;
  const count = tasks.outputs[task]!;
  if (count === 0) return NO_VERSIONS;
  const ids: VersionId[] = [];
  for (let position = 0; position < count; position++) ids.push(state.versionId(tasks.output(task, position)));
  return ids;
}

/**
 * Whether the writer may change the old versions instead of copies: it will not be tried again, and nobody else reads
 * them or needs them for lineage.
 */
function mayWorkInPlace(state: CoreState, task: number, { self }: Resource): boolean {
  const { tasks, registry } = state;
  const flags = tasks.flags[task]!;
  if ((flags & UPDATES) === 0 || (flags & (SHARES | RECOMPUTES)) !== 0) return false;
  const spec = tasks.spec[task]!;
  if ((spec.onFailure ?? 'RETRY') === 'RETRY' && tasks.failures[task]! < MAX_FAILURES - 1) return false;
  // IGNORE gives the old content back; copies on several nodes all read it.
  if (spec.onFailure === 'IGNORE' || spec.isReplicated === true) return false;
  for (let position = 0; position < spec.accesses.length; position++) {
    const version = tasks.input(task, position);
    const { direction } = spec.accesses[position]!;
    if (version === NONE || !writes(direction)) continue;
    const row = registry.resolve(version);
    if (registry.versions.needs[row] !== 1 || registry.versions.lineage[row] !== 0) return false;
    // The submitter's own file, or what a peer still holds: there must be something to come back to.
    if (registry.is(row, DURABLE | UNHELD)) return false;
    // The output may be lost with its node, and made again from this: nobody can make this again.
    if (!self && (registry.versions.producer[row] === NONE || registry.is(row, ROOT))) return false;
  }
  return true;
}

/** Marks the versions that an attempt changes in place, or takes the mark away. */
export function consumeInputs(state: CoreState, task: number, consumed: boolean): void {
  const { tasks, registry } = state;
  const { flags } = registry.versions;
  const { accesses } = tasks.spec[task]!;
  for (let position = 0; position < accesses.length; position++) {
    const version = tasks.input(task, position);
    if (version === NONE || !writes(accesses[position]!.direction)) continue;
    const row = registry.resolve(version);
    if (consumed) flags[row]! |= CONSUMED;
    else flags[row]! &= ~CONSUMED;
  }
}

// ------------------------------------------------------------------------------------------ accounting

/** Keeps the resource where placement finds it, if it takes work. */
export function file(resource: Resource): void {
  if (resource.state === 'active') resource.class!.file(resource);
}

function link(state: CoreState, resource: Resource, attempt: number): void {
  const { next, previous } = state.invocations;
  next[attempt] = resource.attempts;
  if (resource.attempts !== NONE) previous[resource.attempts] = attempt;
  resource.attempts = attempt;
  resource.attemptCount += 1;
}

function unlink(state: CoreState, resource: Resource, attempt: number): void {
  const { next, previous } = state.invocations;
  const [before, after] = [previous[attempt]!, next[attempt]!];
  if (before === NONE) resource.attempts = after;
  else next[before] = after;
  if (after !== NONE) previous[after] = before;
  resource.attemptCount -= 1;
}

function sendBehind(state: CoreState, resource: Resource, attempt: number, need: Need): void {
  const { queueNext, queuePrevious, state: states } = state.invocations;
  states[attempt] = QUEUED;
  queuePrevious[attempt] = resource.queueTail;
  if (resource.queueTail === NONE) resource.queueHead = attempt;
  else queueNext[resource.queueTail] = attempt;
  resource.queueTail = attempt;
  resource.queued += 1;
  resource.queuedCpus += need.cpus;
  state.queued += 1;
  if (resource.queued === 1) state.queuedOn.add(resource);
}

function leaveQueue(state: CoreState, resource: Resource, attempt: number): void {
  const { queueNext, queuePrevious, need, flags } = state.invocations;
  const [before, after] = [queuePrevious[attempt]!, queueNext[attempt]!];
  if (before === NONE) resource.queueHead = after;
  else queueNext[before] = after;
  if (after === NONE) resource.queueTail = before;
  else queuePrevious[after] = before;
  queueNext[attempt] = NONE;
  queuePrevious[attempt] = NONE;
  resource.queued -= 1;
  resource.queuedCpus -= state.needs.all[need[attempt]!]!.cpus;
  state.queued -= 1;
  if (resource.queued === 0) state.queuedOn.delete(resource);
  if ((flags[attempt]! & RECALL_SENT) !== 0) state.recalling -= 1;
}

/** It takes its units now; over capacity when the resource has started it all the same. */
function bookQueued(state: CoreState, resource: Resource, attempt: number): void {
  leaveQueue(state, resource, attempt);
  state.invocations.flags[attempt]! &= ~RECALL_SENT;
  state.invocations.state[attempt] = BOOKED;
  resource.book(attempt, needOf(state, attempt));
}

export const needOf = (state: CoreState, attempt: number): Need => state.needs.all[state.invocations.need[attempt]!]!;

export const resourceOf = (state: CoreState, attempt: number): Resource =>
  state.resources[state.invocations.resource[attempt]!]!;

function unbook(state: CoreState, resource: Resource, attempt: number): void {
  const need = needOf(state, attempt);
  resource.unbook(attempt, need);
  markFreed(state, resource);
  const companions = state.companions.get(attempt);
  if (companions === undefined) return;
  for (const row of companions) {
    const companion = state.resources[row]!;
    companion.unbook(attempt, need);
    markFreed(state, companion);
  }
}

/** What resources that leave hold alone may have found another holder. */
export function reviewLeaving(state: CoreState): void {
  for (const resource of state.leaving) markFreed(state, resource);
}

/** Served after the event: who waits for its units gets them in order. */
export function markFreed(state: CoreState, resource: Resource): void {
  if (resource.freed) return;
  resource.freed = true;
  state.freed.push(resource);
}

/** The attempt is over, however: it holds nothing and its row is free. The task keeps its status. */
export function endAttempt(state: CoreState, attempt: number): void {
  const { invocations } = state;
  const resource = resourceOf(state, attempt);
  switch (invocations.state[attempt]) {
    case QUEUED:
      leaveQueue(state, resource, attempt);
      markFreed(state, resource);
      break;
    case BOOKED:
      unbook(state, resource, attempt);
      break;
    case RESUMING:
      resource.resuming.splice(resource.resuming.indexOf(attempt), 1);
      // It may have held up others that need less.
      markFreed(state, resource);
      break;
    default:
      break;
  }
  state.companions.delete(attempt);
  unlink(state, resource, attempt);
  if (resource.state !== 'active') markFreed(state, resource);
  const task = invocations.task[attempt]!;
  if ((state.tasks.flags[task]! & SHARES) !== 0) {
    leaveInstances(state, task);
    reviewLeaving(state);
  }
  if (state.tasks.invocation[task] === attempt) state.tasks.invocation[task] = NONE;
  invocations.release(attempt);
}

/** What a task took for an attempt that did not complete. */
export function undoAttempt(state: CoreState, task: number): void {
  if ((state.tasks.flags[task]! & LOCKED) !== 0) undoLocks(state, task);
}

// ------------------------------------------------------------------------------------------ what the resource says

export function attemptStarted(state: CoreState, attempt: number): void {
  const { invocations, tasks } = state;
  if ((invocations.flags[attempt]! & STARTED) !== 0) return;
  invocations.flags[attempt]! |= STARTED;
  invocations.startedAt[attempt] = state.at;
  if (invocations.state[attempt] === QUEUED) {
    const resource = resourceOf(state, attempt);
    bookQueued(state, resource, attempt);
    file(resource);
  }
  const task = invocations.task[attempt]!;
  if (tasks.status[task] === ASSIGNED) move(state, task, RUNNING);
}

/** It waits inside and has given its units back. */
export function attemptSuspended(state: CoreState, attempt: number): void {
  const { invocations, tasks } = state;
  attemptStarted(state, attempt);
  if (invocations.state[attempt] === BOOKED) {
    unbook(state, resourceOf(state, attempt), attempt);
    invocations.state[attempt] = PARKED;
  }
  const task = invocations.task[attempt]!;
  if (tasks.status[task] === RUNNING) move(state, task, SUSPENDED);
}

export function resumeRequested(state: CoreState, attempt: number): void {
  const { invocations } = state;
  if (invocations.state[attempt] !== PARKED) return;
  invocations.state[attempt] = RESUMING;
  const resource = resourceOf(state, attempt);
  resource.resuming.push(attempt);
  markFreed(state, resource);
}

/** It has its units again: granted here, or taken by a peer itself, over capacity if need be. */
export function attemptResumed(state: CoreState, attempt: number): void {
  const { invocations, tasks } = state;
  const resource = resourceOf(state, attempt);
  if (invocations.state[attempt] === RESUMING) resource.resuming.splice(resource.resuming.indexOf(attempt), 1);
  else if (invocations.state[attempt] !== PARKED) return;
  invocations.state[attempt] = BOOKED;
  const need = needOf(state, attempt);
  resource.book(attempt, need);
  for (const row of state.companions.get(attempt) ?? []) {
    state.resources[row]!.book(attempt, need);
    file(state.resources[row]!);
  }
  file(resource);
  const task = invocations.task[attempt]!;
  if (tasks.status[task] === SUSPENDED) move(state, task, RUNNING);
}

// ------------------------------------------------------------------------------------------ free units

/** On a resource that has shrunk below what it needs, an attempt goes on alone. */
export const mayResume = (resource: Resource, need: Need): boolean => resource.fits(need) || resource.booked === 0;

/** Units have become free: attempts that resume come first, then those sent ahead, in order; then ready tasks. */
export function serve(state: CoreState, resource: Resource): void {
  const { resuming } = resource;
  while (resuming.length > 0 && mayResume(resource, needOf(state, resuming[0]!))) {
    const attempt = resuming[0]!;
    attemptResumed(state, attempt);
    state.effects.push({ type: 'resume', invocation: state.invocationId(attempt), resource: resource.id });
  }
  while (resource.queueHead !== NONE && resource.fits(needOf(state, resource.queueHead))) {
    bookQueued(state, resource, resource.queueHead);
  }
  file(resource);
}
