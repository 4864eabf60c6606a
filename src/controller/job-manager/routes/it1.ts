import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { RuntimeError } from '../../../common/errors.ts';
import { uuid } from '../../../contracts/icos/go-json.ts';
import { type It1JobBody, it1JobBody, it1JobUpdateBody, toIt1Job } from '../../../contracts/icos/job-it1.ts';
import { identityOf } from '../../service/access.ts';
import type { ServiceApp } from '../../service/app.ts';
import { checkOrchestrator, listExecutable, promote } from '../claims.ts';
import type { JobManager } from '../context.ts';
import { createGroup } from '../create-group.ts';
import { undeployGroup, visibleTo } from '../groups.ts';
import type { Job, JobId } from '../job.ts';
import { pageOfJobs } from '../job-repository.ts';
import { driverOf, reportIt1Job } from '../reports.ts';
import { descriptorBody, readDescriptor } from './descriptor-body.ts';
import { callerOf, creationHeaders, repeatableOf } from './groups.ts';
import { bodiesOf, getJob } from './jobs.ts';
import { linkTo, pageQuery, pageRequestOf } from './parameters.ts';

const tags = ['seed (IT-1)'];
/** The annex writes the first, the code of that time served the second: both are here where the release has no other use. */
const SEED = '/deployment/jobs';
const EARLY = '/jobmanager/jobs';
const idParams = z.object({ id: uuid });

/** The job manager as the seed and the versions between it and the release have it: one flat list of jobs. */
export function serveIt1(app: ServiceApp, manager: JobManager): void {
  serveCreation(app, manager);
  serveReading(app, manager);
  serveExecutable(app, manager);
  serveDrivers(app, manager);
  serveRemoval(app, manager);
}

const it1BodiesOf = async (manager: JobManager, jobs: readonly Job[]): Promise<It1JobBody[]> =>
  (await bodiesOf(manager, jobs)).map(toIt1Job);

const it1BodyOf = async (manager: JobManager, job: Job): Promise<It1JobBody> => (await it1BodiesOf(manager, [job]))[0]!;

function serveCreation(app: ServiceApp, manager: JobManager): void {
  for (const path of [`${EARLY}/create`, `${EARLY}/create/:app_name`]) {
    app.post(
      path,
      {
        config: { access: 'deployments:write' },
        schema: {
          tags,
          consumes: ['text/plain', 'application/x-yaml', 'application/json'],
          body: descriptorBody,
          headers: creationHeaders,
          response: { 201: it1JobBody },
        },
      },
      async (request, reply) => {
        const identity = identityOf(request);
        const { application, descriptor } = readDescriptor(request.body);
        if (application.components.length !== 1) throw manyComponents();
        const created = await createGroup(manager, {
          application,
          descriptor,
          owner: identity.subject,
          namespace: namespaceOf(request),
          caller: callerOf(request, identity),
          repeatable: repeatableOf(request, identity, descriptor),
        });
        return reply.status(201).send(await it1BodyOf(manager, created.jobs[0]!));
      },
    );
  }
}

const manyComponents = (): RuntimeError =>
  new RuntimeError('ERR_DESCRIPTOR_INVALID', {
    field: 'components',
    reason: 'are several, and this answers with one job: POST /jobmanager/groups instead',
  });

const namespaceOf = (request: FastifyRequest): string | undefined => {
  const { namespace } = request.headers;
  return typeof namespace === 'string' && /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(namespace)
    ? namespace
    : undefined;
};

function serveReading(app: ServiceApp, manager: JobManager): void {
  app.get(
    SEED,
    {
      config: { access: 'deployments:read' },
      schema: { tags, querystring: z.object(pageQuery), response: { 200: z.array(it1JobBody) } },
    },
    async (request, reply) => {
      const filter = { owner: visibleTo(identityOf(request)), status: undefined, orchestrator: undefined };
      const { items, next } = await pageOfJobs(manager.database.query, filter, pageRequestOf(request.query));
      if (next !== undefined) void reply.header('link', linkTo(request.url, next));
      return reply.send(await it1BodiesOf(manager, items));
    },
  );
  app.get(
    `${SEED}/:id`,
    { config: { access: 'deployments:read' }, schema: { tags, params: idParams, response: { 200: it1JobBody } } },
    async (request) => it1BodyOf(manager, await getJob(manager, request.params.id, identityOf(request))),
  );
}

function serveExecutable(app: ServiceApp, manager: JobManager): void {
  const querystring = z.object({ limit: pageQuery.limit });
  for (const path of [`${SEED}/executable`, `${EARLY}/executable`]) {
    app.get(
      path,
      {
        config: { access: 'jobs:execute' },
        schema: { tags, querystring, response: { 200: z.array(it1JobBody) } },
      },
      async (request) => {
        const driver = driverOf(identityOf(request).subject);
        return it1BodiesOf(manager, await listExecutable(manager, undefined, driver, request.query.limit));
      },
    );
  }
  app.get(
    `${EARLY}/executable/orchestrator/:orchestrator`,
    {
      config: { access: 'jobs:execute' },
      schema: {
        tags,
        params: z.object({ orchestrator: z.string().max(63) }),
        querystring,
        response: { 200: z.array(it1JobBody) },
      },
    },
    async (request) => {
      const orchestrator = checkOrchestrator(request.params.orchestrator);
      const driver = driverOf(identityOf(request).subject);
      return it1BodiesOf(manager, await listExecutable(manager, orchestrator, driver, request.query.limit));
    },
  );
}

function serveDrivers(app: ServiceApp, manager: JobManager): void {
  for (const path of [`${SEED}/:id`, `${EARLY}/:id`]) {
    app.put(
      path,
      {
        config: { access: 'jobs:execute' },
        schema: { tags, params: idParams, body: it1JobUpdateBody, response: { 200: it1JobBody } },
      },
      async (request) => {
        const driver = driverOf(identityOf(request).subject);
        const id = request.params.id.toLowerCase() as JobId;
        return it1BodyOf(manager, await reportIt1Job(manager, id, request.body, driver));
      },
    );
  }
  for (const path of [`${SEED}/lock/:id`, `${EARLY}/lock/:id`]) {
    app.patch(
      path,
      { config: { access: 'jobs:execute' }, schema: { tags, params: idParams, response: { 204: z.null() } } },
      async (request, reply) => {
        const driver = driverOf(identityOf(request).subject);
        await promote(manager, request.params.id.toLowerCase() as JobId, driver);
        return reply.status(204).send(null);
      },
    );
  }
}

/** Deleting a job of that generation means undeploying it: its own delete type follows, and a driver carries it out. */
function serveRemoval(app: ServiceApp, manager: JobManager): void {
  app.delete(
    `${SEED}/:id`,
    { config: { access: 'deployments:write' }, schema: { tags, params: idParams, response: { 200: it1JobBody } } },
    async (request) => {
      const identity = identityOf(request);
      const job = await getJob(manager, request.params.id, identity);
      const { jobs } = await undeployGroup(manager, job.groupId, identity);
      return it1BodyOf(manager, jobs.find((candidate) => candidate.id === job.id) ?? job);
    },
  );
}
