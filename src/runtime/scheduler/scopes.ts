import { dropHandle } from '../data/registry.ts';
import { type GroupId, type Handle, type InvocationId, NONE, type ScopeId } from '../model/ids.ts';
import { type GroupState, ScopeState } from './scope-state.ts';
import type { CoreState } from './state.ts';
import { abandonWait } from './waits.ts';

export function openScope(
  state: CoreState,
  id: ScopeId,
  of: { readonly name: string; readonly key?: string; readonly parent?: InvocationId },
): void {
  const scope = new ScopeState(id, of.name, of.key);
  const parent = of.parent === undefined ? NONE : state.invocations.rowOf(of.parent);
  scope.parent = parent;
  state.scopes.set(id, scope);
  if (parent !== NONE) state.childScopes.set(parent, scope);
  // Its attempt is over already: nothing may be submitted any more.
  if (of.parent !== undefined && parent === NONE) scope.closed = true;
  endScopeIfDone(state, scope);
}

/** The scope that the code of an attempt submits to. */
export function childScopeOf(state: CoreState, attempt: number): ScopeState | undefined {
  return state.childScopes.get(attempt);
}

export function openGroup(scope: ScopeState, id: GroupId, name: string, parent: GroupId | undefined): void {
  const above = parent === undefined ? undefined : scope.groups.get(parent);
  const group: GroupState = { id, name, parent: above, members: new Set(), exception: undefined };
  scope.groups.set(id, group);
}

export function joinGroups(scope: ScopeState, groups: readonly GroupId[], task: number): void {
  for (const id of groups) {
    for (let group = scope.groups.get(id); group !== undefined; group = group.parent) group.members.add(task);
  }
}

export function releaseHandle(state: CoreState, scope: ScopeState, handle: Handle): void {
  const datum = scope.handles.get(handle);
  if (datum === NONE) return;
  scope.handles.set(handle, NONE);
  dropHandle(state, datum);
}

/** A closed scope ends with its last task. What a parent's outputs may still name goes when the parent has settled. */
export function endScopeIfDone(state: CoreState, scope: ScopeState): void {
  if (!scope.closed || scope.ended || scope.live > 0 || scope === state.recomputing) return;
  scope.ended = true;
  state.emit({ type: 'scope-ended', scope: scope.id });
  if (scope.parent === NONE) forgetScope(state, scope);
}

export function forgetScope(state: CoreState, scope: ScopeState): void {
  state.scopes.delete(scope.id);
  for (const wait of [...state.waits.values()]) if (wait.scope === scope) abandonWait(state, wait);
  const handles = [...scope.handles.entries()];
  scope.handles.clear();
  scope.data.clear();
  for (const [, datum] of handles) dropHandle(state, datum);
}
