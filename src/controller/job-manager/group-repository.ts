import type { Query } from '../store/database.ts';
import type { GroupId } from './job.ts';
import { groupOf, groupRowOf, type JobGroup } from './job-group.ts';
import { type Page, type PageRequest, pageOf } from './page.ts';

export interface GroupFilter {
  /** Only what this subject created. */
  readonly owner: string | undefined;
  readonly name: string | undefined;
}

export async function groupById(query: Query, id: GroupId): Promise<JobGroup | undefined> {
  const row = await query.selectFrom('job_groups').selectAll().where('id', '=', id).executeTakeFirst();
  return row === undefined ? undefined : groupOf(row);
}

export async function pageOfGroups(query: Query, filter: GroupFilter, page: PageRequest): Promise<Page<JobGroup>> {
  const { after, limit } = page;
  const rows = await query
    .selectFrom('job_groups')
    .selectAll()
    .$if(filter.owner !== undefined, (select) => select.where('owner', '=', filter.owner!))
    .$if(filter.name !== undefined, (select) => select.where('name', '=', filter.name!))
    .$if(after !== undefined, (select) =>
      select.where((where) => where(where.refTuple('created_at', 'id'), '>', where.tuple(after!.createdAt, after!.id))),
    )
    .orderBy('created_at')
    .orderBy('id')
    .limit(limit + 1)
    .execute();
  return pageOf(rows.map(groupOf), limit);
}

export async function insertGroup(query: Query, group: JobGroup): Promise<void> {
  await query.insertInto('job_groups').values(groupRowOf(group)).execute();
}

/** Writes the group over the one it was made from. False when somebody else did so in between. */
export async function saveGroup(query: Query, group: JobGroup): Promise<boolean> {
  const { id: _, ...values } = groupRowOf(group);
  const result = await query
    .updateTable('job_groups')
    .set(values)
    .where('id', '=', group.id)
    .where('version', '=', group.version - 1)
    .executeTakeFirst();
  return result.numUpdatedRows === 1n;
}

/** Its jobs, their events and violations go with it. */
export async function deleteGroup(query: Query, id: GroupId): Promise<void> {
  await query.deleteFrom('job_groups').where('id', '=', id).execute();
}

/** Which of these are still there. */
export async function existingGroups(query: Query, ids: readonly GroupId[]): Promise<ReadonlySet<GroupId>> {
  if (ids.length === 0) return new Set();
  const rows = await query.selectFrom('job_groups').select('id').where('id', 'in', ids).execute();
  return new Set(rows.map(({ id }) => id as GroupId));
}

/** Groups whose deletion was asked for and of which nothing is left to undo. */
export async function deletableGroups(query: Query, limit: number): Promise<readonly GroupId[]> {
  const rows = await query
    .selectFrom('job_groups')
    .select('id')
    .where('deleting', '=', 1)
    .where((where) =>
      where.not(
        where.exists(
          where
            .selectFrom('jobs')
            .select('jobs.id')
            .whereRef('jobs.group_id', '=', 'job_groups.id')
            .where((job) => job.or([job('jobs.action', '<>', 'delete'), job('jobs.status', '<>', 'finished')])),
        ),
      ),
    )
    .limit(limit)
    .execute();
  return rows.map(({ id }) => id as GroupId);
}

/** Groups whose own row changed since then. */
export async function groupsWrittenSince(
  query: Query,
  since: number,
): Promise<readonly { id: GroupId; version: number }[]> {
  const rows = await query
    .selectFrom('job_groups')
    .select(['id', 'version'])
    .where('updated_at', '>=', since)
    .execute();
  return rows.map(({ id, version }) => ({ id: id as GroupId, version }));
}

/** Names and owners, for answers that show jobs without their groups. */
export async function groupsOfJobs(
  query: Query,
  jobs: readonly { readonly groupId: GroupId }[],
): Promise<ReadonlyMap<GroupId, { readonly name: string; readonly owner: string }>> {
  const ids = [...new Set(jobs.map((job) => job.groupId))];
  if (ids.length === 0) return new Map();
  const rows = await query.selectFrom('job_groups').select(['id', 'name', 'owner']).where('id', 'in', ids).execute();
  return new Map(rows.map(({ id, name, owner }) => [id as GroupId, { name, owner }]));
}
