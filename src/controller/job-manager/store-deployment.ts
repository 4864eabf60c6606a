import type { Database } from '../store/database.ts';
import { addJobs } from './add-jobs.ts';
import { insertGroup } from './group-repository.ts';
import { type RepeatableRequest, takeKey } from './idempotency.ts';
import type { Job } from './job.ts';
import { groupRowOf, type JobGroup } from './job-group.ts';
import { rowOf } from './job-row.ts';
import { type OutboxCall, outboxRows, putIntoOutbox } from './outbox.ts';
import { firstLines, storyRows } from './story.ts';

export interface NewDeployment {
  readonly group: JobGroup;
  readonly jobs: readonly Job[];
  readonly calls: readonly OutboxCall[];
  readonly repeatable: RepeatableRequest | undefined;
}

/** All of it or nothing. False when the idempotency key was taken in the meantime. */
export function storeDeployment(database: Database, deployment: NewDeployment): Promise<boolean> {
  const isOneStatement = database.kind === 'postgres' && deployment.repeatable === undefined;
  return isOneStatement ? storeAtOnce(database, deployment) : storeInTurn(database, deployment);
}

function storeInTurn(database: Database, { group, jobs, calls, repeatable }: NewDeployment): Promise<boolean> {
  return database.transaction(async (query) => {
    if (repeatable !== undefined && !(await takeKey(query, repeatable, group.id, group.createdAt))) return false;
    await insertGroup(query, group);
    await addJobs(query, jobs);
    await putIntoOutbox(query, group.id, group.version, calls, group.createdAt);
    return true;
  });
}

/** Creations come in crowds, and five round trips to the server cost more than the rows: all tables in one statement. */
async function storeAtOnce(database: Database, { group, jobs, calls }: NewDeployment): Promise<boolean> {
  const withGroup = database.query.with('stored_group', (query) =>
    query.insertInto('job_groups').values(groupRowOf(group)).returning('id'),
  );
  const outgoing = outboxRows(group.id, group.version, calls, group.createdAt);
  // The type of the builder tells which tables it has made; nobody reads from this one.
  const withCalls =
    outgoing.length === 0
      ? withGroup
      : (withGroup.with('stored_calls', (query) =>
          query.insertInto('outbox').values(outgoing).returning('id'),
        ) as unknown as typeof withGroup);
  await withCalls
    .with('stored_jobs', (query) => query.insertInto('jobs').values(jobs.map(rowOf)).returning('id'))
    .insertInto('job_events')
    .values(storyRows(firstLines(jobs)))
    .execute();
  return true;
}
