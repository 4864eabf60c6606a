import { z } from 'zod';
import { deployedResourceBody } from './deployed-resource.ts';
import { It1JobType, JobState, jobActionOf, jobTypeOf } from './enums.ts';
import { goObject, goTime, rowId, uuid, uuidOrEmpty, ZERO_TIME } from './go-json.ts';
import type { JobBody } from './job.ts';
import { it1TargetBody, type TargetBody } from './target.ts';

/** Go's nil UUID: the seed's `uuid` before the orchestrator gave one. */
export const NIL_UUID = '00000000-0000-0000-0000-000000000000';

/** The seed prints the nil UUID one digit short; both spellings are read as "none". */
const it1Uuid = z.preprocess(
  (value) => (value === '0000000-0000-0000-0000-000000000000' ? NIL_UUID : value),
  uuidOrEmpty.default(NIL_UUID),
);

const it1Fields = {
  uuid: it1Uuid,
  type: z.enum(It1JobType).optional(),
  state: z.enum(JobState).optional(),
  manifest: z.string().default(''),
  targets: z.array(it1TargetBody).max(1024).default([]),
  locker: z.boolean().default(false),
  updatedAt: goTime.default(ZERO_TIME),
};

/** What the versions between the seed and the release added. */
const alphaFields = {
  job_group_id: uuidOrEmpty.optional(),
  job_group_name: z.string().max(253).optional(),
  orchestrator: z.string().max(63).optional(),
  namespace: z.string().max(253).optional(),
  resource: deployedResourceBody.optional(),
};

/** A job as the seed sends it: one manifest text, a list of targets, a lock flag. */
export const it1JobBody = goObject({ ID: uuid, ...it1Fields, ...alphaFields });
export type It1JobBody = z.output<typeof it1JobBody>;

/**
 * What drivers of that generation write. Members left out stay as they are, so nothing here has a default; `uuid` is
 * the orchestrator's id for what was deployed (Nuvla's driver repeats the job's own id there).
 */
export const it1JobUpdateBody = goObject({
  ID: uuidOrEmpty.optional(),
  uuid: it1Uuid.optional(),
  type: z.enum(It1JobType).optional(),
  state: z.enum(JobState).optional(),
  locker: z.boolean().optional(),
  targets: z.array(goObject({ id: rowId.optional(), cluster_name: z.string(), node_name: z.string() })).optional(),
  resource: deployedResourceBody.optional(),
});
export type It1JobUpdateBody = z.output<typeof it1JobUpdateBody>;

/** `GET /deployment/{id}` of the shell backend as the seed's annex draws it. */
export const it1DeploymentBody = z.object({
  id: z.int(),
  name: z.string().optional(),
  status: z.enum(['running', 'pending']).optional(),
});
export type It1DeploymentBody = z.output<typeof it1DeploymentBody>;

/** How the drivers of that generation join the manifests of one job. */
const MANIFEST_SEPARATOR = '\r\n---\r\n';

/** A released job in the seed's form. A job is locked there when somebody owns it here. */
export function toIt1Job(job: JobBody): It1JobBody {
  const action = job.type === undefined ? undefined : jobActionOf(job.type, 'release');
  return {
    ID: job.ID,
    uuid: job.resource?.resource_uuid || NIL_UUID,
    ...(action === undefined ? {} : { type: jobTypeOf(action, 'it1') as It1JobType }),
    ...(job.state === undefined ? {} : { state: job.state }),
    manifest: (job.manifests ?? []).map((manifest) => manifest.yamlString).join(MANIFEST_SEPARATOR),
    targets: it1TargetsOf(job),
    locker: job.owner_id !== undefined && job.owner_id !== '',
    updatedAt: job.updated_at,
    job_group_id: job.job_group_id,
    job_group_name: job.job_group_name,
    orchestrator: job.orchestrator,
    ...(job.namespace === undefined ? {} : { namespace: job.namespace }),
    ...(job.resource === undefined ? {} : { resource: job.resource }),
  };
}

function it1TargetsOf(job: JobBody): It1JobBody['targets'] {
  const targets: readonly TargetBody[] = job.targets === undefined ? [] : [job.targets].flat();
  return targets
    .filter((target) => target.cluster_name !== '')
    .map((target) => ({
      id: target.ID,
      JobID: job.ID,
      cluster_name: target.cluster_name,
      node_name: target.node_name ?? '',
    }));
}
