import { RuntimeError } from '../../common/errors.ts';
import { errorInfo } from '../graph/access-analysis.ts';
import { CONSUMED, EMPTY } from '../graph/version-rows.ts';
import { NONE, type VersionId } from '../model/ids.ts';
import { digestOf } from './digest.ts';
import { aliasVersion, complete } from './ends.ts';
import type { SchedulerEvent } from './events.ts';
import { taskName } from './names.ts';
import { holdEntry, type ReplayTable, releaseEntry } from './replay-table.ts';
import { isReplayable, type ScopeState } from './scope-state.ts';
import type { CoreState } from './state.ts';
import { COMMUTES, RECOMPUTES, SHARES } from './task-rows.ts';
import { CANCELLING, COMPLETED } from './transitions.ts';

/** An attempt did not complete: what it submitted and has completed is kept for the next one. */
export function keepForReplay(state: CoreState, task: number, scopes: readonly ScopeState[]): void {
  if (state.tasks.status[task] === CANCELLING) return;
  for (const scope of scopes) {
    if (scope.key === undefined) continue;
    const table = tableOf(state, task, scope.key);
    scope.done.each((seq, digest) => table.entries.set(seq, { digest, outputs: [], core: NONE }));
    for (const [seq, child] of scope.tasks.entries()) keepChild(state, table, seq, child);
  }
}

function tableOf(state: CoreState, task: number, key: string): ReplayTable {
  let table = state.replays.get(task);
  if (table === undefined) {
    table = { key, entries: new Map(), diverged: false };
    state.replays.set(task, table);
  }
  return table;
}

function keepChild(state: CoreState, table: ReplayTable, seq: number, child: number): void {
  const { tasks, registry } = state;
  if (tasks.status[child] !== COMPLETED || table.entries.has(seq)) return;
  if ((tasks.flags[child]! & (COMMUTES | SHARES)) !== 0 || tasks.outputs[child] === 0) return;
  const outputs: number[] = [];
  for (let position = 0; position < tasks.outputs[child]!; position++) {
    const version = registry.resolve(tasks.output(child, position));
    const there = registry.is(version, EMPTY) || registry.versions.holder[version] !== NONE;
    if (!there || registry.isPending(version) || registry.is(version, CONSUMED)) return;
    outputs.push(version);
  }
  const entry = { digest: digestOf(state, child), outputs, core: tasks.core[child]! };
  holdEntry(state, entry);
  table.entries.set(seq, entry);
}

/** An attempt has completed, for whoever keeps it beyond the life of this process. */
export function reportCompleted(state: CoreState, task: number): void {
  const { tasks, registry } = state;
  const scope = tasks.scope[task]!;
  if (!isReplayable(scope) || (tasks.flags[task]! & (COMMUTES | SHARES | RECOMPUTES)) !== 0) return;
  const outputs: VersionId[] = [];
  for (let position = 0; position < tasks.outputs[task]!; position++) {
    const version = registry.resolve(tasks.output(task, position));
    if (registry.is(version, EMPTY)) return;
    outputs.push(state.versionId(version));
  }
  state.effects.push({
    type: 'task-completed',
    key: scope.key!,
    seq: tasks.seq[task]!,
    digest: digestOf(state, task),
    outputs,
  });
}

/** The data of an offer are those of a scope; an entry whose data are not all there is left out. */
export function offerReplay(
  state: CoreState,
  event: Extract<SchedulerEvent, { readonly type: 'replay-offered' }>,
): void {
  const scope = state.scopes.get(event.scope);
  if (scope === undefined || scope.ended || state.offers.has(event.key)) {
    state.ignored += 1;
    return;
  }
  const table: ReplayTable = { key: event.key, entries: new Map(), diverged: false };
  for (const { seq, digest, outputs: handles } of event.entries) {
    const outputs = handles.map((handle) => {
      const datum = scope.handles.get(handle);
      return datum < 0 ? NONE : state.registry.data.latest[datum]!;
    });
    if (outputs.includes(NONE)) continue;
    const entry = { digest, outputs, core: NONE };
    holdEntry(state, entry);
    table.entries.set(seq, entry);
  }
  state.offers.set(event.key, { scope: scope.id, table });
}

/** The scope of another attempt of the same parent, or of the first one in this life of the agent. */
export function adoptReplay(state: CoreState, scope: ScopeState, parentTask: number): void {
  const table = state.replays.get(parentTask) ?? takeOffer(state, scope, parentTask);
  if (table !== undefined && table.key === scope.key) scope.replay = table;
}

function takeOffer(state: CoreState, { key }: ScopeState, parentTask: number): ReplayTable | undefined {
  const offer = key === undefined ? undefined : state.offers.get(key);
  if (offer === undefined) return undefined;
  state.offers.delete(offer.table.key);
  state.replays.set(parentTask, offer.table);
  return offer.table;
}

/** Completes a task that was just bound with what it wrote the last time. False: it has to run. */
export function replayed(state: CoreState, scope: ScopeState, task: number): boolean {
  const { tasks } = state;
  const table = scope.replay!;
  const seq = tasks.seq[task]!;
  const entry = table.entries.get(seq);
  if (entry === undefined) return false;
  if (entry.digest !== digestOf(state, task) || entry.outputs.length !== tasks.outputs[task]) {
    const expected = state.elements[entry.core]?.element.signature ?? 'another task, or other arguments';
    diverge(state, scope, task, expected);
    return false;
  }
  if ((tasks.flags[task]! & (COMMUTES | SHARES)) !== 0) return false;
  for (const [position, version] of entry.outputs.entries()) aliasVersion(state, tasks.output(task, position), version);
  complete(state, task);
  return true;
}

/** From here on everything runs anew. */
function diverge(state: CoreState, scope: ScopeState, task: number, expected: string): void {
  const table = scope.replay!;
  const from = state.tasks.seq[task]!;
  for (const [seq, entry] of table.entries) {
    if (seq < from) continue;
    table.entries.delete(seq);
    releaseEntry(state, entry);
  }
  if (table.diverged) return;
  table.diverged = true;
  const parent = state.invocations.task[scope.parent]!;
  const details = { parent: taskName(state.taskId(parent)), found: state.signature(task), index: from, expected };
  const error = errorInfo(new RuntimeError('ERR_REPLAY_DIVERGED', details));
  state.effects.push({ type: 'notice', scope: scope.id, error });
}
