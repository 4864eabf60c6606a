import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { nodeAnnouncement } from '../../contracts/icos/node-announcement.ts';
import { it1TaxonomyBody, taxonomyBody } from '../../contracts/icos/taxonomy.ts';
import { identityOf } from '../service/access.ts';
import type { ServiceApp } from '../service/app.ts';
import type { AnnouncedNodes } from './announced-nodes.ts';
import type { Answers, Form } from './answers.ts';

const tags = ['taxonomy'];
const NODE = '/nodes/:cluster/:node';
const params = z.object({ cluster: z.string().min(1).max(253), node: z.string().min(1).max(253) });

export function serveTaxonomy(app: ServiceApp, answers: Answers): void {
  const send = async (request: FastifyRequest, reply: FastifyReply, form: Form): Promise<void> => {
    const { body, etag } = await answers.written(form);
    void reply.header('etag', etag).header('cache-control', 'no-cache');
    if (request.headers['if-none-match'] === etag) await reply.status(304).send();
    else await reply.type('application/json; charset=utf-8').send(body);
  };
  const querystring = z.object({ form: z.enum(['release', 'it1']).optional() });
  app.get(
    '/',
    {
      config: { access: 'taxonomy:read' },
      schema: { tags, querystring, response: { 200: z.union([taxonomyBody, it1TaxonomyBody]) } },
    },
    async (request, reply) => {
      await send(request, reply, request.query.form ?? 'release');
      return reply;
    },
  );
  // Where the seed's text puts the aggregator; its form has the clusters at the top.
  app.get(
    '/api/v1',
    { config: { access: 'taxonomy:read' }, schema: { tags, response: { 200: it1TaxonomyBody } } },
    async (request, reply) => {
      await send(request, reply, 'it1');
      return reply;
    },
  );
}

export function serveAnnouncements(app: ServiceApp, announced: AnnouncedNodes): void {
  app.put(
    NODE,
    {
      config: { access: 'nodes:announce' },
      schema: { tags, params, body: nodeAnnouncement, response: { 204: z.null() } },
    },
    async (request, reply) => {
      announced.put(request.params, request.body, identityOf(request).subject);
      return reply.status(204).send(null);
    },
  );
  app.delete(
    NODE,
    { config: { access: 'nodes:announce' }, schema: { tags, params, response: { 204: z.null() } } },
    async (request, reply) => {
      const { subject, roles } = identityOf(request);
      announced.remove(request.params, subject, roles.has('admin'));
      return reply.status(204).send(null);
    },
  );
}
