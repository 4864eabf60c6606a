import type { Insertable, Selectable } from 'kysely';
import type { DescriptorForm, JsonObject } from '../../contracts/icos/descriptor/application.ts';
import type { JobGroupTable } from '../store/schema.ts';
import type { GroupId } from './job.ts';

/** One deployment: the jobs of an application's components. */
export interface JobGroup {
  readonly id: GroupId;
  readonly name: string;
  readonly description: string;
  readonly namespace: string;
  readonly form: DescriptorForm;
  /** The application as the matchmaker is asked about it. */
  readonly matchRequest: JsonObject;
  readonly descriptor: string;
  readonly warnings: readonly string[];
  /** The subject that created it. */
  readonly owner: string;
  /** Goes as soon as its last job is stopped. */
  readonly deleting: boolean;
  readonly createdAt: number;
  readonly updatedAt: number;
  readonly version: number;
}

export const groupOf = (row: Selectable<JobGroupTable>): JobGroup => ({
  id: row.id as GroupId,
  name: row.name,
  description: row.description,
  namespace: row.namespace,
  form: row.form as DescriptorForm,
  matchRequest: JSON.parse(row.match_request) as JsonObject,
  descriptor: row.descriptor,
  warnings: JSON.parse(row.warnings) as string[],
  owner: row.owner,
  deleting: row.deleting !== 0,
  createdAt: row.created_at,
  updatedAt: row.updated_at,
  version: row.version,
});

export const groupRowOf = (group: JobGroup): Insertable<JobGroupTable> => ({
  id: group.id,
  name: group.name,
  description: group.description,
  namespace: group.namespace,
  form: group.form,
  match_request: JSON.stringify(group.matchRequest),
  descriptor: group.descriptor,
  warnings: JSON.stringify(group.warnings),
  owner: group.owner,
  deleting: group.deleting ? 1 : 0,
  created_at: group.createdAt,
  updated_at: group.updatedAt,
  version: group.version,
});
