import type { Logger } from '../../common/logger.ts';
import type { Authenticator } from '../iam/authenticator.ts';
import { acceptText, createServiceApp } from '../service/app.ts';
import { databaseCheck, issuerCheck, peerCheck } from '../service/health-checks.ts';
import type { Service } from '../service/listening.ts';
import { Peer, type ServiceUrl } from '../service/peer.ts';
import type { Database } from '../store/database.ts';
import { createFleetSource, FLEET_SOURCE_DEFAULTS, type FleetSourceSettings } from './fleet-source.ts';
import type { PlacementDefaults } from './placement-request.ts';
import { createPlacer, PLACER_DEFAULTS, type PlacerSettings } from './placer.ts';
import { createOwnPromises } from './promises.ts';
import { serveMatchmaking } from './routes.ts';
import { createSharedPromises } from './shared-promises.ts';

export interface MatchmakerDependencies {
  readonly authenticator: Authenticator;
  readonly logger: Logger;
  readonly aggregatorUrl: ServiceUrl;
  /** Whose jobs hold capacity. Absent: only the metrics tell what is taken. */
  readonly jobManagerUrl?: ServiceUrl;
  /** Shared by all matchmakers of a tier, so that they do not give the same capacity away. Absent: this is the only one. */
  readonly database?: Database;
}

export interface MatchmakerSettings extends PlacementDefaults, FleetSourceSettings, PlacerSettings {}

export const MATCHMAKER_DEFAULTS: MatchmakerSettings = {
  ...FLEET_SOURCE_DEFAULTS,
  ...PLACER_DEFAULTS,
  policy: 'best-fit',
  arrangement: 'free',
  securityLevels: { high: 80, medium: 50, low: 0 },
};

/** The matchmaker: descriptors in, targets and reasons out. It keeps nothing that it could not ask for again. */
export async function createMatchmakerService(
  dependencies: MatchmakerDependencies,
  options: Partial<MatchmakerSettings> = {},
): Promise<Service> {
  const { authenticator, logger, aggregatorUrl, jobManagerUrl, database } = dependencies;
  const settings = { ...MATCHMAKER_DEFAULTS, ...options };
  const aggregator = new Peer({ name: 'aggregator', url: aggregatorUrl });
  const jobManager = jobManagerUrl === undefined ? undefined : new Peer({ name: 'job-manager', url: jobManagerUrl });
  const peers = [aggregator, ...(jobManager === undefined ? [] : [jobManager])];
  const source = createFleetSource({ aggregator, jobManager, authenticator }, settings);
  const promises = database === undefined ? createOwnPromises(settings) : createSharedPromises(database, settings);
  const { app } = await createServiceApp({
    name: 'matchmaker',
    description: 'Finds the node for each component of an application, and says why the others will not do.',
    logger,
    authenticator,
    checks: [
      issuerCheck(authenticator),
      ...(database === undefined ? [] : [databaseCheck(database)]),
      ...peers.map(peerCheck),
      { name: 'reservations', required: false, probe: () => source.problem() },
    ],
  });
  acceptText(app, ['*']);
  serveMatchmaking(app, createPlacer(source, promises, settings), settings);
  return {
    name: 'matchmaker',
    app,
    start: () => undefined,
    [Symbol.asyncDispose]: async () => {
      await Promise.all(peers.map((peer) => peer[Symbol.asyncDispose]()));
    },
  };
}
