import { RuntimeError } from '../../common/errors.ts';
import { isOrchestrator, ORCHESTRATORS } from '../../contracts/icos/enums.ts';
import { apply } from './apply.ts';
import { changeJob } from './change-job.ts';
import type { JobManager } from './context.ts';
import type { DriverId, Job, JobId } from './job.ts';
import { executableJobs, lockExecutable, saveClaims } from './job-repository.ts';
import { detailOf, tell } from './story.ts';

export function checkOrchestrator(name: string): string {
  if (isOrchestrator(name)) return name;
  const reason = `no valid orchestrator type provided: '${name}' is none of ${ORCHESTRATORS.join(', ')}`;
  throw new RuntimeError('ERR_REQUEST_INVALID', { field: 'orchestrator', reason });
}

/** What the driver may take now. */
export function listExecutable(
  manager: JobManager,
  orchestrator: string | undefined,
  driver: DriverId,
  limit: number,
): Promise<readonly Job[]> {
  const { settings, database } = manager;
  return executableJobs(database.query, { orchestrator, driver, now: settings.now(), rule: settings, limit });
}

/** Gives the job to the driver for the length of a lease; of several that ask at once, one gets it. */
export const promote = (manager: JobManager, id: JobId, driver: DriverId): Promise<Job> =>
  changeJob(manager, id, { type: 'claimed', at: manager.settings.now(), driver });

/** Lists and takes in one step. Drivers that claim like this do not get in each other's way. */
export async function claimMany(
  manager: JobManager,
  orchestrator: string,
  driver: DriverId,
  limit: number,
): Promise<readonly Job[]> {
  const { database, settings } = manager;
  const now = settings.now();
  const claimed = await database.transaction(async (query) => {
    const wanted = { orchestrator, driver, now, rule: settings, limit };
    const free = await lockExecutable(query, wanted, database.kind === 'postgres');
    const event = { type: 'claimed', at: now, driver } as const;
    const changes = free.map((before) => ({ before, after: apply(before, event, settings) }));
    const after = changes.map((change) => change.after);
    await saveClaims(query, after);
    await tell(
      query,
      changes.map((change) => ({ ...change, event: event.type, detail: detailOf(event, change.after) })),
    );
    return after;
  });
  for (const groupId of new Set(claimed.map((job) => job.groupId))) manager.changes.changed(groupId);
  return claimed;
}
