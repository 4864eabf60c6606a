import { addHolder, hasContent, removeHolder } from '../data/registry.ts';
import { analyse, datumFor, declare, give } from '../graph/accesses.ts';
import { NONE, type ResourceId, type ScopeId } from '../model/ids.ts';
import type { TaskSpec } from '../model/task.ts';
import { rebook, resumeRequested, settled, started, suspended } from './attempts.ts';
import { cancelTarget, closeScope } from './cancel.ts';
import { fail, makeReady } from './ends.ts';
import type { SchedulerEvent } from './events.ts';
import { begin } from './moves.ts';
import type { Pool } from './pool.ts';
import { needsOf } from './ready.ts';
import type { ScopeState } from './scope-state.ts';
import { joinGroups, openGroup, openScope, releaseHandle } from './scopes.ts';
import type { CoreState } from './state.ts';
import { NOTIFY, PRIORITY } from './task-rows.ts';
import { bring, endTransfer, releaseTransfer, TRANSFER_TRIES } from './transfers.ts';
import { abandonWait, beginWait, versionChanged } from './waits.ts';

/** One handler per event type: an event without a handler does not compile. */
export type Handlers = {
  readonly [E in SchedulerEvent as E['type']]: (state: CoreState, event: E, pool: Pool) => void;
};

/** Runs `then` with the scope, or counts the event as ignored. */
function inScope(state: CoreState, id: ScopeId, then: (scope: ScopeState) => void): void {
  const scope = state.scopes.get(id);
  if (scope === undefined) state.counts.ignored += 1;
  else then(scope);
}

function withRow(state: CoreState, row: number, then: (row: number) => void): void {
  if (row === NONE) state.counts.ignored += 1;
  else then(row);
}

function withResource(
  state: CoreState,
  id: ResourceId,
  then: (resource: NonNullable<CoreState['self']>) => void,
): void {
  const resource = state.resources.get(id);
  if (resource === undefined) state.counts.ignored += 1;
  else then(resource);
}

function submit(state: CoreState, scope: ScopeState, spec: TaskSpec): void {
  if (scope.closed || state.elements[spec.core] === undefined) {
    state.counts.ignored += 1;
    return;
  }
  const outputs = spec.accesses.filter(({ direction }) => direction !== 'IN' && direction !== 'IN_DELETE').length;
  const task = state.tasks.add(spec, scope, spec.accesses.length, outputs + spec.returns.length);
  state.counts.submitted += 1;
  state.tasks.flags[task]! |= (spec.notify === true ? NOTIFY : 0) | (spec.priority === true ? PRIORITY : 0);
  begin(state, task);
  scope.tasks.set(spec.seq, task);
  scope.nextSeq = Math.max(scope.nextSeq, spec.seq + 1);
  scope.live += 1;
  if (spec.groups !== undefined) joinGroups(scope, spec.groups, task);
  const failure = analyse(state, scope, spec, task);
  if (failure !== undefined) fail(state, task, { ...failure, origin: failure.origin ?? state.taskId(task) });
  else if (state.tasks.missing[task] === 0) makeReady(state, task);
}

export const HANDLERS: Handlers = {
  'core-registered': (state, { core, element }) => {
    state.elements[core] = element;
    state.elementNeeds[core] = needsOf(state, element.implementations);
    state.epoch += 1;
    state.dirty = true;
  },
  'scope-opened': (state, { scope, name, key, parent }) =>
    openScope(state, scope, {
      name,
      ...(key === undefined ? {} : { key }),
      ...(parent === undefined ? {} : { parent }),
    }),
  'scope-closed': (state, event) => inScope(state, event.scope, (scope) => closeScope(state, scope, event.cancel)),
  'group-opened': (state, event) =>
    inScope(state, event.scope, (scope) => openGroup(scope, event.group, event.name, event.parent)),
  'datum-declared': (state, event) =>
    inScope(state, event.scope, (scope) =>
      declare(state, scope, {
        handle: event.handle,
        kind: event.kind,
        bytes: event.bytes,
        holders: event.holders.flatMap((id) => state.resources.get(id)?.row ?? []),
        name: event.name,
        durable: event.durable === true,
      }),
    ),
  'handle-released': (state, event) =>
    inScope(state, event.scope, (scope) => releaseHandle(state, scope, event.handle)),
  'datum-written': (state, event) =>
    inScope(state, event.scope, (scope) => {
      const datum = datumFor(state, scope, event.handle, 'value');
      give(state, datum, {
        bytes: event.bytes,
        holders: state.self === undefined ? [] : [state.self.row],
        durable: false,
      });
    }),
  'replica-added': (state, { version, resource, bytes }) =>
    withRow(state, state.versions.rowOf(version), (row) =>
      withResource(state, resource, (holder) => {
        const asked = endTransfer(state, row, holder.row) !== undefined;
        addHolder(state, row, holder.row);
        state.versions.bytes[row] = bytes;
        versionChanged(state, row);
        if (asked) releaseTransfer(state, row);
      }),
    ),
  'replica-lost': (state, { version, resource }) =>
    withRow(state, state.versions.rowOf(version), (row) =>
      withResource(state, resource, (holder) => {
        removeHolder(state, row, holder.row);
        versionChanged(state, row);
      }),
    ),
  'transfer-failed': (state, { version, to }) =>
    withRow(state, state.versions.rowOf(version), (row) =>
      withResource(state, to, (target) => transferFailed(state, row, target.row)),
    ),
  'task-submitted': (state, { task }) => inScope(state, task.scope, (scope) => submit(state, scope, task)),
  'cancel-requested': (state, event) =>
    inScope(state, event.scope, (scope) => cancelTarget(state, scope, event.target, event.reason)),
  'wait-requested': (state, event) =>
    inScope(state, event.scope, (scope) => beginWait(state, scope, event.wait, event.target)),
  'wait-abandoned': (state, event) => {
    const wait = state.waits.get(event.wait);
    if (wait !== undefined) abandonWait(state, wait);
  },
  'invocation-started': (state, { invocation }) =>
    withRow(state, state.invocations.rowOf(invocation), (row) => started(state, row)),
  'invocation-settled': (state, { invocation, outcome }) =>
    withRow(state, state.invocations.rowOf(invocation), (row) => settled(state, row, outcome)),
  'invocation-suspended': (state, { invocation }) =>
    withRow(state, state.invocations.rowOf(invocation), (row) => suspended(state, row)),
  'invocation-resume-requested': (state, { invocation }) =>
    withRow(state, state.invocations.rowOf(invocation), (row) => resumeRequested(state, row)),
  'invocation-resumed': (state, { invocation }) =>
    withRow(state, state.invocations.rowOf(invocation), (row) => rebook(state, row)),
  'resource-joined': (_state, { resource, description, self }, pool) => pool.join(resource, description, self === true),
  'resource-grown': (state, { resource, by }, pool) => withResource(state, resource, (one) => pool.grow(one, by)),
  'resource-shrink-requested': (state, { resource, by }, pool) =>
    withResource(state, resource, (one) => pool.shrink(one, by)),
  'resource-leave-requested': (state, { resource }, pool) => withResource(state, resource, (one) => pool.leave(one)),
  'resource-lost': (state, { resource, reason }, pool) =>
    withResource(state, resource, (one) => pool.lose(one, reason)),
  // No rule of this core arms a timer.
  'timer-fired': (state) => {
    state.counts.ignored += 1;
  },
};

/** Tried again from whoever holds it, then written again. */
function transferFailed(state: CoreState, version: number, to: number): void {
  const tries = endTransfer(state, version, to);
  if (tries === undefined) return;
  if (hasContent(state, version) && tries + 1 < TRANSFER_TRIES) {
    bring(state, version, to, tries + 1);
  } else {
    for (const holder of state.resourceRows) if (holder.row !== to) removeHolder(state, version, holder.row);
    versionChanged(state, version);
  }
  releaseTransfer(state, version);
}
