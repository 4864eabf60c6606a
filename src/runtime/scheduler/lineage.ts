import { ALIAS, EMPTY, FAILED, ROOT, SHARED } from '../graph/version-rows.ts';
import { NONE } from '../model/ids.ts';
import { forgetIfDone } from './history.ts';
import { isReplayable } from './scope-state.ts';
import type { CoreState } from './state.ts';
import { LINEAGE } from './task-rows.ts';
import { orderReplica } from './transfers.ts';

/**
 * A completed task is its own lineage record: its row lives while one of its outputs, or a version made from one, may
 * have to be written again. What this agent holds itself can only be lost with the agent: it needs no record, and ends
 * the lineage of what is made from it.
 */
export function record(state: CoreState, task: number): void {
  const { tasks, registry } = state;
  const outputs = tasks.outputs[task]!;
  if (outputs === 0) return;
  const replayable = isReplayable(tasks.scope[task]!);
  let lineage = false;
  for (let position = 0; position < outputs; position++) {
    const version = tasks.output(task, position);
    if (version === NONE) continue;
    if (needsRecord(state, version)) {
      registry.setProducer(version, task);
      lineage = true;
    } else if (replayable && isOwn(state, version) && registry.isAlive(version)) {
      registry.setProducer(version, task);
      registry.versions.flags[version]! |= ROOT;
    }
  }
  if (!lineage) return;
  tasks.flags[task]! |= LINEAGE;
  const depth = 1 + inputDepth(state, task);
  for (let position = 0; position < tasks.inputs[task]!; position++) {
    const version = tasks.input(task, position);
    if (version !== NONE) registry.addLineage(version);
  }
  setDepth(state, task, depth);
}

const isOwn = ({ registry }: CoreState, version: number): boolean =>
  !registry.is(version, ALIAS | EMPTY | SHARED | FAILED);

function needsRecord(state: CoreState, version: number): boolean {
  const { registry } = state;
  if (registry.is(version, ALIAS | EMPTY | FAILED)) return false;
  const group = registry.is(version, SHARED) ? state.shared.get(version) : undefined;
  const here = registry.self !== NONE && registry.holds(version, registry.self);
  if (group !== undefined && here) {
    group.root = true;
    registry.dropProducer(version);
  }
  return !here && group?.root !== true && registry.isAlive(version);
}

function inputDepth(state: CoreState, task: number): number {
  const { tasks, registry } = state;
  let depth = 0;
  for (let position = 0; position < tasks.inputs[task]!; position++) {
    const version = tasks.input(task, position);
    if (version !== NONE) depth = Math.max(depth, registry.versions.depth[registry.resolve(version)]!);
  }
  return depth;
}

/** A chain that has become too long is cut where a second replica makes its end safe. */
function setDepth(state: CoreState, task: number, depth: number): void {
  const { tasks, registry } = state;
  const tooLong = depth % state.settings.lineageMaxTasks === 0;
  for (let position = 0; position < tasks.outputs[task]!; position++) {
    const version = tasks.output(task, position);
    if (version === NONE || registry.versions.producer[version] !== task || registry.is(version, ROOT)) continue;
    registry.versions.depth[version] = depth;
    if (tooLong && !registry.is(version, SHARED)) orderReplica(state, version);
  }
}

/** Lets go of the inputs of records whose outputs are all dead; that may kill further records. */
export function dropOrphans(state: CoreState): void {
  const { tasks, registry } = state;
  for (let task = registry.orphans.pop(); task !== undefined; task = registry.orphans.pop()) {
    // It got another output to write meanwhile.
    if (!tasks.isUsed(task) || tasks.records[task] !== 0) continue;
    const inputs = (tasks.flags[task]! & LINEAGE) === 0 ? 0 : tasks.inputs[task]!;
    for (let position = 0; position < inputs; position++) {
      const version = tasks.input(task, position);
      if (version !== NONE) registry.dropLineage(version);
    }
    tasks.flags[task]! &= ~LINEAGE;
    forgetIfDone(state, task);
  }
}
