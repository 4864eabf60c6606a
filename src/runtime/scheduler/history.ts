import { resolved } from '../data/registry.ts';
import { NONE, type TaskId } from '../model/ids.ts';
import type { GraphView, TaskView } from './core.ts';
import type { CoreState } from './state.ts';
import { statusName } from './transitions.ts';

export function viewOf(state: CoreState, task: number): TaskView {
  const { tasks, invocations } = state;
  const attempt = tasks.invocation[task]!;
  const resource = attempt === NONE ? undefined : state.resourceRows[invocations.resource[attempt]!]?.id;
  const last = state.stories[task]?.findLast((entry) => entry.resource !== undefined)?.resource;
  const recomputes = state.recomputes.get(task);
  return {
    id: state.taskId(task),
    scope: tasks.scope[task]!.id,
    seq: tasks.seq[task]!,
    signature: state.signature(task),
    status: statusName(tasks.status[task]!),
    attempts: tasks.attempts[task]!,
    predecessors: writers(state, task),
    ...(attempt === NONE ? {} : { invocation: invocations.idOf(attempt) as never }),
    ...((resource ?? last) === undefined ? {} : { resource: (resource ?? last)! }),
    ...(recomputes === undefined ? {} : { recomputes }),
  };
}

/** Unsettled tasks that write what it reads. */
function writers(state: CoreState, task: number): TaskId[] {
  const found = new Set<TaskId>();
  for (let position = 0; position < state.tasks.inputs[task]!; position++) {
    const version = state.tasks.input(task, position);
    const producer = version === NONE ? NONE : state.versions.producer[version]!;
    if (producer !== NONE) found.add(state.taskId(producer));
  }
  return [...found];
}

/** Edges from the tasks that wrote the inputs, settled ones included as long as their outputs are remembered. */
export function edgesOf(state: CoreState, task: number): GraphView['edges'] {
  const edges: { from: TaskId; to: TaskId; label: string }[] = [];
  for (let position = 0; position < state.tasks.inputs[task]!; position++) {
    const input = state.tasks.input(task, position);
    if (input === NONE) continue;
    const version = resolved(state, input);
    const producer = state.versions.producer[version]!;
    const from = producer === NONE ? state.lineage.get(version)?.task : state.taskId(producer);
    if (from !== undefined) edges.push({ from, to: state.taskId(task), label: state.versionName(version) });
  }
  return edges;
}

/** Called before the row of a settled task goes. The oldest entries go first. */
export function keepHistory(state: CoreState, task: number): void {
  if (state.historySize === 0) return;
  state.history.set(state.taskId(task), {
    view: viewOf(state, task),
    story: state.stories[task] ?? [],
    edges: edgesOf(state, task),
  });
  if (state.history.size > state.historySize) state.history.delete(state.history.keys().next().value as TaskId);
}
