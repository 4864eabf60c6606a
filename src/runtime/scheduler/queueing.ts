import { NONE } from '../model/ids.ts';
import { compatible, implementationsFor } from './hosts.ts';
import { ALL_NODES, type ReadyClass, type Speciality } from './ready-class.ts';
import type { Resource } from './resources.ts';
import { sharedGroupsOf } from './shared-groups.ts';
import type { CoreState } from './state.ts';
import { COMMUTES, PRIORITY, SHARES, SPECIAL } from './task-rows.ts';

const SORTED = (a: number, b: number): number => a - b;

/** Puts a ready task into its queue; in front when it has been further already. */
export function enqueue(state: CoreState, task: number, inFront: boolean): void {
  const { tasks, ready } = state;
  const flags = tasks.flags[task]!;
  const special =
    (flags & (SPECIAL | COMMUTES | SHARES)) !== 0 || tasks.pin[task] !== NONE || tasks.avoid[task] !== NONE;
  const core = tasks.core[task]!;
  const queue = special ? specialQueue(state, task) : ready.plain(core, (flags & PRIORITY) !== 0);
  if (queue.needs.length === 0) prepare(state, queue);
  ready.push(queue, task, inFront);
}

/** The constraints and implementations that the queue stands for. */
function prepare(state: CoreState, queue: ReadyClass): void {
  const { element, needs } = state.elements[queue.core]!;
  const own = queue.speciality.need;
  const { all } = state.needs;
  queue.setImplementations(
    element.implementations,
    needs.map((need) => all[own === NONE ? need : own]!),
  );
}

/** The core element has other implementations now. */
export function prepareAgain(state: CoreState, core: number): void {
  for (const queue of state.ready.classes) if (queue?.core === core) prepare(state, queue);
}

function specialQueue(state: CoreState, task: number): ReadyClass {
  const { tasks } = state;
  const spec = tasks.spec[task]!;
  const priority = (tasks.flags[task]! & PRIORITY) !== 0;
  const speciality: Speciality = {
    need: spec.constraints === undefined ? NONE : state.needs.indexOf(spec.constraints),
    pin: tasks.pin[task]!,
    avoid: tasks.avoid[task]!,
    locks: (state.commuting.get(task) ?? []).map(({ group }) => group.id).sort(SORTED),
    shared:
      (tasks.flags[task]! & SHARES) === 0
        ? []
        : sharedGroupsOf(state, task)
            .map(([, group]) => group.version)
            .sort(SORTED),
    nodes: spec.isReplicated === true ? ALL_NODES : Math.max(1, spec.computingNodes ?? 1),
  };
  const queue = state.ready.special(tasks.core[task]!, priority, speciality);
  if (queue.needs.length === 0) prepare(state, queue);
  if (speciality.pin !== NONE && !canRun(state, queue, speciality.pin)) {
    tasks.pin[task] = NONE;
    return specialQueue(state, task);
  }
  if (spec.isDistributed !== true || speciality.pin !== NONE) return queue;
  const pin = nextInTurn(state, queue);
  tasks.pin[task] = pin;
  return pin === NONE ? queue : state.ready.special(tasks.core[task]!, priority, { ...speciality, pin, avoid: NONE });
}

/** A resource may have shrunk since the task was tied to it. */
function canRun(state: CoreState, queue: ReadyClass, pin: number): boolean {
  const resource = state.resources[pin]!;
  return resource.state === 'active' && implementationsFor(state, queue, resource).length > 0;
}

/** COMPSs isDistributed: every compatible resource in turn. */
function nextInTurn(state: CoreState, queue: ReadyClass): number {
  const { avoid } = queue.speciality;
  const all = compatible(state, queue);
  const resources = all.length > 1 ? all.filter((one) => one.row !== avoid) : all;
  if (resources.length === 0) return NONE;
  const element = state.elements[queue.core]!;
  return resources[element.turn++ % resources.length]!.row;
}

/** Queues that wait for room anywhere are looked at again: resources or implementations have changed. */
export function reviewAll(state: CoreState): void {
  state.epoch += 1;
  for (const queue of state.ready.classes) if (queue?.stuck === true) state.ready.release(queue);
}

/** What is avoided, or is waited for by tasks that take every node, depends on what else there is. */
export function reviewSpecial(state: CoreState): void {
  for (const queue of state.ready.classes) {
    if (queue?.stuck === true && !queue.plain) state.ready.release(queue);
  }
}

/** Tasks tied to a resource that is gone, or too small for them now, may go anywhere. */
export function untie(state: CoreState, resource: Resource): void {
  const { tasks, ready } = state;
  const tied = [...ready.occupied()].filter(
    (queue) =>
      queue.speciality.pin === resource.row &&
      (resource.state !== 'active' || implementationsFor(state, queue, resource).length === 0),
  );
  for (const queue of tied) {
    for (let task = queue.head; task !== NONE; task = queue.head) {
      ready.remove(task);
      tasks.pin[task] = NONE;
      enqueue(state, task, false);
    }
  }
}
