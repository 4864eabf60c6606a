import type { Query } from '../store/database.ts';
import type { Job } from './job.ts';
import { insertJobs } from './job-repository.ts';
import { tell } from './story.ts';

/** New jobs and the first line of their stories. */
export async function addJobs(query: Query, jobs: readonly Job[]): Promise<void> {
  await insertJobs(query, jobs);
  await tell(
    query,
    jobs.map((after) => ({ before: undefined, after, event: 'created' as const, detail: placeOf(after) })),
  );
}

const placeOf = ({ placement, conditions }: Job): string =>
  placement === null
    ? (conditions.at(-1)?.message ?? '')
    : `for ${placement.node} in ${placement.cluster} (${placement.orchestrator})`;
