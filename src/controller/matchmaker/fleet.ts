/**
 * The taxonomy as columns, one row per node in taxonomy order: matching touches every node for every component, and
 * numbers in typed arrays make that a scan of microseconds. NaN means that no metric tells.
 */
import { canonicalArchitecture } from '../../contracts/icos/architecture.ts';
import type { Taxonomy, TaxonomyCluster, TaxonomyNode } from '../../contracts/icos/taxonomy.ts';

export interface Fleet {
  readonly size: number;
  readonly cluster: readonly string[];
  readonly node: readonly string[];
  readonly orchestrator: readonly string[];
  readonly architecture: readonly string[];
  readonly cpuMillis: Float64Array;
  readonly totalMemory: Float64Array;
  /** Measured by the node: what running jobs use is not in it. */
  readonly freeMemory: Float64Array;
  readonly securityScore: Float64Array;
  /** 0 to 1 within this fleet, higher is better; fixed by the node's hardware and state. */
  readonly speed: Float64Array;
  readonly thrift: Float64Array;
  readonly safety: Float64Array;
  /** Path to number of free devices. */
  readonly devices: readonly (ReadonlyMap<string, number> | undefined)[];
  readonly labels: readonly (Readonly<Record<string, string>> | undefined)[];
  /** Largest of the fleet, for making figures comparable; at least 1. */
  readonly largestCpu: number;
  readonly largestMemory: number;
  indexOf(cluster: string, node: string): number | undefined;
}

interface Row {
  readonly key: string;
  readonly clusterKey: string;
  readonly cluster: TaxonomyCluster;
  readonly node: TaxonomyNode;
}

export function fleetOf(taxonomy: Taxonomy): Fleet {
  const rows = Object.entries(taxonomy.cluster).flatMap(([clusterKey, cluster]) =>
    Object.entries(cluster.node).map(([key, node]): Row => ({ key, clusterKey, cluster, node })),
  );
  const column = (read: (row: Row) => number | undefined): Float64Array =>
    Float64Array.from(rows, (row) => read(row) ?? Number.NaN);
  const cpuMillis = column(({ node }) => scaled(node.staticMetrics.cpuCores, 1000));
  const totalMemory = column(({ node }) => node.staticMetrics.RAMMemory);
  const freeMemory = column(({ node }) => node.dynamicMetrics.freeRAM);
  const places = new Map(rows.map((row, index) => [placeKey(row.clusterKey, row.key), index]));
  return {
    size: rows.length,
    cluster: rows.map((row) => row.clusterKey),
    node: rows.map((row) => row.key),
    orchestrator: rows.map((row) => row.cluster.type),
    architecture: rows.map((row) => canonicalArchitecture(row.node.staticMetrics.cpuArchitecture ?? '')),
    cpuMillis,
    totalMemory,
    freeMemory,
    securityScore: column(({ node }) => node.ScaScore),
    speed: relativeToLargest(column(({ node }) => node.staticMetrics.cpuMaxFrequency)),
    thrift: thriftOf(column(({ node }) => wattsPerCore(node))),
    safety: column(({ node }) => safetyOf(node)),
    devices: rows.map((row) => devicesOf(row.node)),
    labels: rows.map((row) => row.node.labels),
    largestCpu: Math.max(1, largest(cpuMillis)),
    largestMemory: Math.max(1, largest(totalMemory), largest(freeMemory)),
    indexOf: (cluster, node) => places.get(placeKey(cluster, node)),
  };
}

const placeKey = (cluster: string, node: string): string => `${cluster}\0${node}`;

const scaled = (value: number | undefined, factor: number): number | undefined =>
  value === undefined ? undefined : Math.round(value * factor);

function largest(column: Float64Array): number {
  let most = 0;
  for (const value of column) if (value > most) most = value;
  return most;
}

/** Shares of the largest; unknown counts as nothing. */
function relativeToLargest(column: Float64Array): Float64Array {
  const most = largest(column);
  return column.map((value) => (most > 0 && value >= 0 ? value / most : 0));
}

/** 1 for a node that draws nothing, 0 for the hungriest; one that tells nothing stands in the middle. */
function thriftOf(watts: Float64Array): Float64Array {
  const most = largest(watts);
  return watts.map((value) => (most > 0 && value >= 0 ? 1 - value / most : 0.5));
}

/** Mean power since boot where no power is measured: the energy metric is a counter. */
function wattsPerCore(node: TaxonomyNode): number | undefined {
  const { cpuEnergyConsumption, upTime } = node.dynamicMetrics;
  const measured = node.dynamicMetrics['cpuPower'];
  const cores = node.staticMetrics.cpuCores ?? 1;
  if (typeof measured === 'number') return measured / Math.max(cores, 1);
  if (cpuEnergyConsumption === undefined || upTime === undefined || upTime <= 0) return undefined;
  return cpuEnergyConsumption / upTime / Math.max(cores, 1);
}

/** The configuration score, less a little for every known vulnerability; unknown counts as unsafe. */
function safetyOf(node: TaxonomyNode): number {
  const { Critical = 0, High = 0 } = node.vulnerabilities ?? {};
  const penalty = Math.min(0.5, Critical * 0.02 + High * 0.001);
  return Math.max(0, Math.min(1, (node.ScaScore ?? 0) / 100) - penalty);
}

function devicesOf(node: TaxonomyNode): ReadonlyMap<string, number> | undefined {
  if (node.devices === undefined) return undefined;
  const free = new Map<string, number>();
  for (const device of Object.values(node.devices)) {
    if (device.path === undefined) continue;
    free.set(device.path, (free.get(device.path) ?? 0) + (device.status === 'available' ? 1 : 0));
  }
  return free;
}
