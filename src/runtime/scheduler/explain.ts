import { NONE, type TaskId } from '../model/ids.ts';
import type { Explanation } from './core.ts';
import { explainAttempt } from './explain-attempt.ts';
import { explainReady } from './explain-ready.ts';
import { taskName, versionName } from './names.ts';
import type { CoreState } from './state.ts';
import { RECOMPUTES } from './task-rows.ts';
import { ASSIGNED, BLOCKED, CANCELLING, READY, RUNNING, SUSPENDED, statusName } from './transitions.ts';

/** Tasks of a chain that are looked at for the one that all others wait for. */
const LONGEST_CHAIN = 1000;

/** Why a task is where it is, and what can be done about it. */
export function explain(state: CoreState, id: TaskId): Explanation {
  const task = state.tasks.rowOf(id);
  if (task === NONE) {
    const summary = `${taskName(id)} has settled and is forgotten, or was never submitted.`;
    return { task: id, status: 'completed', summary, waitsFor: [], resources: [] };
  }
  const status = statusName(state.tasks.status[task]!);
  switch (state.tasks.status[task]) {
    case BLOCKED:
      return explainBlocked(state, task, id);
    case READY: {
      const { summary, resources } = explainReady(state, task);
      return { task: id, status, summary, waitsFor: [], resources };
    }
    case ASSIGNED:
    case RUNNING:
    case SUSPENDED:
    case CANCELLING:
      return { task: id, status, summary: explainAttempt(state, task), waitsFor: [], resources: [] };
    default:
      return { task: id, status, summary: summaryOfEnd(state, task), waitsFor: [], resources: [] };
  }
}

function summaryOfEnd(state: CoreState, task: number): string {
  const name = taskName(state.taskId(task));
  const failure = state.failures.get(task);
  if (failure !== undefined) return `${name} ${failure.status}: ${failure.error.message}`;
  return `${name} has ${statusName(state.tasks.status[task]!)}.`;
}

// ------------------------------------------------------------------------------------------ blocked

function explainBlocked(state: CoreState, task: number, id: TaskId): Explanation {
  const waitsFor: Explanation['waitsFor'][number][] = [];
  const list: string[] = [];
  let first = NONE;
  for (const version of pendingInputs(state, task)) {
    const writer = writerOf(state, version);
    if (first === NONE) first = writer;
    waitsFor.push({
      version: versionName(state, version),
      ...(writer === NONE ? {} : { writer: state.taskId(writer), status: statusName(state.tasks.status[writer]!) }),
    });
    list.push(inputOf(state, version, writer));
  }
  const summary = `${taskName(id)} waits for ${list.join(', ')}.${rootOf(state, first)}`;
  return { task: id, status: 'blocked', summary, waitsFor, resources: [] };
}

function inputOf(state: CoreState, version: number, writer: number): string {
  const name = versionName(state, version);
  if (writer === NONE) return name;
  const told = `${name} of ${taskName(state.taskId(writer))} (${statusName(state.tasks.status[writer]!)})`;
  if ((state.tasks.flags[writer]! & RECOMPUTES) === 0) return told;
  return `${told}, which writes it again since all copies of it were lost with their nodes`;
}

/** What the task at the start of the chain waits for. */
function rootOf(state: CoreState, writer: number): string {
  let root = writer;
  for (let looked = 0; looked < LONGEST_CHAIN && root !== NONE && state.tasks.status[root] === BLOCKED; looked++) {
    const [version] = pendingInputs(state, root);
    root = version === undefined ? NONE : writerOf(state, version);
  }
  if (root === NONE || state.tasks.status[root] === BLOCKED) return '';
  const summary = state.tasks.status[root] === READY ? explainReady(state, root).summary : explainAttempt(state, root);
  return ` ${summary}`;
}

export function pendingInputs(state: CoreState, task: number): number[] {
  const { tasks, registry } = state;
  const found = new Set<number>();
  for (let position = 0; position < tasks.inputs[task]!; position++) {
    const input = tasks.input(task, position);
    if (input !== NONE && registry.isPending(registry.resolve(input))) found.add(registry.resolve(input));
  }
  for (const { group } of state.commuting.get(task) ?? []) {
    if (registry.isPending(registry.resolve(group.tail))) found.add(registry.resolve(group.tail));
  }
  return [...found];
}

/** The unsettled task that will write a pending version. Looked for only to be shown: nothing needs to know it. */
export function writerOf(state: CoreState, version: number): number {
  const { tasks, registry } = state;
  for (let task = 0; task < tasks.high; task++) {
    if (!tasks.isUsed(task) || tasks.isSettled(task)) continue;
    for (let position = 0; position < tasks.outputs[task]!; position++) {
      const output = tasks.output(task, position);
      if (output !== NONE && registry.resolve(output) === version) return task;
    }
  }
  return NONE;
}
