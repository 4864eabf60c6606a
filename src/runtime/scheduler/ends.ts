import type { Failure } from '../graph/failure.ts';
import type { CommuteGroup, SharedGroup } from '../graph/groups.ts';
import { SHARED } from '../graph/version-rows.ts';
import { NONE, type VersionId } from '../model/ids.ts';
import type { TaskOutcome } from '../model/outcome.ts';
import { dissolve, leaveCommuteGroups } from './commute-groups.ts';
import { consequence, ownFailure } from './failures.ts';
import { remember } from './history.ts';
import { record } from './lineage.ts';
import { move } from './moves.ts';
import { enqueue } from './queueing.ts';
import { dropReplays } from './replay-table.ts';
import { endScopeIfDone, leaveScope, noteFailure } from './scope-ends.ts';
import { sharedGroupsOf } from './shared-groups.ts';
import type { CoreState } from './state.ts';
import { COMMUTES, NOTIFY, RECOMPUTES, SHARES } from './task-rows.ts';
import { BLOCKED, CANCELLED, COMPLETED, FAILED_STATUS, READY } from './transitions.ts';
import { endBarriers, failWaits, moveWaits, versionReady } from './wait-ends.ts';

// ------------------------------------------------------------------------------------------ versions

/** A version is there, empty or not: its readers go on. */
export function writeVersion(state: CoreState, version: number, bytes: number): void {
  const { registry } = state;
  registry.markWritten(version, bytes);
  wakeReaders(state, version);
  versionReady(state, version);
  registry.settle(version);
}

/** Another version stands for it: its readers and waits are that one's from now on. */
export function aliasVersion(state: CoreState, from: number, to: number): void {
  const { registry } = state;
  const target = registry.resolve(to);
  const failure = registry.failures.get(target);
  if (failure !== undefined) {
    failVersion(state, from, failure);
    return;
  }
  registry.dropProducer(from);
  registry.alias(from, target);
  moveWaits(state, from, target);
  const { waiters } = registry.versions;
  for (let node = takeWaiters(state, from); node !== NONE; node = registry.waiters.shift(node)) {
    waiters[target] = registry.waiters.push(waiters[target]!, registry.waiters.value[node]!);
  }
  if (registry.isPending(target)) return;
  wakeReaders(state, target);
  versionReady(state, target);
  registry.settle(target);
}

/** A version will not be written: its readers fail after the event. */
export function failVersion(state: CoreState, version: number, failure: Failure): void {
  const { registry, tasks } = state;
  // Whoever waits may be the last to need or mention it.
  registry.mention(version);
  registry.markFailed(version, failure);
  for (let node = takeWaiters(state, version); node !== NONE; node = registry.waiters.shift(node)) {
    const task = registry.waiters.value[node]!;
    tasks.missing[task]! -= 1;
    if (tasks.status[task] === BLOCKED) doom(state, task, failure);
    else if (tasks.missing[task] === 0) state.settledEdges.push(task);
  }
  failWaits(state, version, failure);
  registry.settle(version);
  registry.unmention(version);
}

/** The blocked readers in the order in which they came. */
function takeWaiters(state: CoreState, version: number): number {
  const { versions, waiters } = state.registry;
  const list = versions.waiters[version]!;
  versions.waiters[version] = NONE;
  return waiters.reversed(list);
}

function wakeReaders(state: CoreState, version: number): void {
  const { registry, tasks } = state;
  if (registry.versions.waiters[version] === NONE) return;
  for (let node = takeWaiters(state, version); node !== NONE; node = registry.waiters.shift(node)) {
    const task = registry.waiters.value[node]!;
    if (--tasks.missing[task]! > 0) continue;
    if (tasks.status[task] !== BLOCKED) state.settledEdges.push(task);
    else if (!state.failures.has(task)) makeReady(state, task);
  }
}

/** All inputs are there. */
export function makeReady(state: CoreState, task: number): void {
  move(state, task, READY);
  enqueue(state, task, false);
}

/** After an attempt that did not end it: before those that have not been tried. Inputs may have been lost meanwhile. */
export function makeReadyAgain(state: CoreState, task: number): void {
  move(state, task, READY);
  if (!waitsForInputs(state, task)) enqueue(state, task, true);
}

/** A ready task that is in no queue: blocked again, or doomed, when an input has gone since. */
export function waitsForInputs(state: CoreState, task: number): boolean {
  const { tasks, registry, analysis } = state;
  let failure: Failure | undefined;
  for (let position = 0; position < tasks.inputs[task]!; position++) {
    const version = tasks.input(task, position);
    if (version !== NONE) failure = analysis.waitFor(task, registry.resolve(version)) ?? failure;
  }
  for (const { group } of state.commuting.get(task) ?? []) {
    failure = analysis.waitFor(task, registry.resolve(group.tail)) ?? failure;
  }
  if (failure === undefined && tasks.missing[task] === 0) return false;
  move(state, task, BLOCKED);
  if (failure !== undefined) doom(state, task, failure);
  return true;
}

// ------------------------------------------------------------------------------------------ failures that spread

/** The task will fail, or be cancelled, because of its input. Worked off by `settleDoomed`, however many there are. */
export function doom(state: CoreState, task: number, failure: Failure): void {
  if (state.failures.has(task)) return;
  state.failures.set(task, consequence(state, task, failure));
  state.doomed.push(task);
}

export function settleDoomed(state: CoreState): void {
  const { doomed, tasks } = state;
  for (let index = 0; index < doomed.length; index++) {
    const task = doomed[index]!;
    const failure = state.failures.get(task)!;
    if (tasks.readyClass[task] !== NONE) state.ready.remove(task);
    endUnwritten(state, task, failure);
  }
  doomed.length = 0;
}

/** The task ends without having written anything; `onward` is what its readers fail with. */
export function endUnwritten(state: CoreState, task: number, failure: Failure, onward = failure): void {
  const { tasks } = state;
  const own = failure.origin === undefined ? ownFailure(state, task, failure) : failure;
  const told = onward === failure ? own : onward;
  if ((tasks.flags[task]! & RECOMPUTES) === 0) noteFailure(state, tasks.scope[task]!, task, own);
  state.failures.set(task, own);
  move(state, task, own.status === 'failed' ? FAILED_STATUS : CANCELLED);
  if (own.status === 'failed') state.failed += 1;
  else state.cancelled += 1;
  for (let position = 0; position < tasks.outputs[task]!; position++) {
    const version = tasks.output(task, position);
    if (version !== NONE && !state.registry.is(version, SHARED)) failVersion(state, version, told);
  }
  settle(state, task, own);
}

// ------------------------------------------------------------------------------------------ the end of a task

/** The outputs have been written, or other versions stand for them. */
export function complete(state: CoreState, task: number): void {
  record(state, task);
  completeUnrecorded(state, task);
}

/** It has made nothing that it could make again: a failure that is ignored. */
export function completeUnrecorded(state: CoreState, task: number): void {
  move(state, task, COMPLETED);
  state.completed += 1;
  settle(state, task, undefined);
}

function settle(state: CoreState, task: number, failure: Failure | undefined): void {
  const { tasks } = state;
  const flags = tasks.flags[task]!;
  if ((flags & NOTIFY) !== 0) notify(state, task, failure);
  letGoOfInputs(state, task);
  if (state.replays.size > 0) dropReplays(state, task);
  if ((flags & SHARES) !== 0) leaveShared(state, task, failure);
  if ((flags & COMMUTES) !== 0) {
    for (const group of leaveCommuteGroups(state, task, failure)) endCommute(state, group);
  }
  if ((flags & RECOMPUTES) === 0) {
    const scope = tasks.scope[task]!;
    leaveScope(state, scope, task, failure);
    endBarriers(state, scope, task, failure);
    remember(state, task);
    endScopeIfDone(state, scope);
  } else {
    remember(state, task);
  }
}

function letGoOfInputs(state: CoreState, task: number): void {
  const { tasks, registry } = state;
  const inputs = tasks.inputs[task]!;
  const offset = tasks.segment[task]!;
  for (let cell = offset; cell < offset + inputs; cell++) {
    const version = tasks.segments.cells[cell]!;
    if (version !== NONE) registry.unneed(version);
  }
}

function notify(state: CoreState, task: number, failure: Failure | undefined): void {
  const { tasks } = state;
  const outputs: VersionId[] = [];
  if (failure === undefined) {
    for (let position = 0; position < tasks.outputs[task]!; position++) {
      const version = tasks.output(task, position);
      outputs.push(version === NONE ? (NONE as VersionId) : state.versionId(state.registry.resolve(version)));
    }
  }
  state.effects.push({
    type: 'task-settled',
    scope: tasks.scope[task]!.id,
    seq: tasks.seq[task]!,
    task: state.taskId(task),
    outcome: outcomeOf(state, failure),
    outputs,
  });
}

function outcomeOf(state: CoreState, failure: Failure | undefined): TaskOutcome {
  if (failure === undefined) return state.completion ?? COMPLETED_OUTCOME;
  if (failure.status === 'failed') return { status: 'failed', error: failure.error };
  const { error } = failure;
  const reason = error.details?.['reason'];
  return { status: 'cancelled', reason: typeof reason === 'string' ? reason : error.message };
}

const COMPLETED_OUTCOME: TaskOutcome = { status: 'completed' };

// ------------------------------------------------------------------------------------------ groups of one datum

function leaveShared(state: CoreState, task: number, failure: Failure | undefined): void {
  for (const [, group] of sharedGroupsOf(state, task)) {
    group.pending -= 1;
    group.failure ??= failure;
    state.registry.unneed(group.version);
    if (group.closed && group.pending === 0) endShared(state, group);
  }
}

/** The instance is what later accesses read. */
export function endShared(state: CoreState, group: SharedGroup): void {
  const { registry } = state;
  state.shared.delete(group.version);
  if (group.failure === undefined && registry.versions.holder[group.version] === NONE) {
    // Every member failed and was ignored: nothing was made of the version before.
    aliasVersion(state, group.version, group.base);
  } else if (group.failure === undefined) {
    writeVersion(state, group.version, registry.versions.bytes[group.version]!);
  } else {
    registry.evictAll(group.version);
    failVersion(state, group.version, group.failure);
  }
  registry.unneed(group.base);
  registry.unmention(group.base);
  registry.unmention(group.version);
}

export function endCommute(state: CoreState, group: CommuteGroup): void {
  if (group.final !== NONE) {
    if (group.failure === undefined) aliasVersion(state, group.final, group.tail);
    else failVersion(state, group.final, group.failure);
    state.registry.unmention(group.final);
  }
  dissolve(state, group);
}
