import type { ErrorInfo } from '../../common/errors.ts';
import { hasContent, holds, isFailed, isWritten, need, resolved, unneed } from '../data/registry.ts';
import type { Failure } from '../graph/failure.ts';
import { EMPTY } from '../graph/version-rows.ts';
import { type Handle, NONE, type WaitId } from '../model/ids.ts';
import type { WaitTarget } from './events.ts';
import type { ScopeState } from './scope-state.ts';
import type { CoreState } from './state.ts';
import { bring } from './transfers.ts';

/** A submitter that waits: ends once, with the effect `wait-done`. */
export interface Wait {
  readonly id: WaitId;
  readonly scope: ScopeState;
  readonly target: WaitTarget;
  /** Data waits: version rows in the order of the handles, each needed by the wait. */
  readonly versions: readonly number[];
  /** Those of them that are not here yet. */
  readonly absent: Set<number>;
  /** Barriers: tasks submitted before this index count; those of them that have not settled. */
  readonly limit: number;
  missing: number;
}

export function beginWait(state: CoreState, scope: ScopeState, id: WaitId, target: WaitTarget): void {
  const unreadable =
    target.on === 'data' ? target.handles.find((handle) => latestOf(state, scope, handle) === NONE) : undefined;
  if (unreadable !== undefined) {
    const error = { code: 'ERR_DATA_MISSING', message: `handle ${unreadable} has no value: nothing was written to it` };
    state.emit({ type: 'wait-done', scope: scope.id, wait: id, result: { status: 'failed', error } });
    return;
  }
  const versions =
    target.on === 'data' ? target.handles.map((handle) => resolved(state, latestOf(state, scope, handle))) : [];
  const absent = new Set(versions);
  const wait: Wait = { id, scope, target, versions, absent, limit: scope.nextSeq, missing: unsettled(scope, target) };
  state.waits.set(id, wait);
  scope.waits += 1;
  for (const version of versions) {
    need(state, version);
    const waiting = state.versionWaits.get(version);
    if (waiting === undefined) state.versionWaits.set(version, new Set([wait]));
    else waiting.add(wait);
  }
  if (target.on !== 'data') scope.barriers.push(wait);
  look(state, wait);
}

function latestOf(state: CoreState, scope: ScopeState, handle: Handle): number {
  const datum = scope.handles.get(handle);
  return datum === NONE ? NONE : state.data.latest[datum]!;
}

function unsettled(scope: ScopeState, target: WaitTarget): number {
  switch (target.on) {
    case 'data':
      return 0;
    case 'tasks':
      return new Set(target.seqs.filter((seq) => scope.tasks.get(seq) !== NONE)).size;
    case 'group':
      return scope.groups.get(target.group)?.members.size ?? 0;
    case 'scope':
      return scope.live;
  }
}

/** Ends the wait when it can. */
function look(state: CoreState, wait: Wait): void {
  if (wait.target.on === 'data') lookAtData(state, wait);
  else if (wait.missing <= 0 || groupException(wait) !== undefined) endBarrier(state, wait);
}

function lookAtData(state: CoreState, wait: Wait): void {
  for (const version of wait.absent) if (!lookAtVersion(state, wait, version)) return;
  endIfHere(state, wait);
}

/** False when the wait has ended with it. */
function lookAtVersion(state: CoreState, wait: Wait, version: number): boolean {
  if (isFailed(state, version)) {
    const failure = state.failures.get(version)!;
    tellOf(wait.scope, failure);
    const task = failure.origin === undefined ? {} : { task: failure.origin };
    end(state, wait, { status: 'failed', error: failure.error, ...task });
    return false;
  }
  if (isHere(state, resolved(state, version))) wait.absent.delete(version);
  return true;
}

function endIfHere(state: CoreState, wait: Wait): void {
  if (wait.absent.size > 0) return;
  end(state, wait, {
    status: 'satisfied',
    versions: wait.versions.map((version) => state.versionId(resolved(state, version))),
  });
}

/** Starts what brings it here when it is not. */
function isHere(state: CoreState, version: number): boolean {
  if (!isWritten(state, version)) return false;
  if ((state.versions.flags[version]! & EMPTY) !== 0) return true;
  const { self } = state;
  if (self === undefined || holds(state, version, self.row)) return true;
  if (hasContent(state, version)) bring(state, version, self.row);
  else state.rules.recompute(version);
  return false;
}

/** A version was written, failed, arrived here, or was lost: one look at it, however many others are waited for. */
export function versionChanged(state: CoreState, version: number): void {
  const waiting = state.versionWaits.get(version);
  if (waiting === undefined) return;
  for (const wait of [...waiting]) {
    if (state.waits.has(wait.id) && wait.absent.has(version) && lookAtVersion(state, wait, version))
      endIfHere(state, wait);
  }
}

/** A task of the scope has settled. */
export function taskSettled(state: CoreState, scope: ScopeState, seq: number, inGroup: (wait: Wait) => boolean): void {
  for (const wait of [...scope.barriers]) {
    const { target } = wait;
    const counts =
      seq < wait.limit &&
      (target.on === 'scope' ||
        (target.on === 'tasks' && target.seqs.includes(seq)) ||
        (target.on === 'group' && inGroup(wait)));
    if (!counts) continue;
    wait.missing -= 1;
    look(state, wait);
  }
}

/** An exception ends the waits for its groups at once. */
export function groupThrew(state: CoreState, scope: ScopeState): void {
  for (const wait of [...scope.barriers]) look(state, wait);
}

function groupException(wait: Wait): ErrorInfo | undefined {
  return wait.target.on === 'group' ? wait.scope.groups.get(wait.target.group)?.exception : undefined;
}

function endBarrier(state: CoreState, wait: Wait): void {
  const { target, scope } = wait;
  const exception = groupException(wait);
  if (exception !== undefined && target.on === 'group') {
    end(state, wait, { status: 'failed', error: exception, group: target.group });
    return;
  }
  const failure = target.on === 'tasks' ? firstFailure(scope, target.seqs) : untold(wait);
  if (failure === undefined) {
    end(state, wait, { status: 'satisfied', versions: [] });
    return;
  }
  tellOf(scope, failure);
  end(state, wait, {
    status: 'failed',
    error: failure.error,
    ...(failure.origin === undefined ? {} : { task: failure.origin }),
  });
}

function firstFailure(scope: ScopeState, seqs: readonly number[]): Failure | undefined {
  for (const seq of seqs) {
    const failure = scope.failures.get(seq);
    if (failure !== undefined) return failure;
  }
  return undefined;
}

/** The first failure that nobody was told of: what a submitter has caught once does not fail its barrier. */
function untold({ scope, target, limit }: Wait): Failure | undefined {
  for (const one of scope.untold.values()) {
    if (one.seq < limit && (target.on === 'scope' || (target.on === 'group' && one.groups.includes(target.group))))
      return one.failure;
  }
  return undefined;
}

function tellOf(scope: ScopeState, failure: Failure): void {
  for (const [key, one] of scope.untold)
    if (one.failure === failure || one.failure.origin === failure.origin) scope.untold.delete(key);
}

type Result = Extract<CoreState['effects'][number], { type: 'wait-done' }>['result'];

/** The effect comes before whatever is freed because nobody waits any more. */
function end(state: CoreState, wait: Wait, result: Result): void {
  state.emit({ type: 'wait-done', scope: wait.scope.id, wait: wait.id, result });
  drop(state, wait);
}

export function abandonWait(state: CoreState, wait: Wait): void {
  drop(state, wait);
}

function drop(state: CoreState, wait: Wait): void {
  state.waits.delete(wait.id);
  wait.scope.waits -= 1;
  const at = wait.scope.barriers.indexOf(wait);
  if (at >= 0) wait.scope.barriers.splice(at, 1);
  for (const version of wait.versions) {
    const waiting = state.versionWaits.get(version);
    waiting?.delete(wait);
    if (waiting?.size === 0) state.versionWaits.delete(version);
    unneed(state, version);
  }
}
