import { hasContent, isWritten, resolved } from '../data/registry.ts';
import { waitFor } from '../graph/accesses.ts';
import { type ImplementationIndex, type InvocationId, NONE, type VersionId } from '../model/ids.ts';
import { linkAttempt } from './attempts.ts';
import { move } from './moves.ts';
import type { PlacementPolicy } from './policies.ts';
import { hostsOf, withdraw } from './ready.ts';
import type { ReadyClass } from './ready-class.ts';
import type { ResourceClass } from './resource-classes.ts';
import type { Resource } from './resources.ts';
import type { CoreState } from './state.ts';
import { ASSIGNED, BLOCKED } from './transitions.ts';

interface Place {
  readonly resource: Resource;
  readonly implementation: number;
  readonly score: number;
}

/** Gives ready tasks to resources that have room, until none fits. Called once a step. */
export function placeAll(state: CoreState, policy: PlacementPolicy, classes: ReadonlyMap<string, ResourceClass>): void {
  if (!state.dirty) return;
  state.dirty = false;
  const queues = state.readyByRow.filter((ready) => ready.size > 0);
  const open = new Set(queues);
  while (open.size > 0) {
    const ready = first(state, open, policy);
    const task = policy.newestFirst ? ready.tail : ready.head;
    const place = lostInput(state, task) ? undefined : best(state, ready, task, policy, classes);
    if (place !== undefined) launch(state, task, place, ready);
    else if (state.tasks.readyClass[task] === ready.row) {
      noticeUnschedulable(state, ready, task);
      open.delete(ready);
      if (policy.strict) return;
    }
    if (ready.size === 0) open.delete(ready);
  }
}

/** Priority first, then the oldest (or newest) task. */
function first(state: CoreState, open: ReadonlySet<ReadyClass>, policy: PlacementPolicy): ReadyClass {
  let found: ReadyClass | undefined;
  let order = 0;
  for (const ready of open) {
    const number = state.tasks.number[policy.newestFirst ? ready.tail : ready.head]!;
    const better =
      found === undefined ||
      (ready.priority === found.priority ? (policy.newestFirst ? number > order : number < order) : ready.priority);
    if (!better) continue;
    found = ready;
    order = number;
  }
  return found!;
}

/** An input has gone since the task became ready: it waits until the input is written again. */
function lostInput(state: CoreState, task: number): boolean {
  const { tasks } = state;
  const lost: number[] = [];
  for (let position = 0; position < tasks.inputs[task]!; position++) {
    const version = tasks.input(task, position);
    if (version !== NONE && isWritten(state, version) && !hasContent(state, version)) lost.push(version);
  }
  if (lost.length === 0) return false;
  withdraw(state, task);
  move(state, task, BLOCKED);
  for (const version of lost) waitFor(state, task, version);
  for (const version of lost) state.rules.recompute(version);
  return true;
}

function best(
  state: CoreState,
  ready: ReadyClass,
  task: number,
  policy: PlacementPolicy,
  classes: ReadonlyMap<string, ResourceClass>,
): Place | undefined {
  let found: Place | undefined;
  let avoided: Place | undefined;
  for (const host of hostsOf(state, ready, classes.values())) {
    for (const resource of state.resourceRows) {
      if (
        resource.class !== host.class ||
        resource.state !== 'active' ||
        !named(ready, host.implementations[0]!, resource)
      )
        continue;
      const implementation = host.implementations.find((index) => resource.fits(ready.needs[index]!));
      if (implementation === undefined) continue;
      const place = { resource, implementation, score: policy.score(state, task, implementation, resource) };
      if (resource.row === ready.speciality.avoid) avoided = place;
      else if (found === undefined || place.score > found.score) found = place;
    }
  }
  return found ?? (othersExist(state, ready) ? undefined : avoided);
}

/** `nodes` names single resources, which classes do not tell apart. */
function named(ready: ReadyClass, implementation: number, resource: Resource): boolean {
  const names = ready.needs[implementation]!.constraints.nodes;
  return names === undefined || names.includes(resource.description.name);
}

/** Whether a task that should avoid a resource has another to wait for. */
function othersExist(state: CoreState, ready: ReadyClass): boolean {
  const { avoid } = ready.speciality;
  return state.resourceRows.some(
    (resource) =>
      resource.row !== avoid &&
      resource.state === 'active' &&
      ready.hosts.some((host) => host.class === resource.class),
  );
}

function launch(state: CoreState, task: number, place: Place, ready: ReadyClass): void {
  const { tasks } = state;
  const { resource, implementation } = place;
  const need = ready.needs[implementation]!;
  withdraw(state, task);
  const attempt = state.invocations.add(task, resource.row, implementation, need.index);
  tasks.invocation[task] = attempt;
  tasks.attempts[task]! += 1;
  resource.book(attempt, need);
  linkAttempt(state, resource, attempt);
  move(state, task, ASSIGNED);
  state.emit({
    type: 'launch',
    invocation: state.invocations.idOf(attempt) as InvocationId,
    task: state.taskId(task),
    attempt: tasks.attempts[task]!,
    resource: resource.id,
    implementation: implementation as ImplementationIndex,
    booking: need.booking,
    inputs: ids(state, tasks.inputs[task]!, (position) => readable(state, tasks.input(task, position))),
    outputs: ids(state, tasks.outputs[task]!, (position) => tasks.output(task, position)),
    preserveInputs: true,
  });
}

const readable = (state: CoreState, version: number): number => (version === NONE ? NONE : resolved(state, version));

const NO_IDS: readonly VersionId[] = [];

function ids(state: CoreState, count: number, row: (position: number) => number): readonly VersionId[] {
  if (count === 0) return NO_IDS;
  return Array.from({ length: count }, (_, position) =>
    row(position) === NONE ? (NONE as VersionId) : state.versionId(row(position)),
  );
}

/** Told once to each submitter; the task goes on waiting, since a resource may join. */
function noticeUnschedulable(state: CoreState, ready: ReadyClass, task: number): void {
  if (ready.hosts.length > 0) return;
  const scope = state.tasks.scope[task]!;
  if (ready.noticed.has(scope.id)) return;
  ready.noticed.add(scope.id);
  const signature = state.signature(task);
  const constraints = JSON.stringify(ready.needs.map((need) => need.constraints));
  const message = `Task ${state.taskName(task)} (${signature}) waits: no resource satisfies ${constraints}`;
  state.emit({ type: 'notice', scope: scope.id, error: { code: 'ERR_UNSCHEDULABLE', message } });
}
