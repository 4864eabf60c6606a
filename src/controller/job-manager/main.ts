import type { RuntimeError } from '../../common/errors.ts';
import type { Logger } from '../../common/logger.ts';
import type { Authenticator } from '../iam/authenticator.ts';
import { acceptText, createServiceApp, type ServiceApp } from '../service/app.ts';
import { createStoredAudit } from '../service/audit.ts';
import { every } from '../service/every.ts';
import { databaseCheck, issuerCheck, peerCheck } from '../service/health-checks.ts';
import type { Service } from '../service/listening.ts';
import { Peer, type ServiceUrl } from '../service/peer.ts';
import type { Database } from '../store/database.ts';
import { ChangeFeed } from './change-feed.ts';
import { JOB_MANAGER_DEFAULTS, type JobManager, type JobManagerSettings } from './context.ts';
import { deliverAll } from './deliveries.ts';
import { observeJobs } from './job-metrics.ts';
import { createMatchmaker } from './matchmaker.ts';
import { POLICY_MANAGER } from './policy-events.ts';
import { serveAudit } from './routes/audit.ts';
import { serveGroups } from './routes/groups.ts';
import { serveIt1 } from './routes/it1.ts';
import { serveJobs } from './routes/jobs.ts';
import { sweep } from './sweep.ts';
import { Watchers } from './watchers.ts';

export interface JobManagerDependencies {
  readonly database: Database;
  readonly authenticator: Authenticator;
  readonly logger: Logger;
  readonly matchmakerUrl: ServiceUrl;
  /** With its prefix, if it has one (`http://…/polman`). Absent: nobody is told about deployments. */
  readonly policyManagerUrl?: ServiceUrl;
}

/** The job manager: deployments in, jobs out to drivers, what becomes of them back. */
export async function createJobManagerService(
  dependencies: JobManagerDependencies,
  options: Partial<JobManagerSettings> = {},
): Promise<Service> {
  const { database, authenticator, logger } = dependencies;
  const settings = { ...JOB_MANAGER_DEFAULTS, ...options };
  const matchmaker = new Peer({ name: 'matchmaker', url: dependencies.matchmakerUrl });
  const peers = policyPeers(dependencies.policyManagerUrl);
  const audit = createStoredAudit(database, logger);
  const { app, metrics, streams } = await createServiceApp({
    name: 'job-manager',
    description: 'Deployments as groups of jobs, which deployment drivers claim, execute and report on.',
    logger,
    authenticator,
    audit,
    checks: [databaseCheck(database), issuerCheck(authenticator), ...[matchmaker, ...peers.values()].map(peerCheck)],
    ...(settings.originalStatuses ? { statusOf: originalStatusOf } : {}),
  });
  const sweeping = every(settings.sweepMs, () => sweep(manager, authenticator), logger);
  const delivering = every(
    settings.sweepMs,
    () => deliverAll({ database, peers, authenticator, logger, now: settings.now }),
    logger,
  );
  const manager: JobManager = {
    database,
    settings,
    matchmaker: createMatchmaker(matchmaker),
    changes: new ChangeFeed(),
    tellsPolicyManager: peers.size > 0,
    logger,
    wake: () => {
      sweeping.wake();
      delivering.wake();
    },
  };
  const watchers = new Watchers(manager, logger);
  acceptText(app, ['*']);
  serveGreetings(app, database);
  serveGroups(app, manager, { watchers, streams });
  serveJobs(app, manager);
  serveIt1(app, manager);
  serveAudit(app, database);
  observeJobs(metrics, database, logger);
  return {
    name: 'job-manager',
    app,
    start: () => {
      sweeping.start();
      delivering.start();
      watchers.start();
    },
    [Symbol.asyncDispose]: async () => {
      await Promise.all([sweeping.stop(), delivering.stop(), watchers.stop()]);
      await audit[Symbol.asyncDispose]();
      await Promise.all([matchmaker, ...peers.values()].map((peer) => peer[Symbol.asyncDispose]()));
    },
  };
}

const policyPeers = (url: ServiceUrl | undefined): ReadonlyMap<string, Peer> =>
  new Map(url === undefined ? [] : [[POLICY_MANAGER, new Peer({ name: POLICY_MANAGER, url })]]);

/** The released job manager answers 500 to a bad token (a driver logs in anew then) and 400 where others say 404 or 409. */
function originalStatusOf(error: RuntimeError): number {
  if (error.code === 'ERR_AUTH_EXPIRED' || error.code === 'ERR_AUTH_INVALID') return 500;
  return error.status === 404 || error.status === 409 ? 400 : error.status;
}

function serveGreetings(app: ServiceApp, database: Database): void {
  const greet = (path: string, text: string): void => {
    app.get(path, { config: { access: 'public' }, schema: { tags: ['operation'] } }, async (_request, reply) => {
      const problem = await database.probe();
      const answer = problem === undefined ? text : `Job Manager degraded: ${problem}`;
      void reply.status(problem === undefined ? 200 : 503).type('application/json; charset=utf-8');
      return reply.serializer(JSON.stringify).send(answer);
    });
  };
  greet('/jobmanager', 'Welcome To ICOS Job Manager API');
  greet('/jobmanager/healthz', 'Job Manager working properly!');
  greet('/jobmanager/healthcheck', 'Job Manager working properly!');
}
