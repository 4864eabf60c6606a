import { RuntimeError } from '../../common/errors.ts';
import type { Dispatcher } from '../../runtime/dispatcher.ts';
import type { ResourceId, TaskId, VersionId } from '../../runtime/model/ids.ts';
import type { ResourceStatus, TaskView } from '../../runtime/scheduler/core.ts';
import type { DataReport, GraphData, ResourceView, TaskExplanation, TaskStory, TimelineData } from '../backend.ts';
import type { Application } from './application.ts';
import type { Nodes } from './nodes.ts';
import type { Recorder } from './recorder.ts';

/** Everything the views are made from. */
export interface ViewSources {
  readonly dispatcher: Dispatcher;
  readonly nodes: Nodes;
  readonly recorder: Recorder;
}

export function graphOf(application: Application, { dispatcher, nodes }: ViewSources): GraphData {
  const { core } = dispatcher;
  const tasks: TaskView[] = [];
  const edges: GraphData['edges'][number][] = [];
  for (const scope of application.scopes) {
    const view = core.graph(scope);
    tasks.push(...view.tasks);
    for (const edge of view.edges) {
      edges.push({ from: core.taskName(edge.from), to: core.taskName(edge.to), version: edge.label });
    }
  }
  const shown = tasks.length - (application.main === undefined ? 0 : 1);
  return {
    tasks: tasks.map((task) => ({
      id: core.taskName(task.id),
      signature: task.signature,
      status: task.status,
      attempts: task.attempts,
      ...(task.resource === undefined ? {} : { node: nodes.nameOf(task.resource) }),
      ...(task.recomputes === undefined ? {} : { recomputes: core.taskName(task.recomputes) }),
    })),
    edges,
    syncs: [],
    forgotten: Math.max(0, application.counter.submitted - shown),
  };
}

export function timelineOf(application: Application, { dispatcher, nodes, recorder }: ViewSources): TimelineData {
  const scope = application.scope?.id;
  const attempts = scope === undefined ? [] : recorder.timeline.attempts(scope);
  return {
    attempts: attempts.map((attempt) => ({
      task: dispatcher.core.taskName(attempt.task),
      attempt: attempt.attempt,
      signature: dispatcher.element(attempt.core).signature,
      node: nodes.nameOf(attempt.resource),
      startedAt: attempt.startedAt,
      status: attempt.status,
      ...(attempt.endedAt === undefined ? {} : { endedAt: attempt.endedAt }),
    })),
    transfers: [],
  };
}

/** The task of an application by its printed name. Throws ERR_TASK_UNKNOWN. */
export function taskNamed(application: Application, name: string, { dispatcher }: ViewSources): TaskId {
  const { core } = dispatcher;
  const { main } = application;
  if (main !== undefined && core.taskName(main) === name) return main;
  for (const scope of application.scopes) {
    for (const task of core.graph(scope).tasks) if (core.taskName(task.id) === name) return task.id;
  }
  throw new RuntimeError('ERR_TASK_UNKNOWN', { task: name, application: application.id });
}

export function explanationOf(task: TaskId, { dispatcher }: ViewSources): TaskExplanation {
  const { core } = dispatcher;
  const found = core.explain(task);
  return {
    task: core.taskName(task),
    status: found.status,
    summary: found.summary,
    waitsFor: found.waitsFor.map(({ version, writer, status }) => ({
      version,
      ...(writer === undefined ? {} : { writer: core.taskName(writer) }),
      ...(status === undefined ? {} : { status }),
    })),
    resources: found.resources,
  };
}

export function storyOf(task: TaskId, { dispatcher, nodes }: ViewSources): TaskStory {
  const { core } = dispatcher;
  return {
    task: core.taskName(task),
    signature: core.task(task)?.signature ?? '',
    entries: core.story(task).map(({ at, from, to, cause, resource }) => ({
      at,
      from,
      to,
      cause,
      ...(resource === undefined ? {} : { node: nodes.nameOf(resource) }),
    })),
  };
}

export function resourcesOf({ dispatcher, nodes, recorder }: ViewSources): ResourceView[] {
  const connected = dispatcher.core.resources().map((status) => connectedView(status, dispatcher, recorder));
  const connecting = nodes.connecting().map(
    ({ description }): ResourceView => ({
      description,
      self: false,
      state: 'connecting',
      freeCpus: 0,
      running: 0,
      queued: 0,
      completed: 0,
    }),
  );
  return [...connected, ...connecting];
}

function connectedView(status: ResourceStatus, dispatcher: Dispatcher, recorder: Recorder): ResourceView {
  const node = dispatcher.node(status.id);
  const own = status.self ? dispatcher.mover.stats() : node?.traffic?.();
  return {
    description: status.description,
    self: status.self,
    state: status.state,
    freeCpus: status.freeCpus,
    running: status.running,
    queued: status.queued,
    completed: recorder.completedByResource.get(status.id) ?? 0,
    ...(node?.pid === undefined ? {} : { pid: node.pid }),
    ...(own === undefined ? {} : { bytesIn: own.bytesIn, bytesOut: own.bytesOut }),
  };
}

/** The biggest versions of some scopes' data that this agent holds or knows. */
export function dataOf(
  limit: number,
  versions: readonly VersionId[],
  { dispatcher, nodes }: ViewSources,
): DataReport['versions'] {
  const { core } = dispatcher;
  const views = versions.flatMap((version) => core.version(version) ?? []);
  views.sort((a, b) => b.bytes - a.bytes);
  return views.slice(0, limit).map((view) => ({
    version: core.versionName(view.id),
    kind: view.kind,
    bytes: view.bytes,
    holders: view.holders.map((holder: ResourceId) => nodes.nameOf(holder)),
    ...(view.name === undefined ? {} : { name: view.name }),
  }));
}
