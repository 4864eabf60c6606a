/** The controller tier as one process: services, drivers, its entry at the lighthouse. */
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { RuntimeError } from '../common/errors.ts';
import type { Logger } from '../common/logger.ts';
import { createDrivers } from './drivers.ts';
import type { Authenticator } from './iam/authenticator.ts';
import { createNoAuth } from './iam/no-auth.ts';
import { createOidcAuthenticator } from './iam/oidc-authenticator.ts';
import { createAnnouncer } from './lighthouse/announcer.ts';
import type { HealthCheck } from './service/health.ts';
import { needsDatabase, ServiceAddresses, startServices } from './services.ts';
import type { ControllerConfig, ServiceName } from './settings.ts';
import { type Database, openDatabase } from './store/database.ts';

export interface StartOptions {
  readonly config: ControllerConfig;
  readonly logger: Logger;
  /** What starts this command line, for the agents of the process driver. */
  readonly program: readonly [string, ...string[]];
}

export interface RunningController extends AsyncDisposable {
  readonly urls: Readonly<Partial<Record<ServiceName, string>>>;
  readonly grpcPort: number | undefined;
}

/** Resolves when everything listens. Disposing ends drivers first, so that the job manager hears what they leave. */
export async function startController({ config, logger, program }: StartOptions): Promise<RunningController> {
  const running: AsyncDisposable[] = [];
  const close = async (): Promise<void> => {
    for (const part of running.splice(0).reverse()) await part[Symbol.asyncDispose]();
  };
  try {
    const authenticator =
      config.oidc === undefined ? createNoAuth([config.host]) : createOidcAuthenticator(config.oidc);
    const database = needsDatabase(config) ? await openWhenThere(config, logger) : undefined;
    if (database !== undefined) running.push(database);
    const addresses = new ServiceAddresses(config);
    const drivers = await createDrivers({ config, logger, authenticator, addresses, program });
    const announcer = announcerOf(config, authenticator, addresses, logger);
    const checks: HealthCheck[] = [...drivers.checks, ...(announcer === undefined ? [] : [announcer.check])];
    const services = await startServices({ config, logger, authenticator, database, checks }, addresses).catch(
      async (thrown: unknown) => {
        await drivers[Symbol.asyncDispose]();
        throw thrown;
      },
    );
    running.push(services, ...(announcer === undefined ? [] : [announcer]), drivers);
    announcer?.start();
    drivers.start();
    return { urls: services.urls, grpcPort: services.grpcPort, [Symbol.asyncDispose]: close };
  } catch (thrown) {
    await close();
    throw thrown;
  }
}

export const authenticatorOf = ({ oidc, host }: ControllerConfig): Authenticator =>
  oidc === undefined ? createNoAuth([host]) : createOidcAuthenticator(oidc);

/** A controller whose shells have an address is listed at the lighthouse, its own or another. */
function announcerOf(
  config: ControllerConfig,
  authenticator: Authenticator,
  addresses: ServiceAddresses,
  logger: Logger,
): ReturnType<typeof createAnnouncer> | undefined {
  const { only, lighthouseUrl, name, domain, advertise } = config;
  if (!only.includes('shell-backend') || (lighthouseUrl === undefined && !only.includes('lighthouse')))
    return undefined;
  const entry = () => ({ name, address: advertise ?? new URL(addresses.of('shell-backend')).host });
  return createAnnouncer({
    lighthouseUrl: lighthouseUrl ?? addresses.later('lighthouse'),
    entry,
    domain,
    authenticator,
    logger,
  });
}

const FIRST_WAIT_MS = 200;
const LONGEST_WAIT_MS = 5_000;

/** Services that start together come up in any order; a database may take longest. */
async function openWhenThere({ databaseUrl, databaseWaitMs }: ControllerConfig, logger: Logger): Promise<Database> {
  if (!/^postgres(ql)?:/.test(databaseUrl) && databaseUrl !== ':memory:') {
    mkdirSync(dirname(databaseUrl.replace(/^sqlite:(\/\/)?/, '')), { recursive: true, mode: 0o700 });
  }
  const deadline = performance.now() + databaseWaitMs;
  for (let waitMs = FIRST_WAIT_MS; ; waitMs = Math.min(2 * waitMs, LONGEST_WAIT_MS)) {
    try {
      return await openDatabase({ url: databaseUrl });
    } catch (thrown) {
      const isAway = thrown instanceof RuntimeError && thrown.retryable;
      if (!isAway || performance.now() + waitMs > deadline) throw thrown;
      logger.warn({ err: thrown.message }, 'the database does not answer yet');
      await wait(waitMs);
    }
  }
}
