import { NONE, type TaskId } from '../model/ids.ts';
import { whyNot } from './constraints.ts';
import type { Explanation } from './core.ts';
import { taskName, versionName } from './names.ts';
import type { ReadyClass } from './ready-class.ts';
import type { Resource } from './resources.ts';
import type { CoreState } from './state.ts';
import { BLOCKED, READY, statusName } from './transitions.ts';

/** Why a task is where it is. */
export function explain(state: CoreState, id: TaskId): Explanation {
  const task = state.tasks.rowOf(id);
  if (task === NONE) {
    const summary = `${taskName(id)} has settled and is forgotten, or was never submitted.`;
    return { task: id, status: 'completed', summary, waitsFor: [], resources: [] };
  }
  const status = statusName(state.tasks.status[task]!);
  const said = { task: id, status, waitsFor: [], resources: [] };
  switch (state.tasks.status[task]) {
    case BLOCKED:
      return explainBlocked(state, task, id);
    case READY:
      return explainReady(state, task, id);
    default:
      return { ...said, summary: summaryOf(state, task) };
  }
}

function summaryOf(state: CoreState, task: number): string {
  const name = taskName(state.taskId(task));
  const failure = state.failures.get(task);
  if (failure !== undefined) return `${name} ${failure.status}: ${failure.error.message}`;
  const attempt = state.tasks.invocation[task]!;
  const status = statusName(state.tasks.status[task]!);
  if (attempt === NONE) return `${name} has ${status}.`;
  const resource = state.resources[state.invocations.resource[attempt]!]!;
  return `${name} is ${status} on ${resource.description.name} (attempt ${state.tasks.attempts[task]}).`;
}

function explainBlocked(state: CoreState, task: number, id: TaskId): Explanation {
  const waitsFor: Explanation['waitsFor'][number][] = [];
  for (const version of pendingInputs(state, task)) {
    const writer = writerOf(state, version);
    waitsFor.push({
      version: versionName(state, version),
      ...(writer === NONE ? {} : { writer: state.taskId(writer), status: statusName(state.tasks.status[writer]!) }),
    });
  }
  const list = waitsFor
    .map(({ version, writer, status }) =>
      writer === undefined ? version : `${version} of ${taskName(writer)} (${status})`,
    )
    .join(', ');
  return { task: id, status: 'blocked', summary: `${taskName(id)} waits for ${list}.`, waitsFor, resources: [] };
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

function explainReady(state: CoreState, task: number, id: TaskId): Explanation {
  const queue = state.ready.classes[state.tasks.readyClass[task]!];
  const resources = queue === undefined ? [] : explainResources(state, queue);
  const locks = queue?.speciality.locks ?? [];
  const holder = locks.map((lock) => state.commutes.get(lock)!.holder).find((one) => one !== NONE);
  const summary =
    holder === undefined
      ? `${taskName(id)} waits for a resource: ${resources.map(({ name, reason }) => `${name} ${reason}`).join('; ')}.`
      : `${taskName(id)} waits until ${taskName(state.taskId(holder))} has done with the data that both change.`;
  return { task: id, status: 'ready', summary, waitsFor: [], resources };
}

/** For every resource why it does not take a task of the queue now. */
export function explainResources(state: CoreState, queue: ReadyClass): { name: string; reason: string }[] {
  return state.resources
    .filter((one) => one.state !== 'gone')
    .map((resource) => ({ name: resource.description.name, reason: reasonOf(state, queue, resource) }));
}

function reasonOf(state: CoreState, queue: ReadyClass, resource: Resource): string {
  const { pin, avoid, nodes } = queue.speciality;
  if (resource.state !== 'active') return `is ${resource.state}`;
  if (queue.named !== undefined && !queue.named.includes(resource.description.name)) {
    return `is not one of ${queue.named.join(', ')}`;
  }
  if (pin !== NONE && pin !== resource.row)
    return `is not ${state.resources[pin]!.description.name}, where it is tied to`;
  const never = queue.needs.map((need, index) => whyNot(need, queue.implementations[index]!, resource));
  if (never.every((reason) => reason !== undefined)) return never.join('; ');
  if (avoid === resource.row) return 'is avoided, since the task failed or was lost there';
  if (resource.queued > 0) return `has ${resource.queued} tasks waiting already`;
  if (queue.needs.some((need, index) => never[index] === undefined && resource.fits(need))) {
    return nodes === 1 ? 'has room; others come first' : 'has room, but not enough nodes have';
  }
  return busy(queue, resource);
}

function busy(queue: ReadyClass, resource: Resource): string {
  const need = queue.needs[0]!;
  if (resource.booked >= resource.limit) return `is busy: ${resource.booked} tasks, its limit`;
  if (resource.freeCpus < need.cpus) {
    return `is busy: ${Math.max(0, resource.freeCpus)} of ${resource.cpus} CPU units free, ${need.cpus} asked`;
  }
  return `is busy: not enough of ${JSON.stringify(need.constraints)} free`;
}
