import { RuntimeError } from '../../common/errors.ts';
import { EMPTY, FAILED, WRITTEN } from '../graph/version-rows.ts';
import { NONE } from '../model/ids.ts';
import { mayResume } from './attempts.ts';
import { lockedGroup } from './commute-groups.ts';
import { pendingInputs } from './explain.ts';
import { gangPlaces } from './gangs.ts';
import { BOOKED, QUEUED, RESUMING } from './invocation-rows.ts';
import { taskName, versionName } from './names.ts';
import type { Placement } from './placement.ts';
import type { Resource } from './resources.ts';
import type { CoreState } from './state.ts';
import { IN_HISTORY, RECOMPUTES } from './task-rows.ts';
import { ASSIGNED, BLOCKED, CANCELLING, READY, SUSPENDED, statusName } from './transitions.ts';

/** Throws ERR_INTERNAL with the first invariant that does not hold. Costs as much as there is state. */
export function checkInvariants(state: CoreState, placement: Placement): void {
  checkTasks(state);
  checkAttempts(state);
  for (const resource of state.resources) checkResource(state, resource);
  checkVersions(state);
  checkScopes(state);
  checkQueues(state, placement);
}

function broken(reason: string): never {
  throw new RuntimeError('ERR_INTERNAL', { reason });
}

function insist(holds: boolean, reason: () => string): void {
  if (!holds) broken(reason());
}

// ------------------------------------------------------------------------------------------ tasks

function checkTasks(state: CoreState): void {
  const { tasks } = state;
  const counts = state.counts.map(() => 0);
  let history = 0;
  for (let task = 0; task < tasks.high; task++) {
    if (!tasks.isUsed(task)) continue;
    const status = tasks.status[task]!;
    counts[status]! += 1;
    const inHistory = (tasks.flags[task]! & IN_HISTORY) !== 0;
    if (inHistory) history += 1;
    checkTask(state, task);
    if (tasks.isSettled(task)) {
      insist(
        inHistory || tasks.records[task]! > 0 || tasks.missing[task]! > 0,
        () => `${name(state, task)} is forgotten and still there`,
      );
    }
  }
  insist(history === state.historyCount, () => `${history} tasks in history, ${state.historyCount} counted`);
  for (const status of [BLOCKED, READY, ASSIGNED, SUSPENDED, CANCELLING]) {
    insist(
      counts[status] === state.counts[status],
      () => `${counts[status]} tasks are ${statusName(status)}, ${state.counts[status]} counted`,
    );
  }
}

const name = (state: CoreState, task: number): string => taskName(state.taskId(task));

function checkTask(state: CoreState, task: number): void {
  const { tasks } = state;
  const status = tasks.status[task]!;
  const attempt = tasks.invocation[task]!;
  const sent = status >= ASSIGNED && status <= CANCELLING;
  insist(
    sent === (attempt !== NONE),
    () => `${name(state, task)} is ${statusName(status)} and has ${attempt === NONE ? 'no' : 'an'} attempt`,
  );
  insist(
    (status === READY) === (tasks.readyClass[task] !== NONE),
    () =>
      `${name(state, task)} is ${statusName(status)} and ${tasks.readyClass[task] === NONE ? 'in no' : 'in a'} queue`,
  );
  if (status === BLOCKED) {
    insist(tasks.missing[task]! > 0, () => `${name(state, task)} is blocked by nothing`);
    insist(pendingInputs(state, task).length > 0, () => `${name(state, task)} waits for inputs that are all there`);
  } else if (!tasks.isSettled(task)) {
    insist(
      tasks.missing[task] === 0,
      () => `${name(state, task)} is ${statusName(status)} and waits for ${tasks.missing[task]} inputs`,
    );
  }
  if (sent && !state.copies.has(task)) {
    insist(
      state.invocations.isUsed(attempt) && state.invocations.task[attempt] === task,
      () => `${name(state, task)} has an attempt of another task`,
    );
  }
}

// ------------------------------------------------------------------------------------------ attempts and resources

function checkAttempts(state: CoreState): void {
  const { invocations } = state;
  const running = new Map<number, number>();
  let queued = 0;
  for (let attempt = 0; attempt < invocations.high; attempt++) {
    if (!invocations.isUsed(attempt)) continue;
    const task = invocations.task[attempt]!;
    running.set(task, (running.get(task) ?? 0) + 1);
    if (invocations.state[attempt] === QUEUED) queued += 1;
    insist(
      state.resources[invocations.resource[attempt]!]!.state !== 'gone',
      () => `${name(state, task)} runs on a resource that has gone`,
    );
  }
  for (const [task, attempts] of running) {
    const allowed = state.copies.get(task)?.length ?? 1;
    insist(attempts === allowed, () => `${name(state, task)} has ${attempts} attempts at once`);
  }
  insist(queued === state.queued, () => `${queued} attempts sent ahead, ${state.queued} counted`);
}

function checkResource(state: CoreState, resource: Resource): void {
  const { invocations, needs } = state;
  const held = { cpus: 0, gpus: 0, fpgas: 0, memoryKib: 0, booked: 0, count: 0, queued: 0, resuming: 0 };
  const holds = (attempt: number): void => {
    const need = needs.all[invocations.need[attempt]!]!;
    held.cpus += need.cpus;
    held.gpus += need.gpus;
    held.fpgas += need.fpgas;
    held.memoryKib += need.memoryKib;
    held.booked += 1;
  };
  for (let attempt = resource.attempts; attempt !== NONE; attempt = invocations.next[attempt]!) {
    held.count += 1;
    if (invocations.state[attempt] === BOOKED) holds(attempt);
    if (invocations.state[attempt] === QUEUED) held.queued += 1;
    if (invocations.state[attempt] === RESUMING) held.resuming += 1;
  }
  for (const [attempt, companions] of state.companions) {
    if (companions.includes(resource.row) && invocations.state[attempt] === BOOKED) holds(attempt);
  }
  const node = resource.description.name;
  insist(
    held.count === resource.attemptCount,
    () => `${node} has ${held.count} attempts, ${resource.attemptCount} counted`,
  );
  if (resource.state === 'gone') return;
  insist(
    held.booked === resource.booked,
    () => `${node} has ${held.booked} attempts booked, ${resource.booked} counted`,
  );
  insist(
    resource.cpus - resource.freeCpus === held.cpus,
    () => `${node} has ${held.cpus} CPU units booked, ${resource.cpus - resource.freeCpus} counted`,
  );
  insist(
    held.memoryKib === resource.usedMemoryKib,
    () => `${node} has ${held.memoryKib} KiB booked, ${resource.usedMemoryKib} counted`,
  );
  insist(
    held.queued === resource.queued,
    () => `${node} has ${held.queued} attempts queued, ${resource.queued} counted`,
  );
  insist(
    held.resuming === resource.resuming.length,
    () => `${node} has ${held.resuming} attempts resuming, ${resource.resuming.length} counted`,
  );
  checkServed(state, resource);
}

/** Whoever waits on the resource itself has what is free. */
function checkServed(state: CoreState, resource: Resource): void {
  const { invocations, needs } = state;
  for (const attempt of [resource.resuming[0] ?? NONE, resource.queueHead]) {
    if (attempt === NONE) continue;
    const need = needs.all[invocations.need[attempt]!]!;
    insist(
      attempt === resource.queueHead ? !resource.fits(need) : !mayResume(resource, need),
      () => `${name(state, invocations.task[attempt]!)} waits on ${resource.description.name} while its units are free`,
    );
  }
}

// ------------------------------------------------------------------------------------------ data

function checkVersions(state: CoreState): void {
  const { registry } = state;
  const { versions } = registry;
  const mentions = countMentions(state);
  let alive = 0;
  for (let version = 0; version < versions.high; version++) {
    if (!versions.isUsed(version)) continue;
    const label = versionName(state, version);
    if (registry.isAlive(version)) alive += 1;
    insist(versions.needs[version]! >= 0 && versions.lineage[version]! >= 0, () => `${label} has a negative count`);
    insist(
      versions.mentions[version] === (mentions.get(version) ?? 0),
      () => `${label} is mentioned ${mentions.get(version) ?? 0} times, ${versions.mentions[version]} counted`,
    );
    insist(registry.isAlive(version) || versions.mentions[version]! > 0, () => `${label} should have been recycled`);
    const flags = versions.flags[version]!;
    insist((flags & (WRITTEN | FAILED)) !== (WRITTEN | FAILED), () => `${label} is written and failed`);
    if (!registry.isAlive(version) && (flags & WRITTEN) !== 0) {
      insist(versions.holder[version] === NONE, () => `${label} is held though nobody needs it`);
    }
    insist((flags & EMPTY) === 0 || versions.holder[version] === NONE, () => `${label} is empty and held`);
    for (const holder of registry.holdersOf(version)) {
      insist(state.resources[holder]!.state !== 'gone', () => `${label} is held by a resource that has gone`);
    }
    if (versions.waiters[version] !== NONE)
      insist(registry.isPending(version), () => `${label} is there and waited for`);
  }
  insist(alive === registry.alive, () => `${alive} versions are needed, ${registry.alive} counted`);
}

/** Everything that may lead to a version row. */
function countMentions(state: CoreState): Map<number, number> {
  const { tasks, registry } = state;
  const mentions = new Map<number, number>();
  const mention = (version: number): void => {
    if (version !== NONE) mentions.set(version, (mentions.get(version) ?? 0) + 1);
  };
  for (let task = 0; task < tasks.high; task++) {
    if (!tasks.isUsed(task)) continue;
    for (let position = 0; position < tasks.inputs[task]!; position++) mention(tasks.input(task, position));
    for (let position = 0; position < tasks.outputs[task]!; position++) mention(tasks.output(task, position));
  }
  for (let datum = 0; datum < registry.data.high; datum++) {
    if (registry.data.isUsed(datum)) mention(registry.data.latest[datum]!);
  }
  for (let version = 0; version < registry.versions.high; version++) {
    if (registry.versions.isUsed(version)) mention(registry.versions.target[version]!);
  }
  for (const wait of state.waits.values()) wait.versions.forEach(mention);
  for (const group of state.shared.values()) [group.version, group.base].forEach(mention);
  for (const group of state.commutes.values()) [group.tail, group.final].forEach(mention);
  const tables = [...state.replays.values(), ...[...state.offers.values()].map(({ table }) => table)];
  for (const table of tables) for (const entry of table.entries.values()) entry.outputs.forEach(mention);
  return mentions;
}

// ------------------------------------------------------------------------------------------ scopes and queues

function checkScopes(state: CoreState): void {
  const { tasks } = state;
  for (const scope of state.scopes.values()) {
    let live = 0;
    for (let task = scope.lastTask; task !== NONE; task = tasks.scopeNext[task]!) {
      live += 1;
      insist(!tasks.isSettled(task), () => `${name(state, task)} has settled and is live in scope ${scope.name}`);
      insist((tasks.flags[task]! & RECOMPUTES) === 0, () => `${name(state, task)} writes again and is live in a scope`);
    }
    insist(live === scope.live, () => `scope ${scope.name} has ${live} tasks, ${scope.live} counted`);
    insist(!scope.closed || scope.live > 0 || scope.ended, () => `scope ${scope.name} should have ended`);
    insist(!scope.ended || scope.parent !== NONE, () => `scope ${scope.name} has ended and is still known`);
    for (const wait of scope.waits)
      insist(wait.remaining > 0, () => `wait ${wait.id} of scope ${scope.name} should have ended`);
  }
}

/** No task that could run waits while there is room for it. */
function checkQueues(state: CoreState, placement: Placement): void {
  let size = 0;
  for (const queue of state.ready.occupied()) {
    size += queue.size;
    if (state.settings.policy.strict && !queue.stuck && queue !== state.ready.peek()) continue;
    const task = state.ready.first(queue);
    if (queue.speciality.locks.length > 0 && lockedGroup(state, queue) !== undefined) continue;
    const hasPlace =
      queue.speciality.nodes === 1
        ? placement.startNow(queue, task) !== undefined
        : gangPlaces(state, queue) !== undefined;
    insist(!hasPlace, () => `${name(state, task)} is ready and there is room for it`);
  }
  insist(size === state.ready.size, () => `${size} tasks are queued, ${state.ready.size} counted`);
}
