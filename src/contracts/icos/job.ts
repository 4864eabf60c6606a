import { z } from 'zod';
import { deployedResourceBody } from './deployed-resource.ts';
import { JobState, JobType } from './enums.ts';
import { goObject, rowId, stored, uuid, uuidOrEmpty } from './go-json.ts';
import { targetsBody } from './target.ts';

/** One Kubernetes object or compose file, as text. */
export const plainManifestBody = goObject({
  ...stored,
  ID: rowId.default(0),
  yamlString: z.string().default(''),
});
export type PlainManifestBody = z.output<typeof plainManifestBody>;

const descriptive = {
  job_group_id: uuidOrEmpty.default(''),
  owner_id: uuidOrEmpty.optional(),
  job_group_name: z.string().max(253).default(''),
  job_group_description: z.string().max(65_536).optional(),
  type: z.enum(JobType).optional(),
  sub_type: z.string().max(63).optional(),
  state: z.enum(JobState).optional(),
  manifests: z.array(plainManifestBody).max(1024).nullable().default(null),
  targets: targetsBody.optional(),
  orchestrator: z.string().max(63).default(''),
  resource: deployedResourceBody.optional(),
  namespace: z.string().max(253).optional(),
};

/** A job as the release sends and takes it. */
export const jobBody = goObject({ ...stored, ID: uuid, ...descriptive });
export type JobBody = z.output<typeof jobBody>;

/** `PATCH /jobmanager/jobs/promote/{id}`: who takes the job. */
export const promoteBody = goObject({ owner_id: uuid });
export type PromoteBody = z.output<typeof promoteBody>;

/** A job group as the release sends and takes it. */
export const jobGroupBody = goObject({
  ...stored,
  ID: uuid,
  appName: z.string().max(253).default(''),
  appDescription: z.string().max(65_536).default(''),
  jobs: z.array(jobBody).max(1024).nullable().default(null),
});
export type JobGroupBody = z.output<typeof jobGroupBody>;
