import { type InvocationId, NONE } from '../model/ids.ts';
import { cancelledFailure } from './attempts.ts';
import { fail } from './ends.ts';
import type { CancelTarget } from './events.ts';
import { CANCEL_SENT } from './invocation-rows.ts';
import { move } from './moves.ts';
import type { ScopeState } from './scope-state.ts';
import { endScopeIfDone, forgetScope } from './scopes.ts';
import type { CoreState } from './state.ts';
import { ASSIGNED, BLOCKED, CANCELLING, isTerminal, READY, RUNNING, SUSPENDED } from './transitions.ts';

/** What waits is cancelled at once; what runs keeps its units until its node has answered. */
export function cancelTask(state: CoreState, task: number, reason: string): void {
  const { tasks, invocations } = state;
  if (!tasks.isUsed(task)) return;
  const status = tasks.status[task]!;
  if (isTerminal(status) || status === CANCELLING) return;
  if (status === BLOCKED || status === READY) {
    fail(state, task, cancelledFailure(state, task, reason));
    return;
  }
  const attempt = tasks.invocation[task]!;
  if (status !== ASSIGNED && status !== RUNNING && status !== SUSPENDED) return;
  move(state, task, CANCELLING);
  invocations.flags[attempt]! |= CANCEL_SENT;
  const resource = state.resourceRows[invocations.resource[attempt]!]!;
  state.emit({ type: 'cancel', invocation: invocations.idOf(attempt) as InvocationId, resource: resource.id, reason });
}

export function cancelTarget(state: CoreState, scope: ScopeState, target: CancelTarget, reason: string): void {
  if ('all' in target) cancelAll(state, scope, reason);
  else if ('group' in target)
    for (const task of [...(scope.groups.get(target.group)?.members ?? [])]) cancelTask(state, task, reason);
  else {
    const task = 'taskId' in target ? state.tasks.rowOf(target.taskId) : scope.tasks.get(target.task);
    if (task !== NONE) cancelTask(state, task, reason);
  }
}

function cancelAll(state: CoreState, scope: ScopeState, reason: string): void {
  for (const [, task] of [...scope.tasks.entries()]) cancelTask(state, task, reason);
}

export function closeScope(state: CoreState, scope: ScopeState, cancel: string | undefined): void {
  scope.closed = true;
  if (cancel !== undefined) cancelAll(state, scope, cancel);
  endScopeIfDone(state, scope);
}

/** The attempt that the scope belongs to has settled: what it named goes, and unless it completed, its children do. */
export function childEnded(state: CoreState, scope: ScopeState, completed: boolean): void {
  state.childScopes.delete(scope.parent);
  scope.parent = NONE;
  scope.closed = true;
  if (!completed) cancelAll(state, scope, 'the task that submitted it has ended');
  if (scope.ended) forgetScope(state, scope);
  else endScopeIfDone(state, scope);
}
