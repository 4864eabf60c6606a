import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { RuntimeError } from '../../common/errors.ts';
import { sendError } from './errors.ts';

interface KnownRoute {
  readonly segments: readonly string[];
  readonly methods: Set<string>;
}

/** 405 with `Allow` for a known path and another method, 404 for the rest, whatever the body. Before the routes are added. */
export function installUnknownRoutes(app: FastifyInstance): void {
  const known: KnownRoute[] = [];
  app.addHook('onRoute', ({ method, url }) => {
    known.push({ segments: segmentsOf(url), methods: new Set([method].flat()) });
  });
  const answer = (request: FastifyRequest, reply: FastifyReply): FastifyReply => {
    const path = request.url.split('?', 1)[0] ?? '';
    const allowed = new Set(
      known.filter((route) => fits(route, segmentsOf(path))).flatMap(({ methods }) => [...methods]),
    );
    if (allowed.size === 0) {
      return sendError(request, reply, new RuntimeError('ERR_ROUTE_UNKNOWN', { method: request.method, path }));
    }
    const list = [...allowed].sort().join(', ');
    reply.header('allow', list);
    const details = { path, method: request.method, allowed: list };
    return sendError(request, reply, new RuntimeError('ERR_METHOD_NOT_ALLOWED', details));
  };
  app.setNotFoundHandler(answer);
  app.addHook('onRequest', (request, reply, done) => {
    if (request.is404) answer(request, reply);
    else done();
  });
}

const segmentsOf = (path: string): string[] => path.split('/').filter((segment) => segment !== '');

const fits = (route: KnownRoute, path: readonly string[]): boolean =>
  route.segments.length === path.length &&
  route.segments.every((segment, index) => segment.startsWith(':') || segment === path[index]);
