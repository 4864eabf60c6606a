import type { Logger } from '../../common/logger.ts';
import type { Taxonomy } from '../../contracts/icos/taxonomy.ts';
import { buildTaxonomy } from './model.ts';
import type { Results } from './node-metrics.ts';
import type { MetricsSource, Sample } from './prometheus.ts';
import { QUERIES, QUERY_NAMES, type QueryName } from './queries.ts';

export interface TelemetrySettings {
  /** An answer younger than this is given as it is. */
  readonly maxAgeMs: number;
  /** One younger than this is given while a new one is fetched; an older one only when there is none to be had. */
  readonly maxWaitlessAgeMs: number;
  /** What a query answered last stands in for it this long when it fails. */
  readonly maxStaleMs: number;
  readonly defaultType?: string | undefined;
  readonly now: () => number;
}

export const TELEMETRY_DEFAULTS: TelemetrySettings = {
  maxAgeMs: 5_000,
  maxWaitlessAgeMs: 30_000,
  maxStaleMs: 300_000,
  now: Date.now,
};

export interface Snapshot {
  readonly taxonomy: Taxonomy;
  /** Different for different snapshots. */
  readonly version: number;
}

/** The taxonomy as the metrics have it, kept for a while, fetched once for all who ask. */
export interface Telemetry {
  /** Always answers: without Prometheus the last taxonomy, or an empty one, and why. */
  snapshot(): Promise<Snapshot>;
  /** What is wrong at present, for the health endpoint. */
  problems(): readonly string[];
}

const EMPTY: Taxonomy = { timestamp: {}, cluster: {} };

export function createTelemetry(source: MetricsSource, settings: TelemetrySettings, logger: Logger): Telemetry {
  const last = new Map<QueryName, { readonly samples: readonly Sample[]; readonly at: number }>();
  let current: (Snapshot & { readonly at: number }) | undefined;
  let fetching: Promise<Snapshot> | undefined;
  let problems: readonly string[] = [];

  async function fetchSnapshot(): Promise<Snapshot> {
    const at = settings.now();
    const outcomes = await Promise.all(QUERY_NAMES.map((name) => ask(name, at)));
    problems = failures(outcomes);
    const results = Object.fromEntries(outcomes.map(({ name, samples }) => [name, samples])) as Results;
    const { taxonomy, homeless } = buildTaxonomy(results, { defaultType: settings.defaultType, now: at / 1000 });
    if (homeless.length > 0) logger.debug({ nodes: homeless.slice(0, 20) }, 'nodes of no known orchestrator left out');
    const stale = outcomes.some(({ isOld }) => isOld);
    const marked = {
      ...taxonomy,
      ...(stale ? { stale } : {}),
      ...(problems.length > 0 ? { degraded: [...problems] } : {}),
    };
    current = { taxonomy: marked, version: (current?.version ?? 0) + 1, at };
    return current;
  }

  async function ask(name: QueryName, at: number): Promise<Outcome> {
    try {
      const samples = await source.query(QUERIES[name]);
      last.set(name, { samples, at });
      return { name, samples, isOld: false, problem: undefined };
    } catch (thrown) {
      const known = last.get(name);
      const isUsable = known !== undefined && at - known.at <= settings.maxStaleMs;
      const problem = reasonOf(thrown);
      return { name, samples: isUsable ? known.samples : undefined, isOld: isUsable, problem };
    }
  }

  const refresh = (): Promise<Snapshot> => {
    fetching ??= fetchSnapshot().finally(() => {
      fetching = undefined;
    });
    return fetching;
  };

  return {
    async snapshot() {
      const age = current === undefined ? Number.POSITIVE_INFINITY : settings.now() - current.at;
      if (current !== undefined && age < settings.maxAgeMs) return current;
      const fresh = refresh();
      if (current === undefined || age >= settings.maxWaitlessAgeMs) return fresh;
      fresh.catch((thrown: unknown) => logger.error({ err: reasonOf(thrown) }, 'no taxonomy could be built'));
      return current;
    },
    problems: () => problems,
  };
}

/** For an aggregator without Prometheus: it knows the nodes that announce themselves. */
export const withoutTelemetry: Telemetry = {
  snapshot: () => Promise.resolve({ taxonomy: EMPTY, version: 0 }),
  problems: () => [],
};

interface Outcome {
  readonly name: QueryName;
  readonly samples: readonly Sample[] | undefined;
  readonly isOld: boolean;
  readonly problem: string | undefined;
}

/** One line per reason: an outage fails every query with the same one. */
function failures(outcomes: readonly Outcome[]): readonly string[] {
  const failed = outcomes.filter((outcome) => outcome.problem !== undefined);
  return [...Map.groupBy(failed, ({ problem }) => problem)].map(([problem, same]) => {
    const what = same.length === outcomes.length ? 'Prometheus' : same.map(({ name }) => name).join(', ');
    return `${what}: ${problem}`;
  });
}

function reasonOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return String(thrown);
  if (thrown.name === 'TimeoutError') return 'no answer in time';
  const { code } = thrown as { code?: string };
  return code === undefined || thrown.message.includes(code) ? thrown.message : `${code} ${thrown.message}`.trim();
}
