import { randomUUID } from 'node:crypto';
import { RuntimeError } from '../../common/errors.ts';
import type { Application } from '../../contracts/icos/descriptor/application.ts';
import { matchRequestOf } from '../../contracts/icos/match-request.ts';
import { type LoadedGroup, loadGroup } from './change-group.ts';
import type { JobManager } from './context.ts';
import { answeredBefore, type RepeatableRequest } from './idempotency.ts';
import type { GroupId } from './job.ts';
import type { JobGroup } from './job-group.ts';
import type { Caller } from './matchmaker.ts';
import { planJobs } from './plan-jobs.ts';
import { policyCalls } from './policy-events.ts';
import { storeDeployment } from './store-deployment.ts';

export interface NewGroup {
  readonly application: Application;
  readonly descriptor: string;
  readonly owner: string;
  readonly namespace: string | undefined;
  readonly caller: Caller;
  readonly repeatable: RepeatableRequest | undefined;
}

export interface CreatedGroup extends LoadedGroup {
  /** An earlier request with the same idempotency key made it. */
  readonly isReplay: boolean;
}

/** Asks where the components go, then stores the whole deployment or nothing of it. */
export async function createGroup(manager: JobManager, wanted: NewGroup): Promise<CreatedGroup> {
  const earlier = await replayOf(manager, wanted.repeatable);
  if (earlier !== undefined) return earlier;
  const matchRequest = matchRequestOf(wanted.application);
  const matches = await manager.matchmaker.match(matchRequest, wanted.caller);
  const group = newGroup(wanted, matchRequest, manager.settings.now());
  const frame = { groupId: group.id, namespace: group.namespace, now: group.createdAt };
  const jobs = planJobs(wanted.application.components, matches, frame, manager.settings);
  const calls = manager.tellsPolicyManager ? policyCalls(group, ['created', 'started']) : [];
  const isOurs = await storeDeployment(manager.database, { group, jobs, calls, repeatable: wanted.repeatable });
  if (!isOurs) return createGroup(manager, wanted);
  manager.changes.changed(group.id);
  if (manager.tellsPolicyManager) manager.wake();
  return { group, jobs, isReplay: false };
}

async function replayOf(
  manager: JobManager,
  request: RepeatableRequest | undefined,
): Promise<CreatedGroup | undefined> {
  if (request === undefined) return undefined;
  const id = await answeredBefore(manager.database.query, request);
  if (id === undefined) return undefined;
  const loaded = await loadGroup(manager.database.query, id);
  if (loaded === undefined) throw new RuntimeError('ERR_GROUP_UNKNOWN', { group: id });
  return { ...loaded, isReplay: true };
}

/** An application without a name is called by the group's id, as the original does; that is its namespace too. */
function newGroup(wanted: NewGroup, matchRequest: JobGroup['matchRequest'], now: number): JobGroup {
  const id = randomUUID() as string as GroupId;
  const name = wanted.application.name === '' ? id : wanted.application.name;
  return {
    id,
    name,
    description: wanted.application.description,
    namespace: wanted.namespace ?? name,
    form: wanted.application.form,
    matchRequest,
    descriptor: wanted.descriptor,
    warnings: wanted.application.warnings,
    owner: wanted.owner,
    deleting: false,
    createdAt: now,
    updatedAt: now,
    version: 1,
  };
}
