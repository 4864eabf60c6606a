import type { Failure } from '../graph/failure.ts';
import { EMPTY } from '../graph/version-rows.ts';
import { NONE } from '../model/ids.ts';
import type { WaitResult } from './effects.ts';
import type { GroupState, ScopeState } from './scope-state.ts';
import type { CoreState } from './state.ts';
import { cancelForWait, endTransfer, orderForWait } from './transfers.ts';
import type { Wait } from './waits.ts';

// ------------------------------------------------------------------------------------------ data

/** Whether a wait for the (resolved) version has nothing more to wait for. */
export function isHere(state: CoreState, version: number): boolean {
  const { registry } = state;
  if (registry.isPending(version)) return false;
  return registry.is(version, EMPTY) || registry.self === NONE || registry.holds(version, registry.self);
}

/** The version is written: waits go on, or have it brought here. */
export function versionReady(state: CoreState, version: number): void {
  const waits = state.versionWaits.get(version);
  if (waits === undefined) return;
  if (isHere(state, version)) versionHere(state, version);
  else for (const _ of waits) orderForWait(state, version, state.self!);
}

/** The version is on this agent. */
export function versionHere(state: CoreState, version: number): void {
  const waits = state.versionWaits.get(version);
  if (waits === undefined) return;
  state.versionWaits.delete(version);
  for (const wait of waits) if (--wait.remaining === 0) satisfy(state, wait);
}

export function failWaits(state: CoreState, version: number, failure: Failure): void {
  const waits = state.versionWaits.get(version);
  if (waits === undefined) return;
  for (const wait of [...waits]) if (!wait.done) failWait(state, wait, failure);
}

/** The transfer that waits were to end with has no source any more; they wait for the version to be written again. */
export function forgetTransferForWaits(state: CoreState, version: number): void {
  const { self } = state;
  if (self === undefined || !state.versionWaits.has(version)) return;
  const transfer = endTransfer(state, version, self.row);
  if (transfer === undefined) return;
  state.effects.push({ type: 'cancel-transfer', version: state.versionId(version), to: self.id });
  if (transfer.kept) state.registry.unneed(version);
}

export function moveWaits(state: CoreState, from: number, to: number): void {
  const waits = state.versionWaits.get(from);
  if (waits === undefined) return;
  state.versionWaits.delete(from);
  for (const wait of waits) addVersionWait(state, to, wait);
}

export function addVersionWait(state: CoreState, version: number, wait: Wait): void {
  const waits = state.versionWaits.get(version);
  if (waits === undefined) state.versionWaits.set(version, [wait]);
  else waits.push(wait);
}

// ------------------------------------------------------------------------------------------ tasks and barriers

/** A task of the scope has settled. */
export function endBarriers(state: CoreState, scope: ScopeState, task: number, failure: Failure | undefined): void {
  if (state.taskWaits.size > 0) endTaskWaits(state, task, failure);
  if (scope.barriers.length === 0) return;
  const number = state.tasks.number[task]!;
  for (const wait of [...scope.barriers]) {
    if (number > wait.limit || (wait.group !== undefined && !isMember(state, scope, task, wait.group))) continue;
    if (--wait.remaining === 0) endBarrier(state, wait);
  }
}

function endTaskWaits(state: CoreState, task: number, failure: Failure | undefined): void {
  const waits = state.taskWaits.get(task);
  if (waits === undefined) return;
  state.taskWaits.delete(task);
  for (const wait of waits) {
    if (wait.done) continue;
    if (failure !== undefined) failWait(state, wait, failure);
    else if (--wait.remaining === 0) satisfy(state, wait);
  }
}

export function isMember(state: CoreState, scope: ScopeState, task: number, of: GroupState): boolean {
  for (const id of state.tasks.spec[task]!.groups ?? []) {
    for (let group = scope.groups.get(id); group !== undefined; group = group.parent) if (group === of) return true;
  }
  return false;
}

/** Everything it waited for has ended: the exception of the group, or the first failure that nobody was told of yet. */
export function endBarrier(state: CoreState, wait: Wait): void {
  const exception = wait.group?.exception;
  if (exception !== undefined) {
    finish(state, wait, { status: 'failed', error: exception, group: wait.group!.id });
    return;
  }
  const covered = [...wait.scope.untold].filter(
    ([, one]) =>
      one.number <= wait.limit &&
      (wait.group === undefined || one.groups.some((group) => isInside(group, wait.group!))),
  );
  for (const [origin] of covered) wait.scope.untold.delete(origin);
  const first = covered[0]?.[1].failure;
  if (first === undefined) satisfy(state, wait);
  else failWait(state, wait, first);
}

function isInside(group: GroupState, of: GroupState): boolean {
  for (let one: GroupState | undefined = group; one !== undefined; one = one.parent) if (one === of) return true;
  return false;
}

// ------------------------------------------------------------------------------------------ the end of a wait

export function satisfy(state: CoreState, wait: Wait): void {
  const { registry } = state;
  const versions = wait.versions.map((version) => state.versionId(registry.resolve(version)));
  finish(state, wait, { status: 'satisfied', versions });
}

export function failWait(state: CoreState, wait: Wait, failure: Failure): void {
  if (failure.origin !== undefined) wait.scope.untold.delete(failure.origin);
  finish(state, wait, {
    status: 'failed',
    error: failure.error,
    ...(failure.origin === undefined ? {} : { task: failure.origin }),
  });
}

function finish(state: CoreState, wait: Wait, result: WaitResult): void {
  // First the answer, then whatever is freed because nobody waits any more.
  state.effects.push({ type: 'wait-done', scope: wait.scope.id, wait: wait.id, result });
  dropWait(state, wait);
}

/** Ends the wait without an answer. */
export function dropWait(state: CoreState, wait: Wait): void {
  wait.done = true;
  state.waits.delete(wait.id);
  wait.scope.waits.delete(wait);
  const at = wait.scope.barriers.indexOf(wait);
  if (at >= 0) wait.scope.barriers.splice(at, 1);
  for (const task of wait.tasks) dropFrom(state.taskWaits, task, wait);
  for (const version of wait.versions) dropVersion(state, version, wait);
}

function dropVersion(state: CoreState, version: number, wait: Wait): void {
  const { registry, self } = state;
  const row = registry.resolve(version);
  if (dropFrom(state.versionWaits, row, wait) && self !== undefined && !registry.isPending(row)) {
    cancelForWait(state, row, self);
  }
  registry.unneed(row);
  registry.unmention(version);
}

function dropFrom(lists: Map<number, Wait[]>, key: number, wait: Wait): boolean {
  const list = lists.get(key);
  const at = list?.indexOf(wait) ?? -1;
  if (list === undefined || at < 0) return false;
  if (list.length === 1) lists.delete(key);
  else list.splice(at, 1);
  return true;
}
