import type { Failure } from '../graph/failure.ts';
import { NONE } from '../model/ids.ts';
import { endUnwritten } from './ends.ts';
import type { CancelTarget } from './events.ts';
import { cancellation } from './failures.ts';
import { attemptsOf } from './gangs.ts';
import { CANCEL_SENT } from './invocation-rows.ts';
import { move } from './moves.ts';
import { endScopeIfDone } from './scope-ends.ts';
import type { GroupState, ScopeState } from './scope-state.ts';
import type { CoreState } from './state.ts';
import { ASSIGNED, BLOCKED, CANCELLING, READY, RUNNING, SUSPENDED } from './transitions.ts';

export function cancelTarget(state: CoreState, scope: ScopeState, target: CancelTarget, reason: string): void {
  if ('all' in target) cancelAll(state, scope, reason);
  else if ('group' in target) cancelGroup(state, scope.groups.get(target.group), reason);
  else {
    const task = 'taskId' in target ? state.tasks.rowOf(target.taskId) : scope.tasks.get(target.task);
    if (task === NONE) state.ignored += 1;
    else cancelTask(state, task, reason);
  }
}

/** Oldest first, so that what depends on them is cancelled for its own reason too. */
export function cancelAll(state: CoreState, scope: ScopeState, reason: string): void {
  const tasks: number[] = [];
  for (let task = scope.lastTask; task !== NONE; task = state.tasks.scopeNext[task]!) tasks.push(task);
  for (const task of tasks.reverse()) cancelTask(state, task, reason);
}

export function cancelGroup(state: CoreState, group: GroupState | undefined, reason: string, but = NONE): void {
  if (group === undefined) {
    state.ignored += 1;
    return;
  }
  for (const task of [...group.members]) if (task !== but) cancelTask(state, task, reason);
}

/** What has not been sent ends now; what has been keeps its units until the resource answers or is lost. */
export function cancelTask(state: CoreState, task: number, reason: string): void {
  const { tasks } = state;
  switch (tasks.status[task]) {
    case BLOCKED:
    case READY:
      if (state.failures.has(task)) return;
      if (tasks.readyClass[task] !== NONE) state.ready.remove(task);
      endUnwritten(state, task, cancellation(state, task, reason));
      break;
    case ASSIGNED:
    case RUNNING:
    case SUSPENDED:
      move(state, task, CANCELLING);
      state.failures.set(task, cancellation(state, task, reason));
      for (const attempt of attemptsOf(state, task)) stopAttempt(state, attempt, reason);
      break;
    default:
      break;
  }
}

/** Orders the resource to stop it, once, and cancels what it submitted. */
export function stopAttempt(state: CoreState, attempt: number, reason: string): void {
  const { invocations } = state;
  if ((invocations.flags[attempt]! & CANCEL_SENT) !== 0) return;
  invocations.flags[attempt]! |= CANCEL_SENT;
  if (state.draining.has(attempt)) {
    state.drained.push(attempt);
    cancelChildren(state, attempt);
    return;
  }
  const { id } = state.resources[invocations.resource[attempt]!]!;
  state.effects.push({ type: 'cancel', invocation: state.invocationId(attempt), resource: id, reason });
  cancelChildren(state, attempt);
}

export function cancelChildren(state: CoreState, attempt: number): void {
  for (const scope of state.children.get(attempt) ?? [])
    closeScope(state, scope, 'the task that submitted it has ended');
}

/** No more submissions; with a reason what has not ended is cancelled. */
export function closeScope(state: CoreState, scope: ScopeState, cancel: string | undefined): void {
  scope.closed = true;
  if (cancel !== undefined) cancelAll(state, scope, cancel);
  endScopeIfDone(state, scope);
}

/** The failure that a cancelled task ends with. */
export const cancelledFailure = (state: CoreState, task: number): Failure =>
  state.failures.get(task) ?? cancellation(state, task, 'its node stopped it', false);
