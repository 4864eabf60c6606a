import { z } from 'zod';
import {
  ControllerAnswer,
  controllerBody,
  controllerList,
  domainAnswer,
  domainName,
  LEASE_HEADER,
} from '../../contracts/icos/lighthouse.ts';
import { identityOf } from '../service/access.ts';
import type { ServiceApp } from '../service/app.ts';
import type { Lighthouse } from './service.ts';

const BASE = '/api/v3';
/** The two answers to a registration are JSON strings, which are not serialised unless told to. */
const JSON_TYPE = 'application/json; charset=utf-8';

export function serveLighthouse(app: ServiceApp, lighthouse: Lighthouse): void {
  serveControllers(app, lighthouse);
  serveDomains(app, lighthouse);
}

function serveControllers(app: ServiceApp, lighthouse: Lighthouse): void {
  const tags = ['controllers'];
  app.get(
    `${BASE}/controller`,
    {
      config: { access: 'public' },
      schema: { tags, response: { 200: controllerList, 204: z.null().describe('Nobody is registered.') } },
    },
    async (_request, reply) => {
      const controllers = await lighthouse.list();
      return controllers.length === 0 ? reply.status(204).send(null) : reply.send([...controllers]);
    },
  );
  app.post(
    `${BASE}/controller`,
    {
      config: { access: 'controllers:register' },
      schema: {
        tags,
        body: controllerBody,
        response: { 201: z.literal(ControllerAnswer.Added), 202: z.literal(ControllerAnswer.Renewed) },
      },
    },
    async (request, reply) => {
      const result = await lighthouse.register(request.body, identityOf(request));
      void reply
        .header(LEASE_HEADER, lighthouse.leaseMs / 1000)
        .type(JSON_TYPE)
        .serializer(JSON.stringify);
      return result === 'added'
        ? reply.status(201).send(ControllerAnswer.Added)
        : reply.status(202).send(ControllerAnswer.Renewed);
    },
  );
  app.delete(
    `${BASE}/controller/:address`,
    {
      config: { access: 'controllers:register' },
      schema: { tags, params: z.object({ address: z.string().max(253) }), response: { 204: z.null() } },
    },
    async (request, reply) => {
      await lighthouse.deregister(request.params.address, identityOf(request));
      return reply.status(204).send(null);
    },
  );
}

function serveDomains(app: ServiceApp, lighthouse: Lighthouse): void {
  const tags = ['domains'];
  const params = z.object({ domain: domainName });
  app.get(
    `${BASE}/domain/:domain`,
    { config: { access: 'public' }, schema: { tags, params, response: { 200: domainAnswer } } },
    (request) => lighthouse.controllerOf(request.params.domain),
  );
  app.post(
    `${BASE}/domain/:domain`,
    {
      config: { access: 'controllers:register', audit: true },
      schema: { tags, params, body: controllerBody, response: { 200: domainAnswer } },
    },
    (request) => lighthouse.join(request.params.domain, request.body, identityOf(request)),
  );
}
