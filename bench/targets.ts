/** The first targets, in the order in which they are measured: which benchmark gives which result, and when it is met. */
import type { BenchmarkResult } from './support/report.ts';

export interface Target {
  /** `bench/<benchmark>.bench.ts` measures it. */
  readonly benchmark: string;
  /** `bench/results/<result>.json` holds it. */
  readonly result: string;
  readonly what: string;
  /** In words, as the reader of the table sees it. */
  readonly target: string;
  /** The figure that the target speaks of. */
  readonly figure: (result: BenchmarkResult) => string;
  readonly met: (result: BenchmarkResult) => boolean;
}

const METG_US = 55;
const MEMORY_BYTES = 1000;
const MILLION_S = 10;
const THREADS_PER_SECOND = 140_000;
const PYTHON_PER_SECOND = 28_000;
const EVENTS_PER_SECOND = 300_000;
const FLEET_AGENTS = 3500;
const FLEET_MS = 1000;
const HANDOFF_TIMES = 20;

type Kind = Pick<Target, 'target' | 'figure' | 'met'>;

export const count = (value: number): string =>
  value.toLocaleString('en-US', value < 100 ? { maximumSignificantDigits: 3 } : { maximumFractionDigits: 0 });

const times = ({ ratio }: BenchmarkResult): string => `${ratio.toFixed(2)} x`;
const figure = ({ value, unit }: BenchmarkResult): string => `${count(value)} ${unit}`;

const ratioUpTo = (limit: number): Kind => ({
  target: `at most ${limit} x`,
  figure: times,
  met: ({ ratio }) => ratio <= limit,
});

const ratioFrom = (limit: number): Kind => ({
  target: `at least ${limit} x`,
  figure: times,
  met: ({ ratio }) => ratio >= limit,
});

const valueUpTo = (limit: number, unit: string): Kind => ({
  target: `at most ${count(limit)} ${unit}`,
  figure,
  met: ({ value }) => value <= limit,
});

const valueFrom = (limit: number, unit: string): Kind => ({
  target: `at least ${count(limit)} ${unit}`,
  figure,
  met: ({ value }) => value >= limit,
});

const both = (first: Kind, second: Kind): Kind => ({
  target: `${first.target}, ${second.target}`,
  figure: (result) => `${first.figure(result)}, ${second.figure(result)}`,
  met: (result) => first.met(result) && second.met(result),
});

/** A baseline that takes so many times as long. */
const fasterBy = (limit: number): Kind => ({
  target: `at least ${limit} x as fast`,
  figure: ({ ratio }) => `${count(1 / ratio)} x as fast`,
  met: ({ ratio }) => ratio * limit <= 1,
});

const fleet: Kind = {
  target: `${count(FLEET_AGENTS)} agents, at most ${count(FLEET_MS)} ms`,
  figure: (result) => `${result.details?.['agents'] ?? '?'} agents, ${figure(result)}`,
  met: ({ value, details }) =>
    value <= FLEET_MS && Number(details?.['agents']) >= FLEET_AGENTS && Number(details?.['lost']) === 0,
};

const row = (benchmark: string, result: string, what: string, kind: Kind): Target => ({
  benchmark,
  result,
  what,
  ...kind,
});

export const TARGETS: readonly Target[] = [
  row(
    'noop-threads',
    'noop-threads',
    'no-op tasks on two threads',
    both(ratioFrom(2), valueFrom(THREADS_PER_SECOND, 'tasks/s')),
  ),
  row('noop-agents', 'noop-agents', 'no-op tasks offloaded to a second agent', ratioFrom(10)),
  row('noop-python', 'noop-python', 'no-op Python tasks on two workers', valueFrom(PYTHON_PER_SECOND, 'tasks/s')),
  row('noop-python', 'consume-python', '64 MiB read by a Python task', ratioUpTo(1.43)),
  row('python-kmeans', 'python-kmeans', 'k-means with Python tasks on two workers', fasterBy(1.8)),
  row('latency-local', 'latency-local', 'one local task of a program in the process of the agent', ratioUpTo(2)),
  row('latency-local', 'latency-local-nested', 'one local task of an application', ratioUpTo(2)),
  row('latency-rest', 'latency-rest', 'an application over REST, PUT to event', ratioUpTo(2)),
  row('chain', 'chain-threads', 'a link of a chain on two threads', ratioUpTo(2)),
  row('chain-agents', 'chain-agents', 'a link of a chain on another agent', ratioUpTo(2)),
  ...['trivial', 'stencil-1d', 'fft', 'tree', 'random-nearest'].map((pattern) =>
    row('metg', `metg-${pattern}`, `50 % METG, ${pattern}`, valueUpTo(METG_US, 'us')),
  ),
  row('graph-scale', 'graph-scale-cost', 'cost of a task among 1,000,000 against 10,000', ratioUpTo(2)),
  row('graph-scale', 'graph-scale-memory', 'memory of a queued task', valueUpTo(MEMORY_BYTES, 'bytes')),
  row('graph-scale', 'graph-scale-million', 'a million tasks, the core alone', valueUpTo(MILLION_S, 's')),
  row('graph-scale-threads', 'graph-scale-threads', 'a million no-op tasks, end to end', valueUpTo(MILLION_S, 's')),
  row('transfer', 'transfer', '256 MiB from agent to agent', ratioFrom(0.75)),
  row('handoff', 'handoff-8mb', '8 MB from task to task', fasterBy(HANDOFF_TIMES)),
  row('handoff', 'handoff-800mb', '800 MB from task to task', fasterBy(HANDOFF_TIMES)),
  row('kmeans', 'kmeans-k8', 'k-means, two slots, K = 8', ratioFrom(2.5)),
  row('kmeans', 'kmeans-agents-k8', 'k-means, four agents, K = 8', ratioFrom(2.5)),
  row('startup', 'startup', 'start of an agent', ratioUpTo(2)),
  row('startup', 'startup-memory', 'memory of an idle agent (PSS)', ratioUpTo(1.6)),
  row('simulator', 'simulator', 'the core under the virtual clock', valueFrom(EVENTS_PER_SECOND, 'events/s')),
  row('fleet-links', 'fleet-links', 'an application placed on 100 agents of a fleet, p99', fleet),
];
