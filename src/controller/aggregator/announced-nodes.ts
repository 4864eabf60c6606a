import { RuntimeError } from '../../common/errors.ts';
import type { NodeAnnouncement } from '../../contracts/icos/node-announcement.ts';
import type { Taxonomy, TaxonomyCluster, TaxonomyNode } from '../../contracts/icos/taxonomy.ts';

/**
 * Machines that speak for themselves, each until its lease ends. They are not stored: after a restart they are back
 * with their next announcement.
 */
export interface AnnouncedNodes {
  put(place: NodePlace, announcement: NodeAnnouncement, by: string): void;
  remove(place: NodePlace, by: string, mayOverrule: boolean): void;
  /** The taxonomy with them in it. What telemetry says about the same node goes before. */
  addTo(taxonomy: Taxonomy): Taxonomy;
  /** Grows with every change, leases that end included. */
  version(): number;
}

export interface NodePlace {
  readonly cluster: string;
  readonly node: string;
}

interface Announced extends NodePlace {
  readonly type: string;
  readonly description: TaxonomyNode;
  readonly until: number;
  readonly by: string;
}

const MAX_NODES = 100_000;

export function createAnnouncedNodes(now: () => number): AnnouncedNodes {
  const nodes = new Map<string, Announced>();
  let version = 0;
  const keyOf = ({ cluster, node }: NodePlace): string => JSON.stringify([cluster, node]);
  const removeEnded = (): void => {
    const at = now();
    for (const [key, { until }] of nodes) {
      if (until > at) continue;
      nodes.delete(key);
      version += 1;
    }
  };
  return {
    put(place, { type, leaseSeconds, node }, by) {
      removeEnded();
      const known = nodes.get(keyOf(place));
      if (known !== undefined && known.by !== by) throw taken(place);
      if (known === undefined && nodes.size >= MAX_NODES) {
        throw new RuntimeError('ERR_REQUEST_LIMIT', { what: 'announced nodes', limit: MAX_NODES });
      }
      const description = { ...node, name: place.node, type };
      nodes.set(keyOf(place), { ...place, type, description, until: now() + leaseSeconds * 1000, by });
      version += 1;
    },
    remove(place, by, mayOverrule) {
      removeEnded();
      const known = nodes.get(keyOf(place));
      if (known !== undefined && known.by !== by && !mayOverrule) throw taken(place);
      if (nodes.delete(keyOf(place))) version += 1;
    },
    addTo(taxonomy) {
      removeEnded();
      if (nodes.size === 0) return taxonomy;
      const cluster: Record<string, TaxonomyCluster> = { ...taxonomy.cluster };
      const inOrder = [...nodes.entries()].sort(([a], [b]) => (a < b ? -1 : 1));
      for (const [, announced] of inOrder) {
        const known = cluster[announced.cluster] ?? emptyCluster(announced);
        const node = { [announced.node]: announced.description, ...known.node };
        cluster[announced.cluster] = { ...known, node };
      }
      return { ...taxonomy, cluster };
    },
    version: () => {
      removeEnded();
      return version;
    },
  };
}

const emptyCluster = ({ cluster, type }: Announced): TaxonomyCluster => ({
  type,
  name: cluster,
  serviceLevelAgreement: {},
  API: {},
  node: {},
});

const taken = ({ cluster, node }: NodePlace): RuntimeError =>
  new RuntimeError('ERR_NODE_TAKEN', { field: 'node', node: `${cluster}/${node}` });
