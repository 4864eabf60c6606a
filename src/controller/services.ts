/** The services of the tier, as many as are wanted, each on its own port of this process. */
import type { Logger } from '../common/logger.ts';
import { createAggregatorService } from './aggregator/main.ts';
import type { Authenticator } from './iam/authenticator.ts';
import { createJobManagerService } from './job-manager/main.ts';
import { addLighthouse, createLighthouseService, lighthouseChecks } from './lighthouse/main.ts';
import { createMatchmakerService } from './matchmaker/main.ts';
import type { HealthCheck } from './service/health.ts';
import { type Listening, listen, type Service } from './service/listening.ts';
import type { ServiceUrl } from './service/peer.ts';
import type { ControllerConfig, ServiceName } from './settings.ts';
import { createShellBackendService } from './shell-backend/main.ts';
import type { Database } from './store/database.ts';

export interface TierParts {
  readonly config: ControllerConfig;
  readonly logger: Logger;
  readonly authenticator: Authenticator;
  /** Absent when no service here keeps anything. */
  readonly database: Database | undefined;
  /** Health of what else runs in this process. */
  readonly checks: readonly HealthCheck[];
}

/** Where each service is: in this process once it listens, or elsewhere. */
export interface Addresses {
  of(service: ServiceName): string;
  /** The same, to be asked later. */
  later(service: ServiceName): ServiceUrl;
}

export interface RunningServices extends AsyncDisposable {
  readonly urls: Readonly<Partial<Record<ServiceName, string>>>;
  readonly grpcPort: number | undefined;
}

const KEEPS_STATE: readonly ServiceName[] = ['lighthouse', 'job-manager'];

/** Matchmakers of several machines share their promises; with SQLite there is one machine and one matchmaker. */
const sharesPromises = ({ only, databaseUrl }: ControllerConfig): boolean =>
  only.includes('matchmaker') && /^postgres(ql)?:/.test(databaseUrl);

export const needsDatabase = (config: ControllerConfig): boolean =>
  KEEPS_STATE.some((name) => config.only.includes(name)) || sharesPromises(config);

export class ServiceAddresses implements Addresses {
  readonly urls: Partial<Record<ServiceName, string>> = {};
  readonly #config: ControllerConfig;

  constructor(config: ControllerConfig) {
    this.#config = config;
  }

  of(service: ServiceName): string {
    return this.urls[service] ?? this.#configured(service);
  }

  later(service: ServiceName): ServiceUrl {
    return () => this.of(service);
  }

  /** What the configuration says: elsewhere, or the port of this machine that it would have. */
  #configured(service: ServiceName): string {
    const { host, ...config } = this.#config;
    const here = (port: number): string => `http://${reachable(host)}:${port}`;
    switch (service) {
      case 'job-manager':
        return config.jobManagerUrl ?? here(config.jobManagerPort);
      case 'matchmaker':
        return config.matchmakerUrl ?? here(config.matchmakerPort);
      case 'aggregator':
        return config.aggregatorUrl ?? here(config.aggregatorPort);
      case 'lighthouse':
        return config.lighthouseUrl ?? here(config.shellPort);
      case 'shell-backend':
        return here(config.shellPort);
    }
  }
}

/** A process that listens on all addresses reaches itself by loopback. */
export const reachable = (host: string): string =>
  host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '[::1]' : host.includes(':') ? `[${host}]` : host;

/** Starts them so that each finds those it asks; the first that cannot listen takes the others down again. */
export async function startServices(parts: TierParts, addresses: ServiceAddresses): Promise<RunningServices> {
  const { host, only } = parts.config;
  const running: AsyncDisposable[] = [];
  const close = async (): Promise<void> => {
    for (const part of running.splice(0).reverse()) await part[Symbol.asyncDispose]();
  };
  let grpcPort: number | undefined;
  const serve = async (names: readonly ServiceName[], service: Service, port: number): Promise<Listening> => {
    const listening = await listen(service, { host, port });
    running.push(listening);
    for (const name of names) addresses.urls[name] = `http://${reachable(host)}:${listening.port}`;
    return listening;
  };
  try {
    if (only.includes('aggregator')) grpcPort = await serveAggregator(parts, serve, running);
    if (only.includes('matchmaker')) {
      await serve(['matchmaker'], await matchmaker(parts, addresses), parts.config.matchmakerPort);
    }
    if (only.includes('job-manager')) {
      await serve(['job-manager'], await jobManager(parts, addresses), parts.config.jobManagerPort);
    }
    await serveEntry(parts, addresses, serve);
  } catch (thrown) {
    await close();
    throw thrown;
  }
  return { urls: addresses.urls, grpcPort, [Symbol.asyncDispose]: close };
}

type Serve = (names: readonly ServiceName[], service: Service, port: number) => Promise<Listening>;

async function serveAggregator(
  parts: TierParts,
  serve: Serve,
  running: AsyncDisposable[],
): Promise<number | undefined> {
  const { host, aggregatorPort, aggregatorGrpcPort, prometheusUrl, prometheusToken } = parts.config;
  const service = await createAggregatorService({
    ...basics(parts),
    ...(prometheusUrl === undefined ? {} : { prometheusUrl }),
    ...(prometheusToken === undefined ? {} : { prometheusToken }),
  });
  await serve(['aggregator'], service, aggregatorPort);
  if (aggregatorGrpcPort === undefined) return undefined;
  const grpc = await service.listenGrpc({ host, port: aggregatorGrpcPort });
  running.push(grpc);
  return grpc.port;
}

const basics = ({ authenticator, logger }: TierParts): Pick<TierParts, 'authenticator' | 'logger'> => ({
  authenticator,
  logger,
});

const matchmaker = (parts: TierParts, addresses: Addresses): Promise<Service> =>
  createMatchmakerService({
    ...basics(parts),
    aggregatorUrl: addresses.later('aggregator'),
    jobManagerUrl: addresses.later('job-manager'),
    ...(sharesPromises(parts.config) ? { database: stateOf(parts) } : {}),
  });

const jobManager = (parts: TierParts, addresses: Addresses): Promise<Service> =>
  createJobManagerService({
    ...basics(parts),
    database: stateOf(parts),
    matchmakerUrl: addresses.later('matchmaker'),
    ...(parts.config.policyManagerUrl === undefined ? {} : { policyManagerUrl: parts.config.policyManagerUrl }),
  });

/** Shell backend and lighthouse share one listener when both run. */
async function serveEntry(parts: TierParts, addresses: Addresses, serve: Serve): Promise<void> {
  const { only, shellPort, lighthouseUrl } = parts.config;
  const hasLighthouse = only.includes('lighthouse');
  if (!only.includes('shell-backend')) {
    if (!hasLighthouse) return;
    await serve(
      ['lighthouse'],
      await createLighthouseService({ ...basics(parts), database: stateOf(parts) }),
      shellPort,
    );
    return;
  }
  const dependencies = {
    ...basics(parts),
    jobManagerUrl: addresses.later('job-manager'),
    aggregatorUrl: addresses.later('aggregator'),
    checks: parts.checks,
    ...(hasLighthouse || lighthouseUrl === undefined ? {} : { lighthouseUrl }),
  };
  if (!hasLighthouse) {
    await serve(['shell-backend'], await createShellBackendService(dependencies), shellPort);
    return;
  }
  const lighthouse = { ...basics(parts), database: stateOf(parts) };
  const guest = {
    checks: lighthouseChecks(lighthouse),
    add: (base: Parameters<typeof addLighthouse>[0]) => addLighthouse(base, lighthouse),
  };
  const service = await createShellBackendService({ ...dependencies, guest });
  await serve(['shell-backend', 'lighthouse'], service, shellPort);
}

function stateOf({ database }: TierParts): Database {
  if (database === undefined) throw new Error('a service that keeps state was started without a database');
  return database;
}
