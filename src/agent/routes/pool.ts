/** The pool of resources: COMPSs's endpoints, in both dialects. */
import { z } from 'zod';
import { BODIES } from '../../contracts/agent/bodies.ts';
import { resourcesReply } from '../../contracts/agent/views.ts';
import { negotiate } from '../http/accept.ts';
import { resourcesBody, resourcesText } from '../resources-body.ts';
import type { AgentApp, RouteContext } from './context.ts';

const TAGS = ['pool'];
const done = z.string().describe('Empty');

export function addPoolRoutes(app: AgentApp, context: RouteContext): void {
  addReadRoutes(app, context);
  addChangeRoutes(app, context);
}

function addReadRoutes(app: AgentApp, { backend, now, print }: RouteContext): void {
  app.get(
    '/COMPSs/test',
    { config: { role: 'read' }, schema: { tags: TAGS, summary: 'Health check', response: { 200: done } } },
    async (_request, reply) => {
      print('test invoked');
      return reply.send('');
    },
  );

  app.get(
    '/COMPSs/resources',
    {
      config: { role: 'read' },
      schema: { tags: TAGS, summary: 'The pool of resources where to offload onto', response: { 200: resourcesReply } },
    },
    async (request, reply) => {
      const type = negotiate(request.headers.accept, ['text/plain', 'application/json'] as const) ?? 'text/plain';
      const body = resourcesBody(backend.resources(), Math.round(now()), type === 'application/json');
      return reply.type(type).send(JSON.stringify(body) as never);
    },
  );

  app.get(
    '/COMPSs/printResources',
    {
      config: { role: 'read' },
      schema: { tags: TAGS, summary: "Prints the pool on the agent's stdout", response: { 200: done } },
    },
    async (_request, reply) => {
      print(resourcesText(backend.resources(), Math.round(now())));
      return reply.send('');
    },
  );
}

function addChangeRoutes(app: AgentApp, { backend }: RouteContext): void {
  app.put(
    '/COMPSs/addResources',
    {
      config: { role: 'admin', xmlRoot: BODIES.addResources.root },
      schema: {
        tags: TAGS,
        summary: 'Adds a node, or more of a known one',
        body: BODIES.addResources.schema,
        response: { 200: done },
      },
    },
    async (request, reply) => {
      request.subject = request.body.name;
      await backend.addResource(request.body);
      return reply.send('');
    },
  );

  for (const path of ['/COMPSs/removeResources', '/COMPSs/removeResource']) {
    app.put(
      path,
      {
        config: { role: 'admin', xmlRoot: BODIES.removeResources.root },
        schema: {
          tags: TAGS,
          summary: 'Takes resources away from a node as they become free',
          body: BODIES.removeResources.schema,
          response: { 200: done },
        },
      },
      async (request, reply) => {
        request.subject = request.body.name;
        backend.reduceResource(request.body);
        return reply.send('');
      },
    );
  }

  app.put(
    '/COMPSs/removeNode',
    {
      config: { role: 'admin', xmlRoot: BODIES.removeNode.root },
      schema: {
        tags: TAGS,
        summary: 'Removes a node when its tasks have ended',
        body: BODIES.removeNode.schema,
        response: { 200: done },
      },
    },
    async (request, reply) => {
      request.subject = request.body.name;
      backend.removeNode(request.body.name);
      return reply.send('');
    },
  );

  app.put(
    '/COMPSs/lostNode',
    {
      config: { role: 'admin', xmlRoot: BODIES.lostNode.root },
      schema: {
        tags: TAGS,
        summary: 'Says that a node is dead: what ran there runs elsewhere',
        body: BODIES.lostNode.schema,
        response: { 200: done },
      },
    },
    async (request, reply) => {
      request.subject = request.body.name;
      backend.lostNode(request.body.name, 'reported lost by a request');
      return reply.send('');
    },
  );
}
