import type { Authenticator } from '../iam/authenticator.ts';
import { changeJob } from './change-job.ts';
import type { JobManager } from './context.ts';
import { deletableGroups } from './group-repository.ts';
import { finishDeletion } from './groups.ts';
import { forgetKeys } from './idempotency.ts';
import { exhaustedJobs } from './job-repository.ts';
import { rematchAll } from './rematch.ts';

const MAX_DELETIONS = 100;

/** One round of what is due without a request. Several job managers on one database may do it at the same time. */
export async function sweep(manager: JobManager, authenticator: Authenticator): Promise<void> {
  const { database, settings } = manager;
  await rematchAll(manager, { token: await authenticator.serviceToken() });
  for (const job of await exhaustedJobs(database.query, settings.now(), settings.maxAttempts)) {
    await changeJob(manager, job.id, { type: 'exhausted', at: settings.now() });
  }
  for (const id of await deletableGroups(database.query, MAX_DELETIONS)) await finishDeletion(manager, id);
  await forgetKeys(database.query, settings.now() - settings.idempotencyMs);
}
