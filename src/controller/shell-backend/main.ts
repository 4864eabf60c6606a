import type { Logger } from '../../common/logger.ts';
import type { Authenticator } from '../iam/authenticator.ts';
import { acceptText, createServiceApp, type ServiceBase } from '../service/app.ts';
import type { HealthCheck } from '../service/health.ts';
import { issuerCheck, peerCheck } from '../service/health-checks.ts';
import type { Service } from '../service/listening.ts';
import { Peer, type ServiceUrl } from '../service/peer.ts';
import { relayControllers } from './controllers.ts';
import { serveDeployments } from './deployments.ts';
import { serveJobs } from './jobs.ts';
import { StreamRelay } from './relay.ts';
import { serveResources } from './resources.ts';
import { serveUsers } from './users.ts';

export interface ShellBackendDependencies {
  readonly authenticator: Authenticator;
  readonly logger: Logger;
  readonly jobManagerUrl: ServiceUrl;
  readonly aggregatorUrl: ServiceUrl;
  /** Where controllers are listed, when that is not this process. */
  readonly lighthouseUrl?: ServiceUrl;
  /** Of what else runs in this process. */
  readonly checks?: readonly HealthCheck[];
  /** A part that shares this listener (the lighthouse), with its health checks. */
  readonly guest?: {
    readonly checks: readonly HealthCheck[];
    readonly add: (base: ServiceBase) => Pick<Service, 'start' | typeof Symbol.asyncDispose>;
  };
}

/** The one address of a controller that users talk to. It keeps nothing: everything is asked of the services behind. */
export async function createShellBackendService(dependencies: ShellBackendDependencies): Promise<Service> {
  const { authenticator, logger, guest } = dependencies;
  const jobManager = new Peer({ name: 'job-manager', url: dependencies.jobManagerUrl });
  const aggregator = new Peer({ name: 'aggregator', url: dependencies.aggregatorUrl });
  const { lighthouseUrl } = dependencies;
  const lighthouse = lighthouseUrl === undefined ? undefined : new Peer({ name: 'lighthouse', url: lighthouseUrl });
  const peers = [jobManager, aggregator, ...(lighthouse === undefined ? [] : [lighthouse])];
  const base = await createServiceApp({
    name: 'shell-backend',
    description: 'The entry to a controller: deployments, resources, controllers, log-in.',
    logger,
    authenticator,
    checks: [
      issuerCheck(authenticator),
      ...peers.map(peerCheck),
      ...(guest?.checks ?? []),
      ...(dependencies.checks ?? []),
    ],
  });
  const { app } = base;
  const streams = new StreamRelay();
  app.addHook('preClose', (done) => {
    streams.closeAll();
    done();
  });
  acceptText(app, ['*']);
  app.get(
    '/api/v3/healthcheck',
    { config: { access: 'public' }, schema: { tags: ['operation'] } },
    async (_request, reply) => reply.send(''),
  );
  serveDeployments(app, { jobManager, streams });
  serveJobs(app, jobManager);
  serveResources(app, aggregator);
  serveUsers(app, authenticator);
  if (guest === undefined && lighthouse !== undefined) relayControllers(app, lighthouse);
  const part = guest?.add(base);
  return {
    name: 'shell-backend',
    app,
    start: () => part?.start(),
    [Symbol.asyncDispose]: async () => {
      await part?.[Symbol.asyncDispose]();
      await Promise.all(peers.map((peer) => peer[Symbol.asyncDispose]()));
    },
  };
}
