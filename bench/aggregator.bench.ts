/**
 * The taxonomy of 1,000 nodes and 20,000 pods over HTTP from a real Prometheus. Targets: 1 s cold, 20 ms cached.
 * Baseline of both: fetching and parsing the one largest of its queries, which no aggregator can do without.
 */
import { request } from 'undici';
import { silentLogger } from '../src/common/logger.ts';
import { createAggregatorService } from '../src/controller/aggregator/main.ts';
import { createNoAuth } from '../src/controller/iam/no-auth.ts';
import { listen } from '../src/controller/service/listening.ts';
import { fleetMetrics } from '../test/support/controller/fleet-metrics.ts';
import { startExporter, startPrometheus } from '../test/support/prometheus.ts';
import { benchmark } from './support/report.ts';

const SHAPE = { clusters: 20, nodesPerCluster: 50, podsPerNode: 20 };
const PODS = SHAPE.clusters * SHAPE.nodesPerCluster * SHAPE.podsPerNode;

await using exporter = await startExporter(fleetMetrics(SHAPE));
await using prometheus = await startPrometheus({ targets: [exporter.address], scrapeIntervalMs: 15_000 });
await prometheus.until('count(kube_pod_info)', (count) => count === PODS);

const clock = { now: Date.now() };
const service = await createAggregatorService(
  { authenticator: createNoAuth(['127.0.0.1']), logger: silentLogger, prometheusUrl: prometheus.url },
  { now: () => clock.now, queryTimeoutMs: 60_000 },
);
await using aggregator = await listen(service, { host: '127.0.0.1', port: 0 });

async function timed(url: string): Promise<number> {
  const started = performance.now();
  const { body, statusCode } = await request(url);
  const bytes = await body.arrayBuffer();
  if (statusCode !== 200 || bytes.byteLength < 1_000_000) throw new Error(`${statusCode}, ${bytes.byteLength} bytes`);
  answerBytes = bytes.byteLength;
  return performance.now() - started;
}
let answerBytes = 0;

async function podQuery(): Promise<number> {
  const started = performance.now();
  const { body } = await request(`${prometheus.url}/api/v1/query?query=kube_pod_info`);
  await body.json();
  return performance.now() - started;
}

/** An hour later nothing kept is good any more. */
async function cold(): Promise<number> {
  clock.now += 3_600_000;
  return timed(`${aggregator.url}/`);
}

const details = () => ({ nodes: SHAPE.clusters * SHAPE.nodesPerCluster, pods: PODS, 'answer bytes': answerBytes });
const baselineName = 'the largest query alone';
await benchmark({ name: 'aggregator-cold', unit: 'ms', baselineName, measure: cold, baseline: podQuery, details });
await benchmark({
  name: 'aggregator-cached',
  unit: 'ms',
  baselineName,
  measure: () => timed(`${aggregator.url}/`),
  baseline: podQuery,
  details,
});
