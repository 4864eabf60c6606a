import { hasContent, holderIds, isWritten, resolved } from '../data/registry.ts';
import { EMPTY } from '../graph/version-rows.ts';
import { DATUM_KINDS } from '../model/access.ts';
import { type DatumId, NONE, type TaskId, type VersionId } from '../model/ids.ts';
import { whyNot } from './constraints.ts';
import type {
  CoreStats,
  Explanation,
  GraphView,
  ResourceStatus,
  SchedulerCore,
  TaskView,
  VersionView,
} from './core.ts';
import { edgesOf, viewOf } from './history.ts';
import type { Resource } from './resources.ts';
import type { CoreState } from './state.ts';
import { ASSIGNED, BLOCKED, READY, RUNNING, SUSPENDED, statusName } from './transitions.ts';

export type CoreViews = Omit<SchedulerCore, 'step' | 'checkInvariants'>;

/** The questions that may be asked of a core. They change nothing. */
export function createViews(state: CoreState): CoreViews {
  const { tasks, versions } = state;
  const taskRow = (task: TaskId): number => tasks.rowOf(task);
  return {
    spec: (task) => tasks.spec[taskRow(task)]!,
    element: (task) => state.elements[tasks.core[taskRow(task)]!]!,
    taskName: (task) => `t${task}`,
    versionName: (version) =>
      versions.rowOf(version) === NONE ? `version ${version}` : state.versionName(versions.rowOf(version)),
    version: (version) => versionView(state, version),
    holders: (version) => (versions.rowOf(version) === NONE ? [] : holderIds(state, versions.rowOf(version))),
    isEmpty: (version) => isEmpty(state, version),
    versions: () => liveVersions(state),
    pending: (core) => state.pendingByCore[core] ?? 0,
    latest: (scope, handle) => {
      const datum = state.scopes.get(scope)?.handles.get(handle) ?? NONE;
      const latest = datum === NONE ? NONE : state.data.latest[datum]!;
      return latest === NONE ? undefined : state.versionId(resolved(state, latest));
    },
    taskOf: (scope, seq) => {
      const row = state.scopes.get(scope)?.tasks.get(seq) ?? NONE;
      return row === NONE ? undefined : state.taskId(row);
    },
    task: (task) => taskView(state, task),
    resources: () => [...state.resources.values()].map((resource) => resourceStatus(resource)),
    story: (task) => state.stories[taskRow(task)] ?? state.history.get(task)?.story ?? [],
    explain: (task) => explain(state, task),
    graph: (scope) => graph(state, scope),
    stats: () => stats(state),
  };
}

function taskView(state: CoreState, task: TaskId): TaskView | undefined {
  const row = state.tasks.rowOf(task);
  return row === NONE ? state.history.get(task)?.view : viewOf(state, row);
}

function isEmpty(state: CoreState, version: VersionId): boolean {
  const row = state.versions.rowOf(version);
  return row !== NONE && (state.versions.flags[row]! & EMPTY) !== 0;
}

function versionView(state: CoreState, version: VersionId): VersionView | undefined {
  const { versions, data } = state;
  const row = versions.rowOf(version);
  if (row === NONE) return undefined;
  const datum = versions.datum[row]!;
  return {
    id: version,
    datum: data.idOf(datum) as DatumId,
    number: versions.number[row]!,
    kind: DATUM_KINDS[data.kind[datum]!]!,
    bytes: versions.bytes[row]!,
    holders: holderIds(state, row),
    written: isWritten(state, row),
  };
}

function liveVersions(state: CoreState): VersionId[] {
  const found: VersionId[] = [];
  for (let row = 0; row < state.versions.high; row++) {
    if (state.versions.isUsed(row) && hasContent(state, row)) found.push(state.versionId(row));
  }
  return found;
}

function resourceStatus(resource: Resource): ResourceStatus {
  return {
    id: resource.id,
    description: resource.description,
    self: resource.self,
    state: resource.state === 'gone' ? 'leaving' : resource.state,
    freeCpus: resource.freeCpus,
    running: resource.booked,
    queued: resource.queued,
  };
}

function graph(state: CoreState, scope: Parameters<SchedulerCore['graph']>[0]): GraphView {
  const tasks: TaskView[] = [];
  const edges: GraphView['edges'][number][] = [];
  for (const entry of state.history.values()) {
    if (scope !== undefined && entry.view.scope !== scope) continue;
    tasks.push(entry.view);
    edges.push(...entry.edges);
  }
  for (let row = 0; row < state.tasks.high; row++) {
    if (!state.tasks.isUsed(row) || (scope !== undefined && state.tasks.scope[row]!.id !== scope)) continue;
    tasks.push(viewOf(state, row));
    edges.push(...edgesOf(state, row));
  }
  return { tasks, edges };
}

function stats(state: CoreState): CoreStats {
  const { byStatus, counts } = state;
  return {
    ...counts,
    blocked: byStatus[BLOCKED]!,
    ready: byStatus[READY]!,
    running: byStatus[ASSIGNED]! + byStatus[RUNNING]! + byStatus[SUSPENDED]!,
    liveVersions: state.versions.live,
    liveTasks: state.tasks.live,
  };
}

function explain(state: CoreState, task: TaskId): Explanation {
  const row = state.tasks.rowOf(task);
  if (row === NONE) {
    const settled = state.history.get(task)?.view;
    const status = settled?.status ?? 'completed';
    const summary = settled === undefined ? 'It has settled and is no longer remembered.' : `It is ${status}.`;
    return { task, status, summary, waitsFor: [], resources: [] };
  }
  const status = statusName(state.tasks.status[row]!);
  if (status === 'blocked') return explainBlocked(state, task, row);
  if (status === 'ready') return explainReady(state, task, row);
  const resource = viewOf(state, row).resource;
  const where =
    resource === undefined ? '' : ` on ${state.resources.get(resource)?.description.name ?? 'a node that has gone'}`;
  return { task, status, summary: `It is ${status}${where}.`, waitsFor: [], resources: [] };
}

function explainBlocked(state: CoreState, task: TaskId, row: number): Explanation {
  const waitsFor: Explanation['waitsFor'][number][] = [];
  for (let position = 0; position < state.tasks.inputs[row]!; position++) {
    const version = state.tasks.input(row, position);
    if (version === NONE || isWritten(state, version)) continue;
    const producer = state.versions.producer[version]!;
    const writer =
      producer === NONE ? {} : { writer: state.taskId(producer), status: statusName(state.tasks.status[producer]!) };
    waitsFor.push({ version: state.versionName(version), ...writer });
  }
  const summary = `It waits for ${waitsFor.map((one) => one.version).join(', ')} to be written.`;
  return { task, status: 'blocked', summary, waitsFor, resources: [] };
}

function explainReady(state: CoreState, task: TaskId, row: number): Explanation {
  const resources = [...state.resources.values()].map((resource) => ({
    name: resource.description.name,
    reason: whyNotOn(state, row, resource),
  }));
  const summary =
    resources.length === 0 ? 'There is no resource.' : 'No resource takes it now; see each for the reason.';
  return { task, status: 'ready', summary, waitsFor: [], resources };
}

function whyNotOn(state: CoreState, row: number, resource: Resource): string {
  const ready = state.readyByRow[state.tasks.readyClass[row]!]!;
  if (resource.state !== 'active') return resource.state;
  const reasons = ready.element.implementations.map((implementation, index) => {
    const need = ready.needs[index]!;
    const never = whyNot(need, implementation, resource);
    if (never !== undefined) return never;
    return resource.fits(need)
      ? 'has room; the task waits for another'
      : `busy: ${Math.max(0, resource.freeCpus)} of ${resource.cpus} CPU units free`;
  });
  return reasons.join('; ');
}
