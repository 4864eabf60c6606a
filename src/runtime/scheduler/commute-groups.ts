import type { Failure } from '../graph/failure.ts';
import type { CommuteGroup } from '../graph/groups.ts';
import { NONE } from '../model/ids.ts';
import type { ReadyClass } from './ready-class.ts';
import type { CoreState } from './state.ts';
import { LOCKED } from './task-rows.ts';

/** The first group whose lock another task holds; undefined when all can be taken. */
export function lockedGroup(state: CoreState, queue: ReadyClass): CommuteGroup | undefined {
  for (const id of queue.speciality.locks) {
    const group = state.commutes.get(id)!;
    if (group.holder !== NONE) return group;
  }
  return undefined;
}

/** All locks of the task at once; its inputs are the latest versions now, its outputs the ones after them. */
export function takeLocks(state: CoreState, task: number): void {
  const { tasks, registry } = state;
  for (const { position, output, group } of state.commuting.get(task)!) {
    group.holder = task;
    const version = registry.addVersion(group.datum);
    registry.mention(version);
    tasks.setOutput(task, output, version);
    registry.mention(group.tail);
    registry.need(group.tail);
    tasks.setInput(task, position, group.tail);
  }
  tasks.flags[task]! |= LOCKED;
}

/** The attempt did not complete: it has read and written nothing. */
export function undoLocks(state: CoreState, task: number): void {
  const { tasks, registry } = state;
  for (const { position, output } of state.commuting.get(task)!) {
    const [read, written] = [tasks.input(task, position), tasks.output(task, output)];
    tasks.setInput(task, position, NONE);
    tasks.setOutput(task, output, NONE);
    registry.unmention(written);
    registry.unneed(read);
    registry.unmention(read);
  }
  releaseLocks(state, task);
}

function releaseLocks(state: CoreState, task: number): void {
  state.tasks.flags[task]! &= ~LOCKED;
  for (const { group } of state.commuting.get(task)!) {
    group.holder = NONE;
    for (const queue of group.stuck) if (queue.stuck) state.ready.release(queue);
    group.stuck.clear();
  }
}

/** A member has completed: its outputs become the tails of their groups, before anything else looks at them. */
export function advanceTails(state: CoreState, task: number): void {
  const { registry, tasks } = state;
  for (const { output, group } of state.commuting.get(task)!) {
    const version = tasks.output(task, output);
    const former = group.tail;
    group.tail = version;
    registry.mention(version);
    registry.need(version);
    if (!group.closed) registry.setLatest(group.datum, version);
    registry.unneed(former);
    registry.unmention(former);
  }
  releaseLocks(state, task);
}

/** A member has settled; gives the groups that have ended with it. */
export function leaveCommuteGroups(state: CoreState, task: number, failure: Failure | undefined): CommuteGroup[] {
  const ended: CommuteGroup[] = [];
  for (const { group } of state.commuting.get(task)!) {
    group.pending -= 1;
    group.failure ??= failure;
    if (group.closed && group.pending === 0) ended.push(group);
  }
  state.commuting.delete(task);
  return ended;
}

/** The group has ended and what follows from it has been done. */
export function dissolve(state: CoreState, group: CommuteGroup): void {
  state.commutes.delete(group.id);
  state.registry.unneed(group.tail);
  state.registry.unmention(group.tail);
  state.registry.unmentionDatum(group.datum);
}
