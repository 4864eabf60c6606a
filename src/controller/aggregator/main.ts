import type { Logger } from '../../common/logger.ts';
import type { Authenticator } from '../iam/authenticator.ts';
import { createServiceApp } from '../service/app.ts';
import { issuerCheck } from '../service/health-checks.ts';
import type { Service } from '../service/listening.ts';
import { createAnnouncedNodes } from './announced-nodes.ts';
import { createAnswers } from './answers.ts';
import { type GrpcListening, listenGrpc } from './grpc.ts';
import { createPrometheus } from './prometheus.ts';
import { serveAnnouncements, serveTaxonomy } from './routes.ts';
import { createTelemetry, TELEMETRY_DEFAULTS, type TelemetrySettings, withoutTelemetry } from './telemetry.ts';

export interface AggregatorDependencies {
  readonly authenticator: Authenticator;
  readonly logger: Logger;
  /** Prometheus or Thanos. Absent: only nodes that announce themselves are known. */
  readonly prometheusUrl?: string;
  readonly prometheusToken?: string;
}

export interface AggregatorSettings extends TelemetrySettings {
  readonly queryTimeoutMs: number;
  readonly maxAnswerBytes: number;
}

export const AGGREGATOR_DEFAULTS: AggregatorSettings = {
  ...TELEMETRY_DEFAULTS,
  queryTimeoutMs: 10_000,
  maxAnswerBytes: 512 * 2 ** 20,
};

export interface AggregatorService extends Service {
  /** The same over gRPC, on a port of its own. */
  listenGrpc(options: { readonly host: string; readonly port: number }): Promise<GrpcListening>;
}

/** The aggregator: metrics in, the taxonomy of the continuum out. */
export async function createAggregatorService(
  dependencies: AggregatorDependencies,
  options: Partial<AggregatorSettings> = {},
): Promise<AggregatorService> {
  const { authenticator, logger, prometheusUrl, prometheusToken } = dependencies;
  const settings = { ...AGGREGATOR_DEFAULTS, ...options };
  const source =
    prometheusUrl === undefined
      ? undefined
      : createPrometheus({
          url: prometheusUrl,
          timeoutMs: settings.queryTimeoutMs,
          maxAnswerBytes: settings.maxAnswerBytes,
          ...(prometheusToken === undefined ? {} : { bearerToken: prometheusToken }),
        });
  const telemetry = source === undefined ? withoutTelemetry : createTelemetry(source, settings, logger);
  const announced = createAnnouncedNodes(settings.now);
  const answers = createAnswers(telemetry, announced);
  const { app } = await createServiceApp({
    name: 'aggregator',
    description: 'The clusters and nodes of the continuum: what they are, what they have, what they run.',
    logger,
    authenticator,
    checks: [issuerCheck(authenticator), { name: 'prometheus', required: false, probe: () => telemetry.problems()[0] }],
  });
  serveTaxonomy(app, answers);
  serveAnnouncements(app, announced);
  return {
    name: 'aggregator',
    app,
    listenGrpc: (address) => listenGrpc(answers, authenticator, address),
    // The first request should not be the one that waits for Prometheus.
    start: () => {
      telemetry.snapshot().catch((thrown: unknown) => logger.warn({ err: String(thrown) }, 'no taxonomy yet'));
    },
    [Symbol.asyncDispose]: async () => {
      await source?.[Symbol.asyncDispose]();
    },
  };
}
