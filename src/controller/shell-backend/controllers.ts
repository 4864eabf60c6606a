import { z } from 'zod';
import { controllerBody, controllerList } from '../../contracts/icos/lighthouse.ts';
import type { ServiceApp } from '../service/app.ts';
import type { Peer } from '../service/peer.ts';
import { callFor, passOn } from './relay.ts';

const CONTROLLERS = '/api/v3/controller';
const tags = ['controllers'];

/**
 * Once a shell knows a controller it asks that one for the others too: where the lighthouse is not in this process, the
 * question goes on to it.
 */
export function relayControllers(app: ServiceApp, lighthouse: Peer): void {
  app.get(
    CONTROLLERS,
    { config: { access: 'public' }, schema: { tags, response: { 200: controllerList } } },
    async (request, reply) =>
      passOn(reply, await lighthouse.call({ method: 'GET', path: CONTROLLERS, requestId: request.id })),
  );
  app.post(
    CONTROLLERS,
    {
      config: { access: 'controllers:register' },
      schema: { tags, body: controllerBody, response: { 201: z.string() } },
    },
    async (request, reply) =>
      passOn(reply, await lighthouse.call(callFor(request, { method: 'POST', path: CONTROLLERS, body: request.body }))),
  );
}
