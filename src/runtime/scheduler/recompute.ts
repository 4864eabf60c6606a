import type { Failure } from '../graph/failure.ts';
import { SharedGroup } from '../graph/groups.ts';
import { SHARED } from '../graph/version-rows.ts';
import { NONE, type TaskId } from '../model/ids.ts';
import { doom, failVersion, makeReady } from './ends.ts';
import { dataLost } from './failures.ts';
import { begin } from './moves.ts';
import { versionName } from './names.ts';
import { hasInstance, sharedGroupsOf } from './shared-groups.ts';
import type { CoreState } from './state.ts';
import { PRIORITY, RECOMPUTES, SHARES, SPECIAL, UPDATES } from './task-rows.ts';

/**
 * The bytes of a version are needed. If they are lost, the task that wrote it runs again; and what that needs is looked
 * at next, so that a chain of any length takes no recursion.
 */
export function demand(state: CoreState, version: number): void {
  const { registry } = state;
  if (!registry.isLost(version)) return;
  const lost = [version];
  for (let next = lost.pop(); next !== undefined; next = lost.pop()) {
    if (registry.isLost(next)) writeAgain(state, next, lost);
  }
}

function writeAgain(state: CoreState, version: number, lost: number[]): void {
  const { registry, tasks } = state;
  const producers = registry.producersOf(version);
  const unrepeatable = producers.find((task) => tasks.spec[task]!.repeatable === false);
  if (producers.length === 0) {
    failVersion(state, version, dataLost(versionName(state, version), 'its last holder', 'no task can write it again'));
  } else if (unrepeatable !== undefined) {
    const reason = `${state.signature(unrepeatable)} is not repeatable`;
    failVersion(state, version, dataLost(versionName(state, version), 'its last holder', reason));
  } else if (registry.is(version, SHARED)) {
    rerunGroup(state, version, producers[0]!, lost);
  } else {
    rerun(state, producers[0]!, lost);
  }
}

/** A new task that does what a settled one did. */
function rerun(state: CoreState, origin: number, lost: number[]): void {
  const { tasks, registry } = state;
  const task = copyOf(state, origin);
  for (let position = 0; position < tasks.outputs[origin]!; position++) {
    const written = tasks.output(origin, position);
    const version = outputAgain(state, written, origin);
    tasks.setOutput(task, position, version);
    registry.mention(version);
  }
  readAgain(state, origin, task, lost);
}

function copyOf(state: CoreState, origin: number): number {
  const { tasks } = state;
  const scope = tasks.scope[origin]!;
  const task = tasks.add(tasks.spec[origin]!, scope, tasks.inputs[origin]!, tasks.outputs[origin]!);
  // Others wait for it already.
  tasks.flags[task]! |= RECOMPUTES | PRIORITY | (tasks.flags[origin]! & (UPDATES | SPECIAL));
  state.recomputes.set(task, state.recomputes.get(origin) ?? (tasks.idOf(origin) as TaskId));
  state.recomputed += 1;
  begin(state, task);
  return task;
}

/**
 * Lost outputs are awaited again; those that are still there, or dead, are written beside and dropped. So is what the
 * task alone would make of an instance: that takes the whole group.
 */
function outputAgain(state: CoreState, version: number, origin: number): number {
  const { registry } = state;
  if (version === NONE) return NONE;
  const { producer } = registry.versions;
  const own = producer[version] === origin && !registry.is(version, SHARED);
  if (own && registry.isLost(version) && registry.isAlive(version)) {
    registry.markPending(version);
    return version;
  }
  return registry.addVersion(registry.versions.datum[version]!);
}

function readAgain(state: CoreState, origin: number, task: number, lost: number[]): void {
  const { tasks, registry } = state;
  let failure: Failure | undefined;
  for (let position = 0; position < tasks.inputs[origin]!; position++) {
    const input = tasks.input(origin, position);
    if (input === NONE) continue;
    const version = registry.resolve(input);
    registry.mention(version);
    registry.need(version);
    tasks.setInput(task, position, version);
    failure = registry.failures.get(version) ?? failure;
    if (!registry.isLost(version) && !registry.isPending(version)) continue;
    registry.versions.waiters[version] = registry.waiters.push(registry.versions.waiters[version]!, task);
    tasks.missing[task]! += 1;
    if (registry.isLost(version)) lost.push(version);
  }
  if (failure !== undefined) doom(state, task, failure);
  else if (tasks.missing[task] === 0) makeReady(state, task);
}

/** All members of a CONCURRENT group change a new instance, made from the version before. */
function rerunGroup(state: CoreState, version: number, member: number, lost: number[]): void {
  const { tasks, registry } = state;
  registry.markPending(version);
  const base = registry.resolve(tasks.input(member, positionOf(state, member, version)));
  const group = new SharedGroup(version, base);
  group.closed = true;
  state.shared.set(version, group);
  registry.mention(version);
  registry.mention(base);
  registry.need(base);
  rerunMembers(state, group, lost);
}

/** From now on it is they that have changed the instance, once each has. */
function rerunMembers(state: CoreState, group: SharedGroup, lost: number[]): void {
  const { registry } = state;
  for (const origin of [...registry.producersOf(group.version)]) rerunMember(state, group, origin, lost);
  registry.dropProducer(group.version);
}

function rerunMember(state: CoreState, group: SharedGroup, origin: number, lost: number[]): void {
  const { tasks, registry } = state;
  const task = copyOf(state, origin);
  tasks.flags[task]! |= SHARES;
  group.pending += 1;
  registry.need(group.version);
  for (let position = 0; position < tasks.outputs[origin]!; position++) {
    const written = tasks.output(origin, position);
    const version = written === group.version ? written : outputAgain(state, written, origin);
    tasks.setOutput(task, position, version);
    registry.mention(version);
  }
  readAgain(state, origin, task, lost);
}

/** Which access of the task writes the shared version. */
function positionOf(state: CoreState, task: number, version: number): number {
  const { tasks } = state;
  const { accesses } = tasks.spec[task]!;
  let output = 0;
  for (let position = 0; position < accesses.length; position++) {
    const { direction } = accesses[position]!;
    if (direction === 'IN' || direction === 'IN_DELETE') continue;
    if (tasks.output(task, output++) === version) return position;
  }
  return 0;
}

/** An attempt has left the instances of its task, or a copy of one was lost. */
export function reviewInstances(state: CoreState, task: number): void {
  for (const [, group] of sharedGroupsOf(state, task)) reviewInstance(state, group);
}

export function reviewInstance(state: CoreState, group: SharedGroup): void {
  if (!hasInstance(state, group)) instanceLost(state, group);
}

/** The instance of a group that is not finished is gone: the members that had changed it run again. */
export function instanceLost(state: CoreState, group: SharedGroup): void {
  group.resource = NONE;
  if (group.root) {
    group.failure ??= dataLost(versionName(state, group.version), 'its holder', 'no task can write it again');
    return;
  }
  const lost: number[] = [];
  rerunMembers(state, group, lost);
  for (const version of lost) demand(state, version);
}
