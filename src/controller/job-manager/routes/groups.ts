import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { RuntimeError } from '../../../common/errors.ts';
import { jobGroupBody } from '../../../contracts/icos/job.ts';
import type { Identity } from '../../iam/authenticator.ts';
import { identityOf } from '../../service/access.ts';
import type { ServiceApp } from '../../service/app.ts';
import type { EventStreams } from '../../service/event-stream.ts';
import type { JobManager } from '../context.ts';
import { createGroup } from '../create-group.ts';
import { getGroup, listGroups, removeGroup, undeployGroup } from '../groups.ts';
import { type RepeatableRequest, repeatable } from '../idempotency.ts';
import type { GroupId } from '../job.ts';
import { updateDescriptor, updateGroup } from '../update-group.ts';
import type { Watchers } from '../watchers.ts';
import { groupBodyOf } from '../wire.ts';
import { descriptorBody, readDescriptor } from './descriptor-body.ts';
import { flag, groupParams, linkTo, pageQuery, pageRequestOf } from './parameters.ts';

const GROUPS = '/jobmanager/groups';
const GROUP = `${GROUPS}/:group_uuid`;
const tags = ['groups'];
const YAML = ['application/x-yaml', 'application/json'];

export interface WatchParts {
  readonly watchers: Watchers;
  readonly streams: EventStreams;
}

export function serveGroups(app: ServiceApp, manager: JobManager, parts: WatchParts): void {
  serveCreation(app, manager);
  serveReading(app, manager, parts);
  serveUpdates(app, manager);
  serveEnding(app, manager);
}

function serveCreation(app: ServiceApp, manager: JobManager): void {
  app.post(
    GROUPS,
    {
      config: { access: 'deployments:write' },
      schema: { tags, consumes: YAML, body: descriptorBody, headers: creationHeaders, response: { 201: jobGroupBody } },
    },
    async (request, reply) => {
      const identity = identityOf(request);
      const { application, descriptor } = readDescriptor(request.body);
      const created = await createGroup(manager, {
        application,
        descriptor,
        owner: identity.subject,
        namespace: undefined,
        caller: callerOf(request, identity),
        repeatable: repeatableOf(request, identity, descriptor),
      });
      if (created.isReplay) void reply.header('idempotency-replayed', 'true');
      return reply.status(201).send(groupBodyOf(created.group, created.jobs));
    },
  );
}

export const creationHeaders = z.object({
  'idempotency-key': z
    .string()
    .min(1)
    .max(200)
    .optional()
    .describe('A request repeated with the same key makes one deployment.'),
});

export function repeatableOf(
  request: FastifyRequest,
  identity: Identity,
  content: string,
): RepeatableRequest | undefined {
  const key = request.headers['idempotency-key'];
  return typeof key === 'string'
    ? repeatable(key, identity.subject, `${request.routeOptions.url}\n${content}`)
    : undefined;
}

export const callerOf = (request: FastifyRequest, identity: Identity) => ({
  token: identity.accessToken,
  requestId: request.id,
});

const wantsEvents = (request: FastifyRequest, watch: boolean): boolean =>
  watch || (request.headers.accept ?? '').includes('text/event-stream');

function serveReading(app: ServiceApp, manager: JobManager, { watchers, streams }: WatchParts): void {
  app.get(
    GROUPS,
    {
      config: { access: 'deployments:read' },
      schema: {
        tags,
        querystring: z.object({ ...pageQuery, name: z.string().max(253).optional(), watch: flag }),
        response: { 200: z.array(jobGroupBody) },
      },
    },
    async (request, reply) => {
      const identity = identityOf(request);
      const { name, watch } = request.query;
      const { loaded, next } = await listGroups(manager, identity, name, pageRequestOf(request.query));
      if (wantsEvents(request, watch)) {
        watchers.add(streams.open(reply), identity, loaded);
        return reply;
      }
      if (next !== undefined) void reply.header('link', linkTo(request.url, next));
      return reply.send(loaded.map(({ group, jobs }) => groupBodyOf(group, jobs)));
    },
  );
  app.get(
    GROUP,
    {
      config: { access: 'deployments:read' },
      schema: { tags, params: groupParams, querystring: z.object({ watch: flag }), response: { 200: jobGroupBody } },
    },
    async (request, reply) => {
      const identity = identityOf(request);
      const loaded = await getGroup(manager, idOf(request.params), identity);
      if (wantsEvents(request, request.query.watch)) {
        watchers.add(streams.open(reply), identity, [loaded], loaded.group.id);
        return reply;
      }
      return reply.send(groupBodyOf(loaded.group, loaded.jobs));
    },
  );
}

const idOf = (params: { readonly group_uuid: string }): GroupId => params.group_uuid.toLowerCase() as GroupId;

function serveUpdates(app: ServiceApp, manager: JobManager): void {
  app.put(
    GROUPS,
    {
      config: { access: 'deployments:write' },
      schema: { tags, body: jobGroupBody, response: { 200: jobGroupBody } },
    },
    async (request) => {
      const { group, jobs } = await updateGroup(manager, request.body, identityOf(request));
      return groupBodyOf(group, jobs);
    },
  );
  app.put(
    GROUP,
    {
      config: { access: 'deployments:write' },
      schema: { tags, consumes: YAML, params: groupParams, body: descriptorBody, response: { 200: jobGroupBody } },
    },
    async (request) => {
      const identity = identityOf(request);
      const wanted = { ...readDescriptor(request.body), caller: callerOf(request, identity) };
      const { group, jobs } = await updateDescriptor(manager, idOf(request.params), identity, wanted);
      return groupBodyOf(group, jobs);
    },
  );
}

function serveEnding(app: ServiceApp, manager: JobManager): void {
  app.put(
    `${GROUPS}/undeploy/:group_uuid`,
    {
      config: { access: 'deployments:write' },
      schema: { tags, params: groupParams, response: { 200: jobGroupBody } },
    },
    async (request: FastifyRequest<{ Params: z.output<typeof groupParams> }>, reply: FastifyReply) => {
      const { group, jobs } = await undeployGroup(manager, idOf(request.params), identityOf(request));
      return reply.send(groupBodyOf(group, jobs));
    },
  );
  app.delete(
    GROUP,
    {
      config: { access: 'deployments:write' },
      schema: {
        tags,
        params: groupParams,
        querystring: z.object({
          cascade: flag.describe('Stop it first if it runs.'),
          force: flag.describe('Forget it whatever its state. Administrators only.'),
        }),
        response: { 200: jobGroupBody },
      },
    },
    async (request) => {
      const identity = identityOf(request);
      if (request.query.force) requireAdministrator(identity);
      const { group, jobs } = await removeGroup(manager, idOf(request.params), identity, request.query);
      return groupBodyOf(group, jobs);
    },
  );
}

function requireAdministrator(identity: Identity): void {
  if (identity.roles.has('admin')) return;
  throw new RuntimeError('ERR_FORBIDDEN', { username: identity.username, permission: 'force', roles: 'admin' });
}
