import { createHash } from 'node:crypto';
import { RuntimeError } from '../../common/errors.ts';
import type { ConditionBody, ResourceStatusBody } from '../../contracts/icos/deployed-resource.ts';
import { jobActionOf, jobStatusOf } from '../../contracts/icos/enums.ts';
import type { JobBody } from '../../contracts/icos/job.ts';
import { type It1JobUpdateBody, NIL_UUID } from '../../contracts/icos/job-it1.ts';
import { changeJob } from './change-job.ts';
import type { JobManager } from './context.ts';
import type { ResourceReport } from './events.ts';
import type { Condition, DriverId, Job, JobId } from './job.ts';
import { jobById, jobByResource } from './job-repository.ts';

/** `PUT /jobmanager/jobs` of the release: a driver sends the job back with a new state and what it made of it. */
export async function reportJob(manager: JobManager, body: JobBody, attempt: number | undefined): Promise<Job> {
  const resource = resourceReportOf(body.resource);
  const status = body.state === undefined ? undefined : jobStatusOf(body.state);
  const at = manager.settings.now();
  const id = body.ID as string as JobId;
  if (status === undefined) return changeJob(manager, id, { type: 'observed', at, resource });
  const action = body.type === undefined ? undefined : jobActionOf(body.type, 'release');
  return changeJob(manager, id, {
    type: 'reported',
    at,
    driver: body.owner_id ? (body.owner_id as string as DriverId) : null,
    ...(action === undefined ? {} : { action }),
    status,
    resource,
    ...(attempt === undefined ? {} : { attempt }),
  });
}

/** `PUT /jobmanager/resources/status`: how what was deployed stands, found by the orchestrator's id for it. */
export async function reportResource(manager: JobManager, body: ResourceStatusBody): Promise<Job> {
  const { query } = manager.database;
  const found =
    (await jobByResource(query, body.resource_uuid)) ??
    (body.job_id === '' ? undefined : await jobById(query, body.job_id as string as JobId));
  if (found === undefined) throw new RuntimeError('ERR_JOB_UNKNOWN', { job: `with resource ${body.resource_uuid}` });
  const resource = resourceReportOf({ ...body, resource_name: body.resource_name || found.resource.name });
  return changeJob(manager, found.id, { type: 'observed', at: manager.settings.now(), resource });
}

function resourceReportOf(
  body:
    | {
        readonly resource_uuid?: string | undefined;
        readonly resource_name?: string | undefined;
        readonly conditions?: readonly ConditionBody[] | undefined;
      }
    | undefined,
): ResourceReport {
  if (body === undefined) return {};
  return {
    ...(body.resource_uuid ? { uuid: body.resource_uuid } : {}),
    ...(body.resource_name ? { name: body.resource_name } : {}),
    conditions: (body.conditions ?? []).map(conditionOf),
  };
}

const conditionOf = (body: ConditionBody): Condition => ({
  type: body.type,
  status: body.status,
  ...(body.observedGeneration === undefined ? {} : { observedGeneration: body.observedGeneration }),
  lastTransitionTime: body.lastTransitionTime,
  reason: body.reason,
  message: body.message,
});

/**
 * What a driver of the seed's generation writes: it locks (`locker`, state 2), gives back (not `locker`, state 1), or
 * says how it went (state 3 or 4). The credential stands for the driver, since those drivers send no owner.
 */
export async function reportIt1Job(
  manager: JobManager,
  id: JobId,
  body: It1JobUpdateBody,
  driver: DriverId,
): Promise<Job> {
  const at = manager.settings.now();
  const job = await jobById(manager.database.query, id);
  if (job === undefined) throw new RuntimeError('ERR_JOB_UNKNOWN', { job: id });
  const status = body.state === undefined ? undefined : jobStatusOf(body.state);
  const isOwner = job.owner === driver;
  if (status === 'created' && body.locker !== true) return changeJob(manager, id, { type: 'released', at, driver });
  if (
    (status ?? 'progressing') === 'progressing' &&
    body.locker !== false &&
    !(isOwner && job.status === 'progressing')
  ) {
    return changeJob(manager, id, { type: 'claimed', at, driver });
  }
  if (status === undefined) return changeJob(manager, id, { type: 'observed', at, resource: it1Resource(body, id) });
  return changeJob(manager, id, { type: 'reported', at, driver, status, resource: it1Resource(body, id) });
}

/** Some of those drivers repeat the job's own id where the orchestrator's would be. */
function it1Resource(body: It1JobUpdateBody, id: JobId): ResourceReport {
  const uuid = body.uuid === NIL_UUID || body.uuid === id ? undefined : body.uuid;
  return { ...resourceReportOf(body.resource), ...(uuid === undefined || uuid === '' ? {} : { uuid }) };
}

/** A stable id for a driver that is known by its credential alone. */
export function driverOf(subject: string): DriverId {
  const hex = createHash('sha256').update(`driver:${subject}`).digest('hex');
  // Version 8 of RFC 9562: the bits are the application's own.
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}` as string as DriverId;
}
