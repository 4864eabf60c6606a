import { RuntimeError } from '../../common/errors.ts';
import { errorInfo } from '../graph/access-analysis.ts';
import type { Failure } from '../graph/failure.ts';
import { writes } from '../model/access.ts';
import { NONE } from '../model/ids.ts';
import type { TaskSpec } from '../model/task.ts';
import { endUnwritten, makeReady } from './ends.ts';
import { cancellation, consequence, ownFailure } from './failures.ts';
import { begin } from './moves.ts';
import { replayed } from './replay.ts';
import type { ScopeState } from './scope-state.ts';
import type { CoreState } from './state.ts';
import { NOTIFY, PRIORITY, SPECIAL } from './task-rows.ts';

/** A task comes in: bound to its versions, and ready at once if nothing is missing. */
export function submit(state: CoreState, spec: TaskSpec): void {
  const scope = state.scopes.get(spec.scope);
  if (scope === undefined || scope.closed) {
    state.ignored += 1;
    return;
  }
  const task = state.tasks.add(spec, scope, spec.accesses.length, outputsOf(spec));
  state.tasks.flags[task] = flagsOf(spec);
  state.submitted += 1;
  knowElement(state, spec);
  begin(state, task);
  joinScope(state, scope, task, spec);
  const failure = state.analysis.bind(scope, spec, task) ?? unknownCore(state, spec);
  settleOrGoOn(state, scope, task, failure);
}

function outputsOf(spec: TaskSpec): number {
  let outputs = spec.returns.length;
  for (const { direction } of spec.accesses) if (writes(direction)) outputs += 1;
  return outputs;
}

function flagsOf(spec: TaskSpec): number {
  const special =
    spec.constraints !== undefined ||
    (spec.computingNodes !== undefined && spec.computingNodes > 1) ||
    spec.isReplicated === true ||
    spec.isDistributed === true;
  return (spec.notify === true ? NOTIFY : 0) | (spec.priority === true ? PRIORITY : 0) | (special ? SPECIAL : 0);
}

/** A task of a core element that nobody registered fails; it is counted under a name of its own. */
function knowElement(state: CoreState, { core }: TaskSpec): void {
  state.elements[core] ??= {
    element: { signature: `core ${core}`, implementations: [] },
    needs: [],
    pending: 0,
    turn: 0,
  };
}

function unknownCore(state: CoreState, { core }: TaskSpec): Failure | undefined {
  if (state.elements[core]!.needs.length > 0) return undefined;
  return { status: 'failed', error: errorInfo(new RuntimeError('ERR_CORE_UNKNOWN', { core })), expected: false };
}

function joinScope(state: CoreState, scope: ScopeState, task: number, spec: TaskSpec): void {
  const { tasks } = state;
  tasks.scopeNext[task] = scope.lastTask;
  if (scope.lastTask !== NONE) tasks.scopePrevious[scope.lastTask] = task;
  scope.lastTask = task;
  scope.live += 1;
  scope.tasks.set(spec.seq, task);
  if (spec.seq >= scope.nextSeq) scope.nextSeq = spec.seq + 1;
  if (spec.groups === undefined) return;
  for (const id of spec.groups) {
    for (let group = scope.groups.get(id); group !== undefined; group = group.parent) group.members.add(task);
  }
}

function settleOrGoOn(state: CoreState, scope: ScopeState, task: number, failure: Failure | undefined): void {
  if (failure !== undefined) {
    const own = failure.origin === undefined ? ownFailure(state, task, failure) : consequence(state, task, failure);
    endUnwritten(state, task, own);
  } else if (threw(scope, state.tasks.spec[task]!)) {
    endUnwritten(state, task, cancellation(state, task, 'a task of its group threw before'));
  } else if (scope.replay !== undefined && replayed(state, scope, task)) {
    return;
  } else if (state.tasks.missing[task] === 0) {
    makeReady(state, task);
  }
}

/** Whether a member of one of its groups has thrown: the result must not depend on which came first. */
function threw(scope: ScopeState, { groups }: TaskSpec): boolean {
  if (groups === undefined) return false;
  for (const id of groups) {
    for (let group = scope.groups.get(id); group !== undefined; group = group.parent) {
      if (group.exception !== undefined) return true;
    }
  }
  return false;
}
