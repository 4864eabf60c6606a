import type { Query } from '../store/database.ts';
import type { ClaimRule } from './claim-rule.ts';
import type { DriverId, GroupId, Job, JobId } from './job.ts';
import { jobOf, rowOf } from './job-row.ts';
import { type Page, type PageRequest, pageOf } from './page.ts';

export interface JobFilter {
  /** Only jobs of groups that this subject created. */
  readonly owner: string | undefined;
  readonly status: string | undefined;
  readonly orchestrator: string | undefined;
}

export async function jobById(query: Query, id: JobId): Promise<Job | undefined> {
  const row = await query.selectFrom('jobs').selectAll().where('id', '=', id).executeTakeFirst();
  return row === undefined ? undefined : jobOf(row);
}

/** The job last changed, if several were given that id. */
export async function jobByResource(query: Query, resourceUuid: string): Promise<Job | undefined> {
  const row = await query
    .selectFrom('jobs')
    .selectAll()
    .where('resource_uuid', '=', resourceUuid)
    .orderBy('updated_at', 'desc')
    .limit(1)
    .executeTakeFirst();
  return row === undefined ? undefined : jobOf(row);
}

export async function jobsOfGroups(query: Query, ids: readonly GroupId[]): Promise<readonly Job[]> {
  if (ids.length === 0) return [];
  const rows = await query
    .selectFrom('jobs')
    .selectAll()
    .where('group_id', 'in', ids)
    .orderBy('group_id')
    .orderBy('position')
    .execute();
  return rows.map(jobOf);
}

export async function pageOfJobs(query: Query, filter: JobFilter, page: PageRequest): Promise<Page<Job>> {
  const { after, limit } = page;
  const rows = await query
    .selectFrom('jobs')
    .selectAll('jobs')
    .$if(filter.owner !== undefined, (select) =>
      select.innerJoin('job_groups', 'job_groups.id', 'jobs.group_id').where('job_groups.owner', '=', filter.owner!),
    )
    .$if(filter.status !== undefined, (select) => select.where('jobs.status', '=', filter.status!))
    .$if(filter.orchestrator !== undefined, (select) => select.where('jobs.orchestrator', '=', filter.orchestrator!))
    .$if(after !== undefined, (select) =>
      select.where((where) =>
        where(where.refTuple('jobs.created_at', 'jobs.id'), '>', where.tuple(after!.createdAt, after!.id)),
      ),
    )
    .orderBy('jobs.created_at')
    .orderBy('jobs.id')
    .limit(limit + 1)
    .execute();
  return pageOf(rows.map(jobOf), limit);
}

export interface Executable {
  /** Undefined for all: the seed's drivers do not say what they are. */
  readonly orchestrator: string | undefined;
  readonly driver: DriverId;
  readonly now: number;
  readonly rule: ClaimRule;
  readonly limit: number;
}

/** `mayClaim` as a query, oldest first. */
function executable(query: Query, wanted: Executable) {
  const { orchestrator, driver, now, rule } = wanted;
  const quietSince = now - rule.leaseMs;
  return query
    .selectFrom('jobs')
    .selectAll()
    .$if(orchestrator !== undefined, (select) => select.where('orchestrator', '=', orchestrator!))
    .where('cluster', '<>', '')
    .where('status', 'in', ['created', 'progressing', 'degraded'])
    .where('attempts', '<', rule.maxAttempts)
    .where((where) => where.or([where('lease_until', 'is', null), where('lease_until', '<=', now)]))
    .where((where) =>
      where.or([
        where('updated_at', '<=', quietSince),
        where.and([
          where('status', '<>', 'degraded'),
          where.or([where('owner_id', 'is', null), where('owner_id', '=', driver)]),
        ]),
      ]),
    )
    .orderBy('created_at')
    .orderBy('group_id')
    .orderBy('position')
    .limit(wanted.limit);
}

export async function executableJobs(query: Query, wanted: Executable): Promise<readonly Job[]> {
  return (await executable(query, wanted).execute()).map(jobOf);
}

/** The same, kept from everybody else until the transaction ends; what others keep is passed over. */
export async function lockExecutable(query: Query, wanted: Executable, canLock: boolean): Promise<readonly Job[]> {
  const select = executable(query, wanted);
  return (await (canLock ? select.forUpdate().skipLocked() : select).execute()).map(jobOf);
}

export async function insertJobs(query: Query, jobs: readonly Job[]): Promise<void> {
  if (jobs.length > 0) await query.insertInto('jobs').values(jobs.map(rowOf)).execute();
}

/** Writes `after` over `before`. False when the row is no longer as `before` was. */
export async function saveJob(query: Query, before: Job, after: Job): Promise<boolean> {
  const result = await query
    .updateTable('jobs')
    .set(changesOf(before, after))
    .where('id', '=', before.id)
    .where('version', '=', before.version)
    .executeTakeFirst();
  return result.numUpdatedRows === 1n;
}

/** Only the columns that differ: manifests and conditions are long and seldom do. */
function changesOf(before: Job, after: Job): Partial<ReturnType<typeof rowOf>> {
  const old = rowOf(before);
  return Object.fromEntries(
    Object.entries(rowOf(after)).filter(([column, value]) => old[column as keyof typeof old] !== value),
  );
}

/** Gives many jobs to one driver at once. The caller has locked them and asked the model. */
export async function saveClaims(query: Query, claimed: readonly Job[]): Promise<void> {
  const [first] = claimed;
  if (first === undefined) return;
  await query
    .updateTable('jobs')
    .set((set) => ({
      status: 'progressing',
      owner_id: first.owner,
      lease_until: first.leaseUntil,
      updated_at: first.updatedAt,
      attempts: set('attempts', '+', 1),
      version: set('version', '+', 1),
    }))
    .where(
      'id',
      'in',
      claimed.map((job) => job.id),
    )
    .execute();
}

export async function deleteJob(query: Query, job: Job): Promise<boolean> {
  const result = await query
    .deleteFrom('jobs')
    .where('id', '=', job.id)
    .where('version', '=', job.version)
    .executeTakeFirst();
  return result.numDeletedRows === 1n;
}

/** Jobs about which the matchmaker is to be asked again. */
export async function unmatchedJobs(query: Query, now: number, limit: number): Promise<readonly Job[]> {
  const rows = await query
    .selectFrom('jobs')
    .selectAll()
    .where((where) => where.or([where('match_at', '<=', now), where('match_deadline', '<=', now)]))
    .orderBy('match_at')
    .limit(limit)
    .execute();
  return rows.map(jobOf);
}

/** Jobs that were claimed as often as is allowed and whose last lease has ended. */
export async function exhaustedJobs(query: Query, now: number, maxAttempts: number): Promise<readonly Job[]> {
  const rows = await query
    .selectFrom('jobs')
    .selectAll()
    .where('status', '=', 'progressing')
    .where('lease_until', '<=', now)
    .where('attempts', '>=', maxAttempts)
    .limit(100)
    .execute();
  return rows.map(jobOf);
}

/** Groups of which a job changed since then. */
export async function groupsChangedSince(
  query: Query,
  since: number,
): Promise<readonly { id: GroupId; version: number }[]> {
  const rows = await query
    .selectFrom('jobs')
    .select((select) => ['group_id', select.fn.sum<number>('version').as('versions')])
    .where('updated_at', '>=', since)
    .groupBy('group_id')
    .execute();
  return rows.map(({ group_id, versions }) => ({ id: group_id as GroupId, version: Number(versions) }));
}
