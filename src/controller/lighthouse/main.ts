import type { Logger } from '../../common/logger.ts';
import type { Authenticator } from '../iam/authenticator.ts';
import { createServiceApp, type ServiceBase } from '../service/app.ts';
import { every } from '../service/every.ts';
import type { HealthCheck } from '../service/health.ts';
import { databaseCheck, issuerCheck } from '../service/health-checks.ts';
import type { Service } from '../service/listening.ts';
import type { Database } from '../store/database.ts';
import { createLighthouseRepository } from './repository.ts';
import { serveLighthouse } from './routes.ts';
import { createLighthouse, type LighthouseOptions } from './service.ts';

export interface LighthouseDependencies {
  readonly database: Database;
  readonly authenticator: Authenticator;
  readonly logger: Logger;
}

export const LIGHTHOUSE_DEFAULTS: LighthouseOptions = { leaseMs: 60_000, gatherMs: 20, now: Date.now };

/** The lighthouse as a service of its own. The shell backend has the same routes: one listener serves both. */
export async function createLighthouseService(
  dependencies: LighthouseDependencies,
  options: Partial<LighthouseOptions> = {},
): Promise<Service> {
  const base = await createServiceApp({
    name: 'lighthouse',
    description: 'The fixed address that lists the controllers of the continuum.',
    logger: dependencies.logger,
    authenticator: dependencies.authenticator,
    checks: lighthouseChecks(dependencies),
  });
  base.app.get('/api/v3/healthcheck', { config: { access: 'public' } }, async (_request, reply) => reply.send(''));
  const part = addLighthouse(base, dependencies, options);
  return { name: 'lighthouse', app: base.app, ...part };
}

export const lighthouseChecks = (dependencies: LighthouseDependencies): readonly HealthCheck[] => [
  databaseCheck(dependencies.database),
  issuerCheck(dependencies.authenticator),
];

/** Adds the lighthouse's routes to a service, and gives what it does on its own. */
export function addLighthouse(
  base: ServiceBase,
  dependencies: LighthouseDependencies,
  options: Partial<LighthouseOptions> = {},
): Pick<Service, 'start' | typeof Symbol.asyncDispose> {
  const settings = { ...LIGHTHOUSE_DEFAULTS, ...options };
  const lighthouse = createLighthouse(createLighthouseRepository(dependencies.database), settings);
  serveLighthouse(base.app, lighthouse);
  const sweeping = every(settings.leaseMs / 2, () => lighthouse.removeExpired(), dependencies.logger);
  return { start: () => sweeping.start(), [Symbol.asyncDispose]: () => sweeping.stop() };
}
