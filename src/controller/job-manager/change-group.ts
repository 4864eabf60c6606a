import { RuntimeError } from '../../common/errors.ts';
import type { Query } from '../store/database.ts';
import { addJobs } from './add-jobs.ts';
import { writeChange } from './change-job.ts';
import type { JobManager } from './context.ts';
import type { JobEvent } from './events.ts';
import { groupById, saveGroup } from './group-repository.ts';
import type { GroupId, Job } from './job.ts';
import type { JobGroup } from './job-group.ts';
import { jobsOfGroups } from './job-repository.ts';
import { putIntoOutbox } from './outbox.ts';
import { type PolicyEvent, policyCalls } from './policy-events.ts';

/** A group as read, and as it is to be. */
export interface GroupChange {
  readonly group: JobGroup;
  readonly jobs: readonly { readonly before: Job; readonly after: Job; readonly event: JobEvent }[];
  readonly added: readonly Job[];
  readonly events: readonly PolicyEvent[];
}

export interface LoadedGroup {
  readonly group: JobGroup;
  readonly jobs: readonly Job[];
}

class Overtaken extends Error {}
const MAX_ATTEMPTS = 20;

export async function loadGroup(query: Query, id: GroupId): Promise<LoadedGroup | undefined> {
  const group = await groupById(query, id);
  return group === undefined ? undefined : { group, jobs: await jobsOfGroups(query, [id]) };
}

/**
 * Changes a group and its jobs together: all of it is written or, when somebody else wrote any of it in between,
 * nothing, and `change` is asked again about what there is now.
 */
export async function changeGroup(
  manager: JobManager,
  id: GroupId,
  change: (loaded: LoadedGroup) => GroupChange,
): Promise<LoadedGroup> {
  for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt += 1) {
    try {
      const loaded = await manager.database.transaction(async (query) => {
        const found = await loadGroup(query, id);
        if (found === undefined) throw new RuntimeError('ERR_GROUP_UNKNOWN', { group: id });
        return write(manager, query, found, change(found));
      });
      manager.changes.changed(id);
      manager.wake();
      return loaded;
    } catch (thrown) {
      if (!(thrown instanceof Overtaken)) throw thrown;
    }
  }
  throw new RuntimeError('ERR_JOB_CONTENDED', { job: id });
}

async function write(manager: JobManager, query: Query, found: LoadedGroup, change: GroupChange): Promise<LoadedGroup> {
  const now = manager.settings.now();
  const group = { ...change.group, updatedAt: now, version: found.group.version + 1 };
  if (!(await saveGroup(query, group))) throw new Overtaken();
  for (const { before, after, event } of change.jobs) {
    if (after !== before && !(await writeChange(query, before, after, event))) throw new Overtaken();
  }
  await addJobs(query, change.added);
  if (manager.tellsPolicyManager) {
    await putIntoOutbox(query, group.id, group.version, policyCalls(group, change.events), now);
  }
  const changed = new Map(change.jobs.map(({ before, after }) => [before.id, after]));
  const jobs = [...found.jobs.map((job) => changed.get(job.id) ?? job), ...change.added];
  return { group, jobs };
}
