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
  /** Additions: the component the job is of, and how often the job was claimed for what is to be done now. */
  component: z.string().max(253).optional(),
  attempt: z.int().min(0).optional(),
};

/** A job as the release sends and takes it. */
export const jobBody = goObject({ ...stored, ID: uuid, ...descriptive });
export type JobBody = z.output<typeof jobBody>;

/** `PATCH /jobmanager/jobs/promote/{id}`: who takes the job. */
export const promoteBody = goObject({ owner_id: uuid });
export type PromoteBody = z.output<typeof promoteBody>;

/**
 * A driver that sends this header with a report, as it got it with the answer to its claim, is told so (409) when the
 * job has been claimed again since. An addition: the fence against a driver that was away for longer than its lease.
 */
export const ATTEMPT_HEADER = 'x-job-attempt';

/** A job group as the release sends and takes it. */
export const jobGroupBody = goObject({
  ...stored,
  ID: uuid,
  appName: z.string().max(253).default(''),
  appDescription: z.string().max(65_536).default(''),
  jobs: z.array(jobBody).max(1024).nullable().default(null),
  /** An addition: what in the descriptor has no effect. */
  warnings: z.array(z.string()).optional(),
});
export type JobGroupBody = z.output<typeof jobGroupBody>;
