import { z } from 'zod';
import { RuntimeError } from '../../../common/errors.ts';
import { conditionBody, deployedResourceBody, resourceStatusBody } from '../../../contracts/icos/deployed-resource.ts';
import { jobStatusOf } from '../../../contracts/icos/enums.ts';
import { uuid } from '../../../contracts/icos/go-json.ts';
import { incomplianceBody } from '../../../contracts/icos/incompliance.ts';
import { ATTEMPT_HEADER, jobBody, promoteBody } from '../../../contracts/icos/job.ts';
import { reservationList } from '../../../contracts/icos/reservation.ts';
import { storyLine } from '../../../contracts/icos/story.ts';
import { type Identity, mayAccess } from '../../iam/authenticator.ts';
import { identityOf } from '../../service/access.ts';
import type { ServiceApp } from '../../service/app.ts';
import { checkOrchestrator, claimMany, listExecutable, promote } from '../claims.ts';
import type { JobManager } from '../context.ts';
import { groupsOfJobs } from '../group-repository.ts';
import { visibleTo } from '../groups.ts';
import { type DriverId, isUntouched, type Job, type JobId, phaseOf } from '../job.ts';
import { deleteJob, jobById, pageOfJobs } from '../job-repository.ts';
import { INCOMPLIANCE_PATH } from '../policy-events.ts';
import { remediate } from '../remediation.ts';
import { reportJob, reportResource } from '../reports.ts';
import { reservationsIn } from '../reservations.ts';
import { storyOf } from '../story.ts';
import { jobBodyOf, resourceBodyOf } from '../wire.ts';
import { jobParams, linkTo, pageQuery, pageRequestOf } from './parameters.ts';

const JOBS = '/jobmanager/jobs';
const tags = ['jobs'];
const driverTags = ['drivers'];

export function serveJobs(app: ServiceApp, manager: JobManager): void {
  serveReading(app, manager);
  serveRemoval(app, manager);
  serveDrivers(app, manager);
  serveResources(app, manager);
  servePolicies(app, manager);
}

export async function bodiesOf(manager: JobManager, jobs: readonly Job[]) {
  const groups = await groupsOfJobs(manager.database.query, jobs);
  return jobs.map((job) => jobBodyOf(job, groups.get(job.groupId)?.name ?? ''));
}

const bodyOf = async (manager: JobManager, job: Job) => (await bodiesOf(manager, [job]))[0]!;

/** Jobs of other users are as unknown as jobs that are not there. */
export async function getJob(manager: JobManager, id: string, identity: Identity): Promise<Job> {
  const job = await jobById(manager.database.query, id.toLowerCase() as JobId);
  const groups = job === undefined ? undefined : await groupsOfJobs(manager.database.query, [job]);
  if (job === undefined || !mayAccess(identity, groups?.get(job.groupId)?.owner)) {
    throw new RuntimeError('ERR_JOB_UNKNOWN', { job: id });
  }
  return job;
}

function serveReading(app: ServiceApp, manager: JobManager): void {
  const querystring = z.object({
    ...pageQuery,
    state: z.coerce.number().int().min(1).max(4).optional(),
    orchestrator: z.string().max(63).optional(),
  });
  app.get(
    JOBS,
    { config: { access: 'deployments:read' }, schema: { tags, querystring, response: { 200: z.array(jobBody) } } },
    async (request, reply) => {
      const { state, orchestrator } = request.query;
      const status = state === undefined ? undefined : jobStatusOf(state);
      const filter = { owner: visibleTo(identityOf(request)), status, orchestrator };
      const { items, next } = await pageOfJobs(manager.database.query, filter, pageRequestOf(request.query));
      if (next !== undefined) void reply.header('link', linkTo(request.url, next));
      return reply.send(await bodiesOf(manager, items));
    },
  );
  app.get(
    `${JOBS}/:job_uuid`,
    { config: { access: 'deployments:read' }, schema: { tags, params: jobParams, response: { 200: jobBody } } },
    async (request) => bodyOf(manager, await getJob(manager, request.params.job_uuid, identityOf(request))),
  );
  app.get(
    `${JOBS}/:job_uuid/story`,
    {
      config: { access: 'deployments:read' },
      schema: { tags, params: jobParams, response: { 200: z.array(storyLine) } },
    },
    async (request) => {
      const job = await getJob(manager, request.params.job_uuid, identityOf(request));
      const story = await storyOf(manager.database.query, job.id);
      return story.map((told) => ({ ...told, at: new Date(told.at).toISOString() }));
    },
  );
}

function serveRemoval(app: ServiceApp, manager: JobManager): void {
  app.delete(
    `${JOBS}/:job_uuid`,
    { config: { access: 'deployments:write' }, schema: { tags, params: jobParams, response: { 200: z.int() } } },
    async (request, reply) => {
      const removed = await removeJob(manager, request.params.job_uuid, identityOf(request));
      return reply.type('application/json; charset=utf-8').serializer(JSON.stringify).send(removed);
    },
  );
}

/** The number of rows, as the original answers: 0 when there is none. What a driver may have deployed must be stopped first. */
async function removeJob(manager: JobManager, id: string, identity: Identity): Promise<number> {
  const job = await getJob(manager, id, identity).catch((thrown: unknown) => {
    if (thrown instanceof RuntimeError && thrown.code === 'ERR_JOB_UNKNOWN') return undefined;
    throw thrown;
  });
  if (job === undefined) return 0;
  const isFree = phaseOf(job) === 'delete-finished' || isUntouched(job);
  if (isFree && (await deleteJob(manager.database.query, job))) {
    manager.changes.changed(job.groupId);
    return 1;
  }
  const owner = job.owner === null ? 'owned by nobody' : `owned by ${job.owner}`;
  throw new RuntimeError('ERR_JOB_CONFLICT', {
    job: id,
    event: 'removed',
    action: job.action,
    state: job.status,
    owner,
  });
}

const reportHeaders = z.object({ [ATTEMPT_HEADER]: z.coerce.number().int().min(1).optional() });

function serveDrivers(app: ServiceApp, manager: JobManager): void {
  const params = z.object({ orchestrator: z.string().max(63), owner_id: uuid });
  const querystring = z.object({ limit: pageQuery.limit });
  app.get(
    `${JOBS}/executable/:orchestrator/:owner_id`,
    {
      config: { access: 'jobs:execute' },
      schema: { tags: driverTags, params, querystring, response: { 200: z.array(jobBody) } },
    },
    async (request) => {
      const orchestrator = checkOrchestrator(request.params.orchestrator);
      const driver = request.params.owner_id.toLowerCase() as DriverId;
      return bodiesOf(manager, await listExecutable(manager, orchestrator, driver, request.query.limit));
    },
  );
  app.post(
    `${JOBS}/claim/:orchestrator/:owner_id`,
    {
      config: { access: 'jobs:execute' },
      schema: { tags: driverTags, params, querystring, response: { 200: z.array(jobBody) } },
    },
    async (request) => {
      const orchestrator = checkOrchestrator(request.params.orchestrator);
      const driver = request.params.owner_id.toLowerCase() as DriverId;
      return bodiesOf(manager, await claimMany(manager, orchestrator, driver, request.query.limit));
    },
  );
  app.patch(
    `${JOBS}/promote/:job_uuid`,
    {
      config: { access: 'jobs:execute' },
      schema: { tags: driverTags, params: jobParams, body: promoteBody, response: { 204: z.null() } },
    },
    async (request, reply) => {
      const driver = request.body.owner_id.toLowerCase() as DriverId;
      const job = await promote(manager, request.params.job_uuid.toLowerCase() as JobId, driver);
      return reply.status(204).header(ATTEMPT_HEADER, job.attempts).send(null);
    },
  );
  app.put(
    JOBS,
    {
      config: { access: 'jobs:execute' },
      schema: { tags: driverTags, headers: reportHeaders, body: jobBody, response: { 200: jobBody } },
    },
    async (request) => bodyOf(manager, await reportJob(manager, request.body, request.headers[ATTEMPT_HEADER])),
  );
  app.get(
    '/jobmanager/reservations',
    { config: { access: 'jobs:execute' }, schema: { tags: driverTags, response: { 200: reservationList } } },
    async () => [...(await reservationsIn(manager.database.query))],
  );
}

function serveResources(app: ServiceApp, manager: JobManager): void {
  app.get(
    '/jobmanager/resources/status/:job_uuid',
    {
      config: { access: 'deployments:read' },
      schema: { tags, params: jobParams, response: { 200: z.array(conditionBody) } },
    },
    async (request) => {
      const job = await getJob(manager, request.params.job_uuid, identityOf(request));
      return resourceBodyOf(job).conditions ?? [];
    },
  );
  app.put(
    '/jobmanager/resources/status',
    {
      config: { access: 'jobs:execute' },
      schema: { tags: driverTags, body: resourceStatusBody, response: { 200: deployedResourceBody } },
    },
    async (request) => resourceBodyOf(await reportResource(manager, request.body)),
  );
}

function servePolicies(app: ServiceApp, manager: JobManager): void {
  // The second path is the one that the released job manager tells the policy manager, and does not serve.
  for (const path of [INCOMPLIANCE_PATH, `${INCOMPLIANCE_PATH}/create`]) {
    app.post(
      path,
      {
        config: { access: 'jobs:remediate' },
        schema: { tags: ['policies'], body: incomplianceBody, response: { 200: incomplianceBody } },
      },
      (request) => remediate(manager, request.body),
    );
  }
}
