import { RuntimeError } from '../../common/errors.ts';
import { type Identity, mayAccess } from '../iam/authenticator.ts';
import { apply } from './apply.ts';
import { changeGroup, type GroupChange, type LoadedGroup, loadGroup } from './change-group.ts';
import type { JobManager } from './context.ts';
import type { JobEvent } from './events.ts';
import { deleteGroup, groupById, pageOfGroups, saveGroup } from './group-repository.ts';
import { type GroupId, type Job, phaseOf } from './job.ts';
import type { JobGroup } from './job-group.ts';
import { jobsOfGroups } from './job-repository.ts';
import { putIntoOutbox } from './outbox.ts';
import type { PageRequest } from './page.ts';
import { policyCalls } from './policy-events.ts';

/** Whose deployments somebody sees: everybody's (undefined) or their own. */
export const visibleTo = (identity: Identity): string | undefined =>
  identity.roles.has('admin') || identity.roles.has('service') ? undefined : identity.subject;

export const unknownGroup = (id: GroupId): RuntimeError => new RuntimeError('ERR_GROUP_UNKNOWN', { group: id });

export async function listGroups(
  manager: JobManager,
  identity: Identity,
  name: string | undefined,
  page: PageRequest,
): Promise<{ readonly loaded: readonly LoadedGroup[]; readonly next: string | undefined }> {
  const { query } = manager.database;
  const { items, next } = await pageOfGroups(query, { owner: visibleTo(identity), name }, page);
  const jobs = await jobsOfGroups(
    query,
    items.map((group) => group.id),
  );
  const byGroup = Map.groupBy(jobs, (job) => job.groupId);
  return { loaded: items.map((group) => ({ group, jobs: byGroup.get(group.id) ?? [] })), next };
}

/** What belongs to somebody else is as unknown as what is not there. */
export async function getGroup(manager: JobManager, id: GroupId, identity: Identity): Promise<LoadedGroup> {
  const loaded = await loadGroup(manager.database.query, id);
  if (loaded === undefined || !mayAccess(identity, loaded.group.owner)) throw unknownGroup(id);
  return loaded;
}

export async function checkAccess(manager: JobManager, id: GroupId, identity: Identity): Promise<JobGroup> {
  const group = await groupById(manager.database.query, id);
  if (group === undefined || !mayAccess(identity, group.owner)) throw unknownGroup(id);
  return group;
}

/** Stops every component: what runs is to be undone by its driver, what never ran is cancelled. */
export async function undeployGroup(manager: JobManager, id: GroupId, identity: Identity): Promise<LoadedGroup> {
  await checkAccess(manager, id, identity);
  return changeGroup(manager, id, (loaded) => stopping(manager, loaded));
}

const stopping = (manager: JobManager, { group, jobs }: LoadedGroup): GroupChange => ({
  group,
  jobs: jobs.map((job) => changeOf(manager, job, { type: 'undeployed', at: manager.settings.now() })),
  added: [],
  events: ['stopped'],
});

export const changeOf = (manager: JobManager, before: Job, event: JobEvent): GroupChange['jobs'][number] => ({
  before,
  after: apply(before, event, manager.settings),
  event,
});

export interface Deletion {
  /** Stop it first if it runs. */
  readonly cascade: boolean;
  /** Forget it whatever its state: what still runs is then nobody's. */
  readonly force: boolean;
}

/**
 * Deletes a stopped deployment. One that is being stopped goes as soon as that is done; one that runs is refused
 * unless the deletion cascades.
 */
export async function removeGroup(
  manager: JobManager,
  id: GroupId,
  identity: Identity,
  deletion: Deletion,
): Promise<LoadedGroup> {
  await checkAccess(manager, id, identity);
  const loaded = await changeGroup(manager, id, (found) => {
    const running = found.jobs.find((job) => job.action !== 'delete');
    if (running !== undefined && !deletion.cascade && !deletion.force) throw notStopped(id, running);
    const stop = running === undefined ? { ...stopping(manager, found), events: [] } : stopping(manager, found);
    return { ...stop, group: { ...found.group, deleting: true } };
  });
  await finishDeletion(manager, id, deletion.force);
  return loaded;
}

const notStopped = (group: GroupId, job: Job): RuntimeError =>
  new RuntimeError('ERR_GROUP_NOT_STOPPED', { group, job: job.id, action: job.action, state: job.status });

/** Removes a group whose deletion was asked for, if nothing of it is left to undo. */
export async function finishDeletion(manager: JobManager, id: GroupId, force = false): Promise<void> {
  const removed = await manager.database.transaction(async (query) => {
    const loaded = await loadGroup(query, id);
    if (loaded === undefined || !loaded.group.deleting) return false;
    if (!force && loaded.jobs.some((job) => phaseOf(job) !== 'delete-finished')) return false;
    const now = manager.settings.now();
    const group = { ...loaded.group, version: loaded.group.version + 1, updatedAt: now };
    if (!(await saveGroup(query, group))) return false;
    if (manager.tellsPolicyManager) {
      await putIntoOutbox(query, id, group.version, policyCalls(group, ['deleted']), now);
    }
    await deleteGroup(query, id);
    return true;
  });
  if (removed) manager.changes.changed(id);
  if (removed && manager.tellsPolicyManager) manager.wake();
}
