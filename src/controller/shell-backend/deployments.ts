import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { RuntimeError } from '../../common/errors.ts';
import { uuid } from '../../contracts/icos/go-json.ts';
import { deploymentCreateBody, deploymentUpdateBody } from '../../contracts/icos/shell.ts';
import type { ServiceApp } from '../service/app.ts';
import type { Peer } from '../service/peer.ts';
import { callFor, given, passOn, type StreamRelay } from './relay.ts';
import { bothForms, type Deployment, seedIdOf } from './seed-forms.ts';

const DEPLOYMENTS = '/api/v3/deployment';
const DEPLOYMENT = `${DEPLOYMENTS}/:deploymentId`;
const GROUPS = '/jobmanager/groups';
const tags = ['deployments'];
const YAML = 'application/x-yaml';

/** A UUID, or the seed's number. */
const params = z.object({
  deploymentId: z.union([uuid, z.string().regex(/^\d{1,16}$/, 'is neither a UUID nor a number')]),
});
const deployment = z.looseObject({ ID: uuid, id: z.int(), name: z.string(), status: z.enum(['running', 'pending']) });
const response = { 200: deployment };

export interface DeploymentDependencies {
  readonly jobManager: Peer;
  readonly streams: StreamRelay;
}

export function serveDeployments(app: ServiceApp, dependencies: DeploymentDependencies): void {
  serveCreation(app, dependencies);
  serveReading(app, dependencies);
  serveChanges(app, dependencies);
}

const formsOf = (body: unknown): unknown => bothForms(body as Deployment);

function serveCreation(app: ServiceApp, { jobManager }: DeploymentDependencies): void {
  const body = z.union([deploymentCreateBody, z.string().min(1)]);
  app.post(
    DEPLOYMENTS,
    {
      config: { access: 'deployments:write' },
      schema: { tags, consumes: ['application/json', YAML], body, response: { 201: deployment } },
    },
    async (request, reply) => {
      const text = typeof request.body === 'string' ? request.body : request.body.content;
      const call = callFor(request, { method: 'POST', path: GROUPS, body: text, contentType: YAML });
      return passOn(reply, await jobManager.call(call), formsOf);
    },
  );
}

function serveReading(app: ServiceApp, { jobManager, streams }: DeploymentDependencies): void {
  const querystring = z.object({
    limit: z.string().max(10).optional(),
    cursor: z.string().max(200).optional(),
    name: z.string().max(253).optional(),
    watch: z.string().max(5).optional(),
  });
  app.get(
    DEPLOYMENTS,
    { config: { access: 'deployments:read' }, schema: { tags, querystring, response: { 200: z.array(deployment) } } },
    async (request, reply) => {
      const call = callFor(request, { method: 'GET', path: GROUPS, query: given(request.query) });
      if (wantsEvents(request)) return streams.relay(request, reply, jobManager, call);
      const answer = await jobManager.call(call);
      if (answer.link !== undefined) void reply.header('link', answer.link.replace(GROUPS, DEPLOYMENTS));
      return passOn(reply, answer, (body) => (body as Deployment[]).map(bothForms));
    },
  );
  app.get(
    DEPLOYMENT,
    { config: { access: 'deployments:read' }, schema: { tags, params, querystring, response } },
    async (request, reply) => {
      const id = await idOf(request, jobManager, request.params.deploymentId);
      const call = callFor(request, { method: 'GET', path: `${GROUPS}/${id}`, query: given(request.query) });
      if (wantsEvents(request)) return streams.relay(request, reply, jobManager, call);
      return passOn(reply, await jobManager.call(call), formsOf);
    },
  );
}

const wantsEvents = (request: FastifyRequest): boolean => {
  const { watch } = request.query as { watch?: string };
  return (watch !== undefined && watch !== 'false') || (request.headers.accept ?? '').includes('text/event-stream');
};

function serveChanges(app: ServiceApp, { jobManager }: DeploymentDependencies): void {
  app.put(
    DEPLOYMENT,
    {
      config: { access: 'deployments:write' },
      schema: {
        tags,
        consumes: ['application/json', YAML],
        params,
        body: z.union([z.string().min(1), deploymentUpdateBody]),
        response,
      },
    },
    async (request, reply) => {
      const id = await idOf(request, jobManager, request.params.deploymentId);
      const { body } = request;
      const content = typeof body === 'string' ? body : body['content'];
      const sent = typeof content === 'string' ? { body: content, contentType: YAML } : { body };
      return passOn(
        reply,
        await jobManager.call(callFor(request, { method: 'PUT', path: `${GROUPS}/${id}`, ...sent })),
        formsOf,
      );
    },
  );
  app.delete(
    DEPLOYMENT,
    {
      config: { access: 'deployments:write' },
      schema: {
        tags,
        params,
        querystring: z.object({ cascade: z.string().max(5).optional(), force: z.string().max(5).optional() }),
        response,
      },
    },
    async (request, reply) => {
      const id = await idOf(request, jobManager, request.params.deploymentId);
      const call = callFor(request, { method: 'DELETE', path: `${GROUPS}/${id}`, query: given(request.query) });
      return passOn(reply, await jobManager.call(call), formsOf);
    },
  );
  app.delete(
    `${DEPLOYMENT}/stop`,
    { config: { access: 'deployments:write' }, schema: { tags, params, response } },
    async (request, reply) => {
      const id = await idOf(request, jobManager, request.params.deploymentId);
      const call = callFor(request, { method: 'PUT', path: `${GROUPS}/undeploy/${id}` });
      return passOn(reply, await jobManager.call(call), formsOf);
    },
  );
}

const groupList = z.array(z.looseObject({ ID: uuid }));
const NEXT = /<([^>]*)>; rel="next"/;

/** The seed's numbers are looked for among the caller's deployments, page by page. */
async function idOf(request: FastifyRequest, jobManager: Peer, id: string): Promise<string> {
  if (!/^\d+$/.test(id)) return id;
  for (let path: string | undefined = GROUPS; path !== undefined; ) {
    const { text, link } = await jobManager.call(callFor(request, { method: 'GET', path }));
    const page = groupList.safeParse(JSON.parse(text));
    const found = page.data?.find((group) => seedIdOf(group.ID) === Number(id));
    if (found !== undefined) return found.ID;
    path = link === undefined ? undefined : NEXT.exec(link)?.[1];
  }
  throw new RuntimeError('ERR_GROUP_UNKNOWN', { group: id });
}
