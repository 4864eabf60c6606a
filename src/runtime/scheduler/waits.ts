import { type ErrorInfo, RuntimeError } from '../../common/errors.ts';
import { errorInfo } from '../graph/access-analysis.ts';
import { type Handle, NONE, type WaitId } from '../model/ids.ts';
import type { WaitTarget } from './events.ts';
import type { GroupState, ScopeState } from './scope-state.ts';
import type { CoreState } from './state.ts';
import { orderForWait } from './transfers.ts';
import { addVersionWait, dropWait, endBarrier, failWait, isHere, satisfy } from './wait-ends.ts';

/** A submitter that waits. Ends when `remaining` is 0, or at the first failure where it awaits single things. */
export interface Wait {
  readonly id: WaitId;
  readonly scope: ScopeState;
  remaining: number;
  done: boolean;
  /** Data: version rows in the order of the handles, needed and mentioned until the end of the wait. */
  readonly versions: number[];
  /** Tasks: rows of those that had not settled. */
  readonly tasks: number[];
  /** Barriers: tasks with greater numbers were submitted later. */
  readonly limit: number;
  readonly group: GroupState | undefined;
}

export function requestWait(state: CoreState, scope: ScopeState, id: WaitId, target: WaitTarget): void {
  const group = target.on === 'group' ? scope.groups.get(target.group) : undefined;
  const limit = state.tasks.lastNumber;
  const wait: Wait = { id, scope, remaining: 0, done: false, versions: [], tasks: [], limit, group };
  state.waits.set(id, wait);
  scope.waits.add(wait);
  switch (target.on) {
    case 'data':
      waitForData(state, wait, target.handles);
      break;
    case 'tasks':
      waitForTasks(state, wait, target.seqs);
      break;
    case 'group':
      waitForAll(state, wait, group?.members.size ?? 0);
      break;
    case 'scope':
      waitForAll(state, wait, scope.live);
      break;
  }
}

function waitForAll(state: CoreState, wait: Wait, tasks: number): void {
  wait.remaining = tasks;
  if (tasks === 0) endBarrier(state, wait);
  else wait.scope.barriers.push(wait);
}

function waitForTasks(state: CoreState, wait: Wait, seqs: readonly number[]): void {
  const { scope } = wait;
  for (const seq of seqs) {
    const failure = scope.failures.get(seq);
    if (failure !== undefined) {
      failWait(state, wait, failure);
      return;
    }
    if (seq >= scope.nextSeq) {
      refuse(state, wait, errorInfo(new RuntimeError('ERR_TASK_UNKNOWN', { task: seq, application: scope.name })));
      return;
    }
    const task = scope.tasks.get(seq);
    if (task === NONE || state.tasks.isSettled(task)) continue;
    wait.tasks.push(task);
    wait.remaining += 1;
    const waits = state.taskWaits.get(task);
    if (waits === undefined) state.taskWaits.set(task, [wait]);
    else waits.push(wait);
  }
  if (wait.remaining === 0) satisfy(state, wait);
}

function waitForData(state: CoreState, wait: Wait, handles: readonly Handle[]): void {
  const { registry, analysis } = state;
  for (const handle of handles) {
    const datum = wait.scope.handles.get(handle);
    const version = datum < 0 ? NONE : analysis.current(datum);
    if (version === NONE) {
      refuse(state, wait, analysis.unreadable(datum, handle).error);
      return;
    }
    const row = registry.resolve(version);
    registry.mention(row);
    registry.need(row);
    wait.versions.push(row);
  }
  // Counted before any of them can end the wait.
  wait.remaining = wait.versions.length;
  for (const version of wait.versions) {
    if (wait.done) return;
    waitForVersion(state, wait, version);
  }
  if (handles.length === 0) satisfy(state, wait);
}

function waitForVersion(state: CoreState, wait: Wait, version: number): void {
  const { registry } = state;
  state.demand(version);
  const failure = registry.failures.get(version);
  if (failure !== undefined) {
    failWait(state, wait, failure);
    return;
  }
  if (isHere(state, version)) {
    if (--wait.remaining === 0) satisfy(state, wait);
    return;
  }
  addVersionWait(state, version, wait);
  if (!registry.isPending(version)) orderForWait(state, version, state.self!);
}

function refuse(state: CoreState, wait: Wait, error: ErrorInfo): void {
  state.effects.push({ type: 'wait-done', scope: wait.scope.id, wait: wait.id, result: { status: 'failed', error } });
  dropWait(state, wait);
}
