/** What operators ask of the agent: health, metrics, the description of its interface. */
import { healthBody } from '../../contracts/agent/views.ts';
import type { AgentMetrics } from '../metrics.ts';
import type { AgentApp, RouteContext } from './context.ts';

const TAGS = ['service'];

export function addServiceRoutes(app: AgentApp, context: RouteContext, metrics: AgentMetrics): void {
  const { backend, version } = context;
  app.get(
    '/healthz',
    { schema: { tags: TAGS, summary: 'The process answers', response: { 200: healthBody } } },
    async () => ({
      status: 'ok' as const,
      name: backend.name,
      version,
      reasons: [],
      ...(backend.incarnation === undefined ? {} : { incarnation: backend.incarnation }),
    }),
  );

  app.get(
    '/readyz',
    { schema: { tags: TAGS, summary: 'The agent takes work', response: { 200: healthBody, 503: healthBody } } },
    async (_request, reply) => {
      const reasons = [...backend.notReady()];
      const status = reasons.length === 0 ? ('ok' as const) : ('unavailable' as const);
      return reply.code(reasons.length === 0 ? 200 : 503).send({ status, name: backend.name, version, reasons });
    },
  );

  app.get(
    '/metrics',
    { config: { role: 'read' }, schema: { tags: TAGS, summary: 'Metrics as Prometheus reads them' } },
    async (_request, reply) => reply.type(metrics.contentType).send(await metrics.text()),
  );

  app.get('/docs', { schema: { hide: true } }, async () => app.swagger());
}
