import { EMPTY, WRITTEN } from '../graph/version-rows.ts';
import type { DatumId, Handle, ResourceId, ScopeId, TaskId, VersionId } from '../model/ids.ts';
import { NONE } from '../model/ids.ts';
import type { CoreStats, GraphView, ResourceStatus, SchedulerCore, TaskView, VersionView } from './core.ts';
import { explain, pendingInputs, writerOf } from './explain.ts';
import { storyOf } from './moves.ts';
import { taskName, versionName } from './names.ts';
import type { Resource } from './resources.ts';
import type { CoreState } from './state.ts';
import { ASSIGNED, BLOCKED, CANCELLING, READY, RUNNING, SUSPENDED, statusName } from './transitions.ts';

/** What can be asked of a core. Changes nothing, but for `latest`, which ends groups as a reader would. */
export function createViews(state: CoreState): Omit<SchedulerCore, 'step' | 'checkInvariants'> {
  const { tasks, registry } = state;
  const versionRow = (version: VersionId): number => registry.versions.rowOf(version);
  return {
    spec: (task) => tasks.spec[knownTask(state, task)]!,
    element: (task) => state.elements[tasks.core[knownTask(state, task)]!]!.element,
    key: (task) => keyOf(state, knownTask(state, task)),
    taskName,
    versionName: (version) =>
      versionRow(version) === NONE ? `version ${version}` : versionName(state, versionRow(version)),
    version: (version) => versionView(state, version),
    holders: (version) => holders(state, versionRow(version)),
    isEmpty: (version) => versionRow(version) !== NONE && registry.is(versionRow(version), EMPTY),
    versions: () => heldVersions(state),
    pending: (core) => state.elements[core]?.pending ?? 0,
    latest: (scope, handle) => latest(state, scope, handle),
    taskOf: (scope, seq) => taskOf(state, scope, seq),
    task: (task) => (tasks.rowOf(task) === NONE ? undefined : taskView(state, tasks.rowOf(task))),
    resources: () => state.resources.filter((one) => one.state !== 'gone').map(resourceStatus),
    story: (task) => (tasks.rowOf(task) === NONE ? [] : storyOf(state, tasks.rowOf(task))),
    explain: (task) => explain(state, task),
    graph: (scope) => graph(state, scope),
    stats: () => stats(state),
  };
}

function knownTask(state: CoreState, task: TaskId): number {
  const row = state.tasks.rowOf(task);
  if (row === NONE) throw new RangeError(`${taskName(task)} is not known any more`);
  return row;
}

/** Stable key (architecture 4, Replay): given by the submitter, or made from that of the parent. */
function keyOf(state: CoreState, task: number): string | undefined {
  const spec = state.tasks.spec[task]!;
  const parent = state.tasks.scope[task]!.key;
  return spec.key ?? (parent === undefined ? undefined : `${parent}/${spec.seq}/${state.signature(task)}`);
}

const NO_HOLDERS: readonly ResourceId[] = [];

function holders(state: CoreState, version: number): readonly ResourceId[] {
  if (version === NONE) return NO_HOLDERS;
  const row = state.registry.resolve(version);
  return state.registry.holdersOf(row).map((resource) => state.resources[resource]!.id);
}

function latest(state: CoreState, id: ScopeId, handle: Handle): VersionId | undefined {
  const datum = state.scopes.get(id)?.handles.get(handle) ?? NONE;
  if (datum < 0) return undefined;
  const version = state.registry.data.latest[datum]!;
  return version === NONE ? undefined : state.versionId(state.registry.resolve(version));
}

function taskOf(state: CoreState, id: ScopeId, seq: number): TaskId | undefined {
  const task = state.scopes.get(id)?.tasks.get(seq) ?? NONE;
  return task === NONE ? undefined : state.taskId(task);
}

function heldVersions(state: CoreState): VersionId[] {
  const { versions } = state.registry;
  const held: VersionId[] = [];
  for (let version = 0; version < versions.high; version++) {
    if (versions.isUsed(version) && versions.holder[version] !== NONE) held.push(state.versionId(version));
  }
  return held;
}

function versionView(state: CoreState, id: VersionId): VersionView | undefined {
  const { registry } = state;
  const version = registry.versions.rowOf(id);
  if (version === NONE) return undefined;
  const row = registry.resolve(version);
  const datum = registry.versions.datum[row]!;
  const name = registry.names.get(datum);
  return {
    id: state.versionId(row),
    datum: registry.data.idOf(datum) as DatumId,
    number: registry.versions.number[row]!,
    kind: registry.kindOf(row),
    ...(name === undefined ? {} : { name }),
    bytes: registry.versions.bytes[row]!,
    holders: holders(state, row),
    written: registry.is(row, WRITTEN),
  };
}

function taskView(state: CoreState, task: number): TaskView {
  const { tasks, invocations } = state;
  const attempt = tasks.invocation[task]!;
  const resource = attempt === NONE ? lastResource(state, task) : state.resources[invocations.resource[attempt]!]!.id;
  const recomputes = state.recomputes.get(task);
  return {
    id: state.taskId(task),
    scope: tasks.scope[task]!.id,
    seq: tasks.seq[task]!,
    signature: state.signature(task),
    status: statusName(tasks.status[task]!),
    attempts: tasks.attempts[task]!,
    ...(attempt === NONE ? {} : { invocation: state.invocationId(attempt) }),
    ...(resource === undefined ? {} : { resource }),
    predecessors: predecessors(state, task),
    ...(recomputes === undefined ? {} : { recomputes }),
  };
}

function lastResource(state: CoreState, task: number): ResourceId | undefined {
  return storyOf(state, task).findLast((entry) => entry.resource !== undefined)?.resource;
}

function predecessors(state: CoreState, task: number): TaskId[] {
  if (state.tasks.status[task] !== BLOCKED) return [];
  const writers = pendingInputs(state, task).map((version) => writerOf(state, version));
  return [...new Set(writers)].filter((writer) => writer !== NONE).map((writer) => state.taskId(writer));
}

const resourceStatus = (resource: Resource): ResourceStatus => ({
  id: resource.id,
  description: resource.description,
  self: resource.self,
  state: resource.state === 'gone' ? 'leaving' : resource.state,
  freeCpus: resource.freeCpus,
  running: resource.booked,
  queued: resource.queued,
});

/** Live and remembered tasks, in order of submission, with an edge for every version that one wrote and another read. */
function graph(state: CoreState, scope: ScopeId | undefined): GraphView {
  const { tasks, registry } = state;
  const rows: number[] = [];
  const writer = new Map<number, number>();
  for (let task = 0; task < tasks.high; task++) {
    if (!tasks.isUsed(task) || (scope !== undefined && tasks.scope[task]!.id !== scope)) continue;
    rows.push(task);
    for (let position = 0; position < tasks.outputs[task]!; position++) {
      const version = tasks.output(task, position);
      if (version !== NONE) writer.set(registry.resolve(version), task);
    }
  }
  rows.sort((a, b) => tasks.number[a]! - tasks.number[b]!);
  const edges = rows.flatMap((task) => edgesTo(state, task, writer));
  return { tasks: rows.map((task) => taskView(state, task)), edges };
}

function edgesTo(state: CoreState, task: number, writers: ReadonlyMap<number, number>): GraphView['edges'][number][] {
  const { tasks, registry } = state;
  const edges: GraphView['edges'][number][] = [];
  for (let position = 0; position < tasks.inputs[task]!; position++) {
    const input = tasks.input(task, position);
    const version = input === NONE ? NONE : registry.resolve(input);
    const writer = writers.get(version);
    if (version === NONE || writer === undefined || writer === task) continue;
    edges.push({ from: state.taskId(writer), to: state.taskId(task), label: versionName(state, version) });
  }
  return edges;
}

function stats(state: CoreState): CoreStats {
  const { counts } = state;
  return {
    submitted: state.submitted,
    completed: state.completed,
    failed: state.failed,
    cancelled: state.cancelled,
    blocked: counts[BLOCKED]!,
    ready: counts[READY]!,
    running: counts[ASSIGNED]! + counts[RUNNING]! + counts[SUSPENDED]! + counts[CANCELLING]!,
    rerun: state.rerun,
    recomputed: state.recomputed,
    ignored: state.ignored,
    liveVersions: state.registry.alive,
    liveTasks: counts.slice(0, CANCELLING + 1).reduce((sum, count) => sum + count, 0),
  };
}
