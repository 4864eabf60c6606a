import type { ErrorInfo } from '../../common/errors.ts';
import { isWritten, setFailure, tidy, unneed } from '../data/registry.ts';
import type { Failure } from '../graph/failure.ts';
import { EMPTY, LOST, WRITTEN } from '../graph/version-rows.ts';
import { NONE, type VersionId } from '../model/ids.ts';
import type { TaskOutcome } from '../model/outcome.ts';
import { keepHistory } from './history.ts';
import { remember } from './lineage.ts';
import { move } from './moves.ts';
import { enqueue, withdraw } from './ready.ts';
import { endScopeIfDone } from './scopes.ts';
import type { CoreState } from './state.ts';
import { NOTIFY, RECOMPUTES } from './task-rows.ts';
import { BLOCKED, CANCELLED, COMPLETED, FAILED_STATUS, isTerminal, READY } from './transitions.ts';
import { taskSettled, versionChanged } from './waits.ts';

/** Every input is written: the task may be placed. */
export function makeReady(state: CoreState, task: number): void {
  move(state, task, READY);
  enqueue(state, task);
}

/** A version has its content: its readers have one thing less to wait for. */
export function wrote(state: CoreState, version: number, empty: boolean): void {
  const { versions } = state;
  versions.flags[version]! = (versions.flags[version]! & ~LOST) | WRITTEN | (empty ? EMPTY : 0);
  for (const task of takeWaiters(state, version)) {
    state.tasks.missing[task]! -= 1;
    if (state.tasks.missing[task] === 0 && state.tasks.status[task] === BLOCKED) makeReady(state, task);
  }
  versionChanged(state, version);
}

/** Blocked readers in order of submission; the list is empty afterwards. */
function takeWaiters(state: CoreState, version: number): number[] {
  const { versions, links } = state;
  const waiting: number[] = [];
  let node = links.reversed(versions.waiters[version]!);
  versions.waiters[version] = NONE;
  while (node !== NONE) {
    waiting.push(links.value[node]!);
    node = links.shift(node);
  }
  return waiting;
}

export function complete(state: CoreState, task: number): void {
  remember(state, task);
  move(state, task, COMPLETED);
  state.counts.completed += 1;
  settle(state, task, { status: 'completed' });
}

/**
 * Ends a task that will not complete, and everything that reads what it would have written. A list and no recursion:
 * chains are as long as programs make them.
 */
export function fail(state: CoreState, first: number, failure: Failure): void {
  const todo: [task: number, failure: Failure][] = [[first, failure]];
  for (let next = todo.shift(); next !== undefined; next = todo.shift()) {
    const [task, why] = next;
    if (!state.tasks.isUsed(task) || isTerminal(state.tasks.status[task]!)) continue;
    for (const reader of failOne(state, task, why)) todo.push([reader, successorFailure(state, task, why)]);
    settle(state, task, outcomeOf(why));
  }
}

/** What the readers of a failed task's outputs end with: CANCEL_SUCCESSORS cancels them. */
function successorFailure(state: CoreState, task: number, failure: Failure): Failure {
  const spec = state.tasks.spec[task];
  if (failure.status !== 'failed' || spec?.onFailure !== 'CANCEL_SUCCESSORS') return failure;
  return { ...failure, status: 'cancelled', expected: true };
}

/** Moves the task, marks its outputs and gives the readers that waited for them. */
function failOne(state: CoreState, task: number, failure: Failure): number[] {
  const { tasks } = state;
  if (tasks.status[task] === READY) withdraw(state, task);
  const cancelled = failure.status === 'cancelled';
  move(state, task, cancelled ? CANCELLED : FAILED_STATUS);
  if (cancelled) state.counts.cancelled += 1;
  else state.counts.failed += 1;
  noteFailure(state, task, failure);
  const onward = successorFailure(state, task, failure);
  const readers: number[] = [];
  for (let position = 0; position < tasks.outputs[task]!; position++) {
    const version = tasks.output(task, position);
    if (version === NONE || isWritten(state, version)) continue;
    setFailure(state, version, onward);
    readers.push(...takeWaiters(state, version));
    versionChanged(state, version);
  }
  return readers;
}

export function failReaders(state: CoreState, version: number, failure: Failure): void {
  for (const reader of takeWaiters(state, version)) fail(state, reader, failure);
}

const outcomeOf = ({ status, error }: Failure): TaskOutcome =>
  status === 'failed' ? { status, error } : { status, reason: error.message };

function settle(state: CoreState, task: number, outcome: TaskOutcome): void {
  const { tasks } = state;
  const scope = tasks.scope[task]!;
  const spec = tasks.spec[task]!;
  const again = (tasks.flags[task]! & RECOMPUTES) !== 0;
  if ((tasks.flags[task]! & NOTIFY) !== 0 && !again) {
    const outputs = outcome.status === 'completed' ? outputIds(state, task) : [];
    state.emit({ type: 'task-settled', scope: scope.id, seq: spec.seq, task: state.taskId(task), outcome, outputs });
  }
  scope.live -= 1;
  keepHistory(state, task);
  if (!again) {
    scope.tasks.set(spec.seq, NONE);
    for (const group of spec.groups ?? []) leaveGroups(scope.groups.get(group), task);
    taskSettled(
      state,
      scope,
      spec.seq,
      (wait) => wait.target.on === 'group' && inGroup(state, task, wait.target.group),
    );
  }
  letGo(state, task);
  if (!again) endScopeIfDone(state, scope);
}

type Group = NonNullable<ReturnType<CoreState['recomputing']['groups']['get']>>;

function leaveGroups(group: Group | undefined, task: number): void {
  for (let one = group; one !== undefined; one = one.parent) one.members.delete(task);
}

function inGroup(state: CoreState, task: number, id: number): boolean {
  const scope = state.tasks.scope[task]!;
  for (const group of state.tasks.spec[task]!.groups ?? []) {
    for (let one = scope.groups.get(group); one !== undefined; one = one.parent) if (one.id === id) return true;
  }
  return false;
}

function outputIds(state: CoreState, task: number): VersionId[] {
  return Array.from({ length: state.tasks.outputs[task]! }, (_, position) =>
    state.versionId(state.tasks.output(task, position)),
  );
}

/** The row goes; its versions may. */
function letGo(state: CoreState, task: number): void {
  const { tasks, versions, links } = state;
  const inputs = Array.from({ length: tasks.inputs[task]! }, (_, position) => tasks.input(task, position));
  const outputs = Array.from({ length: tasks.outputs[task]! }, (_, position) => tasks.output(task, position));
  for (const input of inputs) {
    if (input !== NONE) versions.waiters[input] = links.without(versions.waiters[input]!, task);
  }
  for (const output of outputs) {
    if (output !== NONE && versions.producer[output] === task) versions.producer[output] = NONE;
    const record = output === NONE ? undefined : state.lineage.get(output);
    if (record !== undefined) record.again = false;
  }
  state.recomputes.delete(task);
  state.stories[task] = undefined;
  tasks.remove(task);
  for (const output of outputs) {
    if (output === NONE) continue;
    versions.mentions[output]! -= 1;
    tidy(state, output);
  }
  for (const input of inputs) if (input !== NONE) unneed(state, input);
}

/** Notes a failure of the submitter's own task: barriers tell of it once. */
function noteFailure(state: CoreState, task: number, failure: Failure): void {
  const scope = state.tasks.scope[task]!;
  const spec = state.tasks.spec[task]!;
  if ((state.tasks.flags[task]! & RECOMPUTES) !== 0) return;
  scope.failures.set(spec.seq, failure);
  if (!failure.expected) scope.untold.set(spec.seq, { seq: spec.seq, failure, groups: spec.groups ?? [] });
}

export const failureOf = (state: CoreState, task: number, error: ErrorInfo, expected: boolean): Failure => ({
  status: 'failed',
  error,
  origin: state.taskId(task),
  expected,
});
