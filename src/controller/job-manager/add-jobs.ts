import type { Query } from '../store/database.ts';
import type { Job } from './job.ts';
import { insertJobs } from './job-repository.ts';
import { firstLines, tell } from './story.ts';

/** New jobs and the first line of their stories. */
export async function addJobs(query: Query, jobs: readonly Job[]): Promise<void> {
  await insertJobs(query, jobs);
  await tell(query, firstLines(jobs));
}
