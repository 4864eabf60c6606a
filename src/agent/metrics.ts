/** Metrics of an agent, read from the backend when they are scraped. Names of the ICOS fork of COMPSs included. */
import { Counter, createRegistry, Gauge, Histogram, type Registry } from '../telemetry/registry.ts';
import type { AgentBackend, AgentStats, CoreElementStats } from './backend.ts';

export interface AgentMetrics {
  readonly contentType: string;
  text(): Promise<string>;
  /** A request was answered. */
  answered(method: string, route: string, status: number, seconds: number): void;
}

export function createAgentMetrics(backend: AgentBackend): AgentMetrics {
  const registry = createRegistry({ agent: backend.name });
  const requests = requestMetrics(registry);
  const collect = [runtimeMetrics(registry), icosMetrics(registry)];
  return {
    contentType: registry.contentType,
    answered: requests,
    text: () => {
      const stats = backend.stats();
      const cpus = ownCpus(backend);
      for (const set of collect) set(stats, cpus);
      return registry.metrics();
    },
  };
}

type Collect = (stats: AgentStats, cpus: number) => void;

function ownCpus(backend: AgentBackend): number {
  const self = backend.resources().find((resource) => resource.self);
  return (self?.description.processors ?? [])
    .filter((processor) => processor.type === 'CPU')
    .reduce((sum, processor) => sum + processor.units, 0);
}

function requestMetrics(registry: Registry): AgentMetrics['answered'] {
  const seconds = new Histogram({
    name: 'metakernel_http_request_seconds',
    help: 'Time from request to answer',
    labelNames: ['method', 'route', 'status'],
    buckets: [0.001, 0.005, 0.025, 0.1, 0.5, 2.5, 10],
    registers: [registry],
  });
  return (method, route, status, duration) => seconds.observe({ method, route, status }, duration);
}

function runtimeMetrics(registry: Registry): Collect {
  const gauge = (name: string, help: string, ...labelNames: string[]): Gauge =>
    new Gauge({ name: `metakernel_${name}`, help, labelNames, registers: [registry] });
  const counter = (name: string, help: string, ...labelNames: string[]): Counter =>
    new Counter({ name: `metakernel_${name}`, help, labelNames, registers: [registry] });
  const applications = gauge('applications', 'Applications by status', 'status');
  const tasks = gauge('tasks', 'Tasks that are not done, by status', 'status');
  const ended = counter('tasks_ended_total', 'Tasks that ended, by how', 'status');
  const repeated = counter('tasks_repeated_total', 'Attempts rerun and tasks recomputed after a loss', 'why');
  const store = gauge('store_bytes', 'Bytes held, by where', 'where');
  const versions = gauge('live_versions', 'Versions of data that are alive');
  const moved = counter('transfer_bytes_total', 'Bytes moved between agents', 'direction');
  const pulls = counter('transfers_total', 'Pulls from other agents, by how they ended', 'result');
  const lag = gauge('loop_lag_milliseconds', 'Lag of the event loop');
  return (stats) => {
    for (const [status, count] of Object.entries(stats.applications)) applications.set({ status }, count);
    for (const status of ['blocked', 'ready', 'running'] as const) tasks.set({ status }, stats.tasks[status]);
    for (const status of ['completed', 'failed', 'cancelled'] as const) raise(ended, { status }, stats.tasks[status]);
    for (const why of ['rerun', 'recomputed'] as const) raise(repeated, { why }, stats.tasks[why]);
    store.set({ where: 'inline' }, stats.store.inlineBytes);
    store.set({ where: 'regions' }, stats.store.regionBytes);
    store.set({ where: 'slabs' }, stats.store.slabBytes);
    store.set({ where: 'spilled' }, stats.store.spilledBytes);
    versions.set(stats.liveVersions);
    raise(moved, { direction: 'in' }, stats.transfers.bytesIn);
    raise(moved, { direction: 'out' }, stats.transfers.bytesOut);
    raise(pulls, { result: 'done' }, stats.transfers.pulls);
    raise(pulls, { result: 'failed' }, stats.transfers.failures);
    lag.set(stats.loopLagMs);
  };
}

/** The backend counts: the counter is brought to its figure. */
function raise(counter: Counter, labels: Record<string, string>, value: number): void {
  counter.remove(labels);
  counter.inc(labels, value);
}

/** Names and units that ICOS's policies query (`compss_avgTime_ratio * compss_pendTasks_ratio / …`). */
function icosMetrics(registry: Registry): Collect {
  const labelNames = ['CoreSignature'];
  const gauge = (name: string, help: string): Gauge =>
    new Gauge({ name: `compss_${name}_ratio`, help, labelNames, registers: [registry] });
  const info = new Gauge({
    name: 'compss_node_info_ratio',
    help: 'Properties of this node',
    labelNames: ['property'],
    registers: [registry],
  });
  const figures: readonly (readonly [Gauge, (stats: CoreElementStats) => number])[] = [
    [gauge('execTasks', 'Tasks executed on this node'), (stats) => stats.executed],
    [gauge('pendTasks', 'Tasks that wait'), (stats) => stats.pending],
    [gauge('minTime', 'Shortest execution, ms'), (stats) => stats.minMs ?? 0],
    [gauge('avgTime', 'Mean execution, ms'), (stats) => stats.averageMs ?? 0],
    [gauge('maxTime', 'Longest execution, ms'), (stats) => stats.maxMs ?? 0],
  ];
  return (stats, cpus) => {
    info.set({ property: 'computing_units' }, cpus);
    for (const element of stats.coreElements) {
      for (const [metric, read] of figures) metric.set({ CoreSignature: element.signature }, read(element));
    }
  };
}
