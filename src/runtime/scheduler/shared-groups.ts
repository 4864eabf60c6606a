import type { SharedGroup } from '../graph/groups.ts';
import { writes } from '../model/access.ts';
import { NONE } from '../model/ids.ts';
import type { Resource } from './resources.ts';
import type { CoreState } from './state.ts';
import { dropTransfersOf } from './transfers.ts';

/**
 * Where the members of CONCURRENT groups have to run: on the resource that holds the instance. `apart`: members that run
 * now keep two instances on different resources, or on one that takes no more work. Undefined: anywhere, since there is
 * no instance yet or its holder cannot run the task.
 */
export function instanceResource(
  state: CoreState,
  versions: readonly number[],
  canRun: (resource: Resource) => boolean,
): Resource | 'apart' | undefined {
  let must: Resource | undefined;
  let preferred: Resource | undefined;
  for (const version of versions) {
    const group = state.shared.get(version);
    if (group === undefined || group.resource === NONE) continue;
    const resource = state.resources[group.resource]!;
    if (group.running > 0) {
      if (must !== undefined && must !== resource) return 'apart';
      must = resource;
    } else if (resource.state === 'active' && canRun(resource)) {
      preferred ??= resource;
    }
  }
  if (must === undefined) return preferred;
  return must.state === 'active' && canRun(must) ? must : 'apart';
}

/** The groups of a task that has CONCURRENT accesses, by position of the access. */
export function sharedGroupsOf(state: CoreState, task: number): (readonly [position: number, group: SharedGroup])[] {
  const found: (readonly [number, SharedGroup])[] = [];
  const { accesses } = state.tasks.spec[task]!;
  let output = 0;
  for (let position = 0; position < accesses.length; position++) {
    const { direction } = accesses[position]!;
    if (!writes(direction)) continue;
    const version = state.tasks.output(task, output++);
    const group = direction === 'CONCURRENT' && version !== NONE ? state.shared.get(version) : undefined;
    if (group !== undefined) found.push([position, group]);
  }
  return found;
}

/** The attempt works on the instances; where there is none yet it makes one from the version before. */
export function joinInstances(state: CoreState, task: number, resource: number): void {
  for (const [, group] of sharedGroupsOf(state, task)) {
    group.running += 1;
    group.resource = resource;
    dropTransfersOf(state, group.version);
    // Members that waited for another instance of theirs follow this one.
    releaseStuck(state, group);
  }
}

export function leaveInstances(state: CoreState, task: number): void {
  for (const [, group] of sharedGroupsOf(state, task)) {
    group.running -= 1;
    if (!hasInstance(state, group)) group.resource = NONE;
    releaseStuck(state, group);
  }
}

/** Queues that waited for the instance to be elsewhere, or for its members to end, are looked at again. */
export function releaseStuck(state: CoreState, group: SharedGroup): void {
  for (const queue of group.stuck) if (queue.stuck) state.ready.release(queue);
  group.stuck.clear();
}

/** Whether there is an instance to work on: members have it open now, or one has completed and left it. */
export const hasInstance = ({ registry }: CoreState, group: SharedGroup): boolean =>
  group.running > 0 || registry.versions.holder[group.version] !== NONE;
