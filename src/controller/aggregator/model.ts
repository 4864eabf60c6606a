/** What Prometheus answered becomes the taxonomy: a pure function. */
import type { Taxonomy, TaxonomyCluster, TaxonomyNode } from '../../contracts/icos/taxonomy.ts';
import { type ClusterIdentity, hostsOf } from './hosts.ts';
import { fillNodes, finishNode, type Results } from './node-metrics.ts';
import { podsOf } from './pods.ts';

export interface TaxonomyOptions {
  /** Orchestrator of machines that no metric gives one; absent: they are left out. */
  readonly defaultType?: string | undefined;
  /** Seconds since the epoch. */
  readonly now: number;
}

export interface BuiltTaxonomy {
  readonly taxonomy: Taxonomy;
  readonly homeless: readonly string[];
}

export function buildTaxonomy(results: Results, { defaultType, now }: TaxonomyOptions): BuiltTaxonomy {
  const hosts = hostsOf(results.identity ?? [], defaultType);
  fillNodes(hosts, results);
  for (const host of hosts.all) finishNode(host);
  const pods = podsOf(hosts, results);
  const nodes = Map.groupBy(hosts.all, (host) => host.cluster);
  const identities = [...new Set([...nodes.keys(), ...pods.keys()])];
  const clusters = identities.map((identity): [string, TaxonomyCluster] => {
    const own = (nodes.get(identity) ?? []).map(({ node }): [string, TaxonomyNode] => [node.name, node]);
    return [identity.key, clusterOf(identity, sorted(own), pods.get(identity))];
  });
  return { taxonomy: { timestamp: timestampOf(results, now), cluster: sorted(clusters) }, homeless: hosts.homeless };
}

function clusterOf(
  { key, type, uuid }: ClusterIdentity,
  node: Record<string, TaxonomyNode>,
  pod: TaxonomyCluster['pod'],
): TaxonomyCluster {
  return {
    type,
    ...(uuid === '' ? {} : { uuid }),
    name: key,
    serviceLevelAgreement: {},
    API: {},
    node,
    ...(pod === undefined ? {} : { pod }),
  };
}

function timestampOf(results: Results, now: number): Taxonomy['timestamp'] {
  const oldest = results.age?.[0]?.value;
  if (oldest === undefined || !Number.isFinite(oldest)) return {};
  return { oldestTimestamp: oldest, timeSinceOldest: Math.max(0, Math.round((now - oldest) * 1000) / 1000) };
}

/** One order whatever order Prometheus answers in: the matchmaker breaks ties by it. */
const sorted = <T>(entries: readonly (readonly [string, T])[]): Record<string, T> =>
  Object.fromEntries(entries.toSorted(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)));
