import type { FastifyInstance } from 'fastify';
import { z } from 'zod';

/** One thing a service depends on. */
export interface HealthCheck {
  readonly name: string;
  /** A service without a required part cannot serve and says so with 503 at /readyz. */
  readonly required: boolean;
  /** Undefined when all is well, else why not. Must answer quickly: it is asked on every probe. */
  readonly probe: () => string | undefined | Promise<string | undefined>;
}

export const healthBody = z.object({
  service: z.string(),
  status: z.enum(['ok', 'degraded']),
  parts: z.array(
    z.object({
      name: z.string(),
      required: z.boolean(),
      status: z.enum(['ok', 'degraded']),
      reason: z.string().optional(),
    }),
  ),
});
export type HealthBody = z.output<typeof healthBody>;

export async function healthOf(service: string, checks: readonly HealthCheck[]): Promise<HealthBody> {
  const parts = await Promise.all(checks.map(part));
  const degraded = parts.some((entry) => entry.status === 'degraded');
  return { service, status: degraded ? 'degraded' : 'ok', parts };
}

async function part(check: HealthCheck): Promise<HealthBody['parts'][number]> {
  const { name, required } = check;
  const reason = await Promise.resolve()
    .then(() => check.probe())
    .catch((thrown: unknown) => (thrown instanceof Error ? thrown.message : String(thrown)));
  return reason === undefined ? { name, required, status: 'ok' } : { name, required, status: 'degraded', reason };
}

/** `/healthz`: the process lives, and how its parts are. `/readyz`: whether to send requests here. */
export function serveHealth(app: FastifyInstance, service: string, checks: readonly HealthCheck[]): void {
  const schema = { tags: ['operation'], response: { 200: healthBody } };
  app.get('/healthz', { config: { access: 'public' }, schema }, () => healthOf(service, checks));
  app.get(
    '/readyz',
    { config: { access: 'public' }, schema: { ...schema, response: { 200: healthBody, 503: healthBody } } },
    async (_request, reply) => {
      const health = await healthOf(service, checks);
      const missing = health.parts.some((entry) => entry.required && entry.status === 'degraded');
      return reply.status(missing ? 503 : 200).send(health);
    },
  );
}
