import { DELETED } from '../graph/datum-rows.ts';
import { DURABLE, UNHELD } from '../graph/version-rows.ts';
import { NONE } from '../model/ids.ts';
import { closeScope } from './cancellation.ts';
import type { SchedulerEvent } from './events.ts';
import { adoptReplay } from './replay.ts';
import { endScopeIfDone } from './scope-ends.ts';
import { ScopeState } from './scope-state.ts';
import type { CoreState } from './state.ts';

type Event<T extends SchedulerEvent['type']> = Extract<SchedulerEvent, { readonly type: T }>;

export function openScope(state: CoreState, event: Event<'scope-opened'>): void {
  if (state.scopes.has(event.scope)) {
    state.ignored += 1;
    return;
  }
  const scope = new ScopeState(event.scope, event.name, event.key);
  state.scopes.set(scope.id, scope);
  if (event.parent === undefined) return;
  const parent = state.invocations.rowOf(event.parent);
  if (parent === NONE) {
    // Its attempt is over: what it submits now belongs to nobody.
    scope.closed = true;
    endScopeIfDone(state, scope);
    return;
  }
  scope.parent = parent;
  const siblings = state.children.get(parent);
  if (siblings === undefined) state.children.set(parent, [scope]);
  else siblings.push(scope);
  const parentTask = state.invocations.task[parent]!;
  adoptReplay(state, scope, parentTask);
  if (state.failures.has(parentTask)) closeScope(state, scope, 'the task that submits here is being cancelled');
}

export function openGroup(state: CoreState, event: Event<'group-opened'>): void {
  const scope = state.scopes.get(event.scope);
  if (scope === undefined || scope.groups.has(event.group)) {
    state.ignored += 1;
    return;
  }
  const parent = event.parent === undefined ? undefined : scope.groups.get(event.parent);
  scope.groups.set(event.group, {
    id: event.group,
    name: event.name,
    parent,
    members: new Set(),
    exception: undefined,
  });
}

export function declare(state: CoreState, event: Event<'datum-declared'>): void {
  const scope = state.scopes.get(event.scope);
  if (scope === undefined || scope.ended) {
    state.ignored += 1;
    return;
  }
  const { registry, analysis } = state;
  const known = event.name === undefined ? undefined : scope.data.get(event.name);
  if (known !== undefined && registry.data.idOf(known.row) === known.id && registry.data.handles[known.row]! > 0) {
    if (scope.handles.get(event.handle) !== known.row) {
      registry.addHandle(known.row);
      scope.handles.set(event.handle, known.row);
    }
    if (registry.data.latest[known.row] !== NONE) return;
  }
  const datum = analysis.datumOf(scope, event.handle, event.kind, event.name);
  if (event.name !== undefined) scope.data.set(event.name, { row: datum, id: registry.data.idOf(datum) });
  const holders = event.holders.flatMap((id) => state.resourceRows.get(id) ?? []);
  giveVersion(state, datum, { bytes: event.bytes, holders, durable: event.durable === true });
}

export function written(state: CoreState, event: Event<'datum-written'>): void {
  const scope = state.scopes.get(event.scope);
  const datum = scope === undefined || scope.ended ? NONE : state.analysis.datumOf(scope, event.handle, 'value');
  if (datum < 0) {
    state.ignored += 1;
    return;
  }
  const { self } = state.registry;
  giveVersion(state, datum, { bytes: event.bytes, holders: self === NONE ? [] : [self], durable: false });
}

/** A version that no task wrote. */
function giveVersion(
  state: CoreState,
  datum: number,
  of: { readonly bytes: number; readonly holders: readonly number[]; readonly durable: boolean },
): void {
  const { registry } = state;
  state.analysis.close(datum);
  const version = registry.addVersion(datum);
  if (of.durable) registry.versions.flags[version]! |= DURABLE;
  if (of.holders.length === 0) registry.versions.flags[version]! |= UNHELD;
  for (const holder of of.holders) registry.addHolder(version, holder);
  registry.data.flags[datum]! &= ~DELETED;
  registry.setLatest(datum, version);
  registry.markWritten(version, of.bytes);
}
