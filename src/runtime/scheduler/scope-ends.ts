import type { Failure } from '../graph/failure.ts';
import { NONE } from '../model/ids.ts';
import { digestOf } from './digest.ts';
import { dropOffers } from './replay-table.ts';
import { type GroupState, isReplayable, type ScopeState } from './scope-state.ts';
import type { CoreState } from './state.ts';
import { dropWait } from './wait-ends.ts';

/** A task of the scope has settled. */
export function leaveScope(state: CoreState, scope: ScopeState, task: number, failure: Failure | undefined): void {
  const { tasks } = state;
  scope.live -= 1;
  const [older, newer] = [tasks.scopeNext[task]!, tasks.scopePrevious[task]!];
  if (newer === NONE) scope.lastTask = older;
  else tasks.scopeNext[newer] = older;
  if (older !== NONE) tasks.scopePrevious[older] = newer;
  const { groups } = tasks.spec[task]!;
  if (groups !== undefined) {
    for (const id of groups) {
      for (let group = scope.groups.get(id); group !== undefined; group = group.parent) group.members.delete(task);
    }
  }
  if (failure === undefined && tasks.outputs[task] === 0 && isReplayable(scope))
    scope.done.add(tasks.seq[task]!, digestOf(state, task));
}

/** Before anything is told of it: what a wait is told of now, a barrier need not tell again. */
export function noteFailure(state: CoreState, scope: ScopeState, task: number, failure: Failure): void {
  const { tasks } = state;
  scope.failures.set(tasks.seq[task]!, failure);
  const { origin } = failure;
  if (failure.expected || origin === undefined || origin !== state.taskId(task)) return;
  const groups = (tasks.spec[task]!.groups ?? []).flatMap((id): GroupState[] => {
    const group = scope.groups.get(id);
    return group === undefined ? [] : [group];
  });
  scope.untold.set(origin, { number: tasks.number[task]!, failure, groups });
}

/** A closed scope ends with its last task. Its data stay until its parent's attempt has settled: outputs may name them. */
export function endScopeIfDone(state: CoreState, scope: ScopeState): void {
  if (!scope.closed || scope.ended || scope.live > 0) return;
  scope.ended = true;
  state.effects.push({ type: 'scope-ended', scope: scope.id });
  for (const wait of [...scope.waits]) dropWait(state, wait);
  if (scope.parent === NONE) forgetScope(state, scope);
  else if (state.draining.has(scope.parent)) state.drained.push(scope.parent);
}

/** Nobody can name its data any more. */
export function forgetScope(state: CoreState, scope: ScopeState): void {
  state.scopes.delete(scope.id);
  if (state.offers.size > 0) dropOffers(state, scope.id);
  for (const [, datum] of scope.handles.entries()) if (datum >= 0) state.analysis.dropHandle(datum);
  scope.handles.clear();
  scope.tasks.clear();
  scope.data.clear();
  scope.groups.clear();
  scope.untold.clear();
  scope.failures.clear();
}

/** The attempt whose code submitted to the scope has settled. */
export function orphan(state: CoreState, scope: ScopeState): void {
  scope.parent = NONE;
  if (scope.ended) forgetScope(state, scope);
}
