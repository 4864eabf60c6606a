import { z } from 'zod';
import { RuntimeError } from '../../common/errors.ts';
import { it1ResourceBody } from '../../contracts/icos/shell.ts';
import { parseTaxonomy, taxonomyBody } from '../../contracts/icos/taxonomy.ts';
import type { ServiceApp } from '../service/app.ts';
import type { Peer } from '../service/peer.ts';
import { callFor, passOn } from './relay.ts';
import { resourcesOf } from './seed-forms.ts';

const RESOURCES = '/api/v3/resource';
const tags = ['resources'];

export function serveResources(app: ServiceApp, aggregator: Peer): void {
  app.get(
    RESOURCES,
    {
      config: { access: 'taxonomy:read' },
      schema: {
        tags,
        querystring: z.object({
          view: z.enum(['taxonomy', 'list']).default('taxonomy').describe('`list` is the seed’s.'),
        }),
        response: { 200: z.union([taxonomyBody, z.array(it1ResourceBody)]) },
      },
    },
    async (request, reply) => {
      const answer = await aggregator.call(callFor(request, { method: 'GET', path: '/' }));
      return request.query.view === 'list'
        ? passOn(reply, answer, (body) => resourcesOf(parseTaxonomy(body)))
        : passOn(reply, answer);
    },
  );
  app.get(
    `${RESOURCES}/:resourceId`,
    {
      config: { access: 'taxonomy:read' },
      schema: {
        tags,
        params: z.object({ resourceId: z.string().regex(/^\d{1,16}$/, 'is not a number') }),
        response: { 200: it1ResourceBody },
      },
    },
    async (request) => {
      const { resourceId } = request.params;
      const taxonomy = await aggregator.json(callFor(request, { method: 'GET', path: '/' }), z.unknown());
      const found = resourcesOf(parseTaxonomy(taxonomy)).find(({ id }) => id === Number(resourceId));
      if (found === undefined) throw new RuntimeError('ERR_CLUSTER_RESOURCE_UNKNOWN', { resource: resourceId });
      return found;
    },
  );
}
