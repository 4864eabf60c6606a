import { RuntimeError } from '../../common/errors.ts';
import type { Query } from '../store/database.ts';
import { apply } from './apply.ts';
import type { JobManager } from './context.ts';
import type { JobEvent } from './events.ts';
import { type Job, type JobId, phaseOf } from './job.ts';
import { jobById, saveJob } from './job-repository.ts';
import { detailOf, tell } from './story.ts';

/** Writers that met on one row try again with what the other wrote; the model then says whether they still may. */
const MAX_ATTEMPTS = 20;

/** Lets `event` happen to a job: read, ask the model, compare and swap. */
export async function changeJob(manager: JobManager, id: JobId, event: JobEvent): Promise<Job> {
  for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt += 1) {
    const before = await jobById(manager.database.query, id);
    if (before === undefined) throw new RuntimeError('ERR_JOB_UNKNOWN', { job: id });
    const after = apply(before, event, manager.settings);
    if (after === before) return before;
    if (await manager.database.transaction((query) => writeChange(query, before, after, event))) {
      announce(manager, after);
      return after;
    }
  }
  throw new RuntimeError('ERR_JOB_CONTENDED', { job: id });
}

/** The job and its story, in the caller's transaction. False when the job is no longer as `before`. */
export async function writeChange(query: Query, before: Job, after: Job, event: JobEvent): Promise<boolean> {
  if (!(await saveJob(query, before, after))) return false;
  await tell(query, [{ before, after, event: event.type, detail: detailOf(event, after) }]);
  return true;
}

/** Tells who is watching here, and looks for what the change makes due. */
export function announce(manager: JobManager, after: Job): void {
  manager.changes.changed(after.groupId);
  if (phaseOf(after) === 'delete-finished' || after.matchAt !== null) manager.wake();
}
