import { RuntimeError } from '../../common/errors.ts';
import { hasContent, holderRows, isFailed, isWritten } from '../data/registry.ts';
import { NONE } from '../model/ids.ts';
import { BOOKED } from './invocation-rows.ts';
import type { Resource } from './resources.ts';
import type { CoreState } from './state.ts';
import { ASSIGNED, BLOCKED, CANCELLING, READY, RUNNING, SUSPENDED } from './transitions.ts';

/** Throws ERR_INTERNAL with the first broken invariant. */
export function checkInvariants(state: CoreState): void {
  checkTasks(state);
  for (const resource of state.resourceRows) checkResource(state, resource);
  checkVersions(state);
  checkScopes(state);
}

function broken(reason: string): never {
  throw new RuntimeError('ERR_INTERNAL', { reason });
}

function checkTasks(state: CoreState): void {
  const { tasks } = state;
  let live = 0;
  for (let task = 0; task < tasks.high; task++) {
    if (!tasks.isUsed(task)) continue;
    live += 1;
    const status = tasks.status[task]!;
    const runs = status === ASSIGNED || status === RUNNING || status === SUSPENDED || status === CANCELLING;
    if (runs !== (tasks.invocation[task] !== NONE))
      broken(`${state.taskName(task)} is ${status} with attempt ${tasks.invocation[task]}`);
    if (status === BLOCKED && tasks.missing[task]! <= 0) broken(`${state.taskName(task)} waits for nothing`);
    if ((status === READY) !== (tasks.readyClass[task] !== NONE))
      broken(`${state.taskName(task)} and its queue disagree`);
    if (status === READY) checkNotPlaceable(state, task);
  }
  const open = [BLOCKED, READY, ASSIGNED, RUNNING, SUSPENDED, CANCELLING].reduce(
    (sum, status) => sum + state.byStatus[status]!,
    0,
  );
  if (open !== live) broken(`${live} tasks live, ${open} counted`);
}

/** No ready task waits while a fitting slot is free (strict policies make it wait on purpose). */
function checkNotPlaceable(state: CoreState, task: number): void {
  if (state.options.policy?.includes('strict') === true || state.dirty) return;
  const ready = state.readyByRow[state.tasks.readyClass[task]!]!;
  if (ready.hostsEpoch !== state.epoch || ready.speciality.avoid !== NONE) return;
  for (const host of ready.hosts) {
    for (const resource of state.resourceRows) {
      if (resource.class !== host.class || resource.state !== 'active') continue;
      const fitting = host.implementations.find((index) => resource.fits(ready.needs[index]!));
      const named = ready.needs[host.implementations[0]!]!.constraints.nodes;
      if (fitting === undefined || (named !== undefined && !named.includes(resource.description.name))) continue;
      broken(`${state.taskName(task)} waits while ${resource.description.name} has room`);
    }
  }
}

function checkResource(state: CoreState, resource: Resource): void {
  const { invocations, needs } = state;
  let cpus = 0;
  let count = 0;
  for (let attempt = resource.attempts; attempt !== NONE; attempt = invocations.next[attempt]!) {
    count += 1;
    if (invocations.state[attempt] === BOOKED) cpus += needs[invocations.need[attempt]!]!.cpus;
    if (state.tasks.invocation[invocations.task[attempt]!] !== attempt)
      broken(`an attempt on ${resource.description.name} is not its task's`);
  }
  if (count !== resource.attemptCount)
    broken(`${resource.description.name} has ${count} attempts, ${resource.attemptCount} counted`);
  if (resource.cpus - resource.freeCpus !== cpus)
    broken(`${resource.description.name} has ${cpus} units booked, ${resource.cpus - resource.freeCpus} counted`);
}

function checkVersions(state: CoreState): void {
  const { versions } = state;
  for (let version = 0; version < versions.high; version++) {
    if (!versions.isUsed(version)) continue;
    const name = state.versionName(version);
    if (versions.needs[version]! < 0 || versions.mentions[version]! < 0 || versions.lineage[version]! < 0)
      broken(`${name} has a negative count`);
    const idle = versions.needs[version] === 0 && isWritten(state, version);
    if (idle && holderRows(state, version).length > 0) broken(`${name} is held though nobody needs it`);
    if (!isWritten(state, version) && !isFailed(state, version) && versions.producer[version] === NONE)
      broken(`${name} has no writer`);
    if (hasContent(state, version) && isFailed(state, version) && !isWritten(state, version))
      broken(`${name} failed and is there`);
  }
}

function checkScopes(state: CoreState): void {
  for (const scope of state.scopes.values()) {
    const live = [...scope.tasks.entries()].length;
    if (live !== scope.live) broken(`scope ${scope.name} has ${live} tasks, ${scope.live} counted`);
    if (scope.ended && scope.parent === NONE) broken(`scope ${scope.name} ended and is still known`);
  }
}
