/** Which machines there are, by what each metric names them with, and to which cluster each belongs. */
import type { TaxonomyNode } from '../../contracts/icos/taxonomy.ts';
import type { Labels, Sample } from './prometheus.ts';

/** Members of the wire form while they are filled in. */
export type Draft<T> = { -readonly [K in keyof T]: T[K] };

export interface Host {
  readonly id: string;
  readonly cluster: ClusterIdentity;
  readonly node: Draft<TaxonomyNode> & { readonly name: string };
  readonly hostname: string;
  readonly address: string | undefined;
}

export interface ClusterIdentity {
  /** The name an orchestrator knows it by, and the key of the taxonomy. */
  readonly key: string;
  readonly type: string;
  readonly uuid: string;
}

export interface Hosts {
  readonly all: readonly Host[];
  /** Machines whose orchestrator no metric names: they are left out. */
  readonly homeless: readonly string[];
  find(labels: Labels): Host | undefined;
  /** By what the security tools call a machine. */
  findByAddress(hostname: string | undefined, address: string | undefined): Host | undefined;
  clusterOf(labels: Labels): ClusterIdentity | undefined;
}

interface Orchestrator {
  readonly type: string;
  readonly agentId: string;
  readonly agentName: string;
  readonly clusterUid: string;
  readonly hostName: string;
}

/** `self` is what the telemetry of a controller calls its own cluster, which takes no applications. */
const isController = (labels: Labels): boolean => labels['k8s_cluster_uid'] === 'self';

/**
 * `defaultType` takes in machines that belong to no orchestrator (a plain node exporter); without it they are homeless.
 */
export function hostsOf(identity: readonly Sample[], defaultType: string | undefined): Hosts {
  const byName = Map.groupBy(identity, (sample) => sample.labels['__name__'] ?? '');
  const clusters = createClusters(byName, defaultType);
  const index = new Map<string, Host>();
  const all: Host[] = [];
  const homeless: string[] = [];
  for (const { labels } of byName.get('node_uname_info') ?? []) {
    if (isController(labels)) continue;
    const cluster = clusters.of(labels);
    const host = cluster === undefined ? undefined : hostOf(labels, cluster, clusters.nuvlaAgent(labels));
    if (host === undefined) homeless.push(labels['nodename'] ?? labels['instance'] ?? '?');
    if (host === undefined || index.has(`id:${host.id}`)) continue;
    all.push(host);
    for (const key of keysOf(labels, host.hostname)) if (!index.has(key)) index.set(key, host);
  }
  const find = (labels: Labels): Host | undefined =>
    keysOf(labels, labels['node'])
      .map((key) => index.get(key))
      .find((host) => host !== undefined);
  for (const { labels } of byName.get('tlum_host_labels') ?? []) addLabels(find(labels), labels);
  const byHostname: ReadonlyMap<string | undefined, readonly Host[]> = Map.groupBy(all, ({ hostname }) => hostname);
  return {
    all,
    homeless,
    find,
    findByAddress: (hostname, address) =>
      byHostname.get(hostname)?.find((host) => address === undefined || host.address === address),
    clusterOf: clusters.of,
  };
}

/**
 * Every way a metric may say which machine it is about, surest first. Metrics about Kubernetes objects carry the labels
 * of the machine that exports them too, so the node they name goes before.
 */
function keysOf(labels: Labels, node: string | undefined): readonly string[] {
  const { k8s_cluster_uid: uid, icos_host_id: id, icos_agent_id: agent, icos_host_name: name, instance } = labels;
  return [
    ...(uid !== undefined && node !== undefined ? [`node:${uid}/${node}`] : []),
    ...(id === undefined ? [] : [`id:${id}`]),
    ...(agent === undefined || name === undefined ? [] : [`agent:${agent}/${name}`]),
    ...(id === undefined && instance !== undefined ? [`id:${instance}`] : []),
    ...(node === undefined ? [] : [`hostname:${node}`]),
  ];
}

function hostOf(labels: Labels, cluster: ClusterIdentity, nuvlaAgent: string | undefined): Host | undefined {
  const id = labels['icos_host_id'] ?? labels['instance'];
  const hostname = labels['nodename'];
  if (id === undefined || hostname === undefined) return undefined;
  const name = nuvlaAgent ?? hostname;
  return {
    id,
    cluster,
    hostname,
    address: labels['net_host_name'],
    node: {
      type: cluster.type,
      uuid: id,
      name,
      location: locationOf(labels),
      staticMetrics: labels['machine'] === undefined ? {} : { cpuArchitecture: labels['machine'] },
      dynamicMetrics: {},
    },
  };
}

function locationOf(labels: Labels): TaxonomyNode['location'] {
  const latitude = Number(labels['icos_alpha_latitude'] ?? Number.NaN);
  const longitude = Number(labels['icos_alpha_longitude'] ?? Number.NaN);
  return Number.isFinite(latitude) && Number.isFinite(longitude) ? { latitude, longitude } : {};
}

const LABEL_PREFIX = 'label_';

function addLabels(host: Host | undefined, labels: Labels): void {
  if (host === undefined) return;
  const own = Object.entries(labels)
    .filter(([key]) => key.startsWith(LABEL_PREFIX))
    .map(([key, value]) => [key.slice(LABEL_PREFIX.length), value] as const);
  host.node.labels = { ...host.node.labels, ...Object.fromEntries(own) };
}

interface Clusters {
  of(labels: Labels): ClusterIdentity | undefined;
  nuvlaAgent(labels: Labels): string | undefined;
}

function createClusters(byName: ReadonlyMap<string, readonly Sample[]>, defaultType: string | undefined): Clusters {
  const orchestrators = (byName.get('tlum_orch_info') ?? []).map(({ labels }) => orchestratorOf(labels));
  const nuvla = new Map(orchestrators.filter(({ type }) => type === 'nuvla').map((one) => [one.hostName, one]));
  const others = new Map(orchestrators.filter(({ type }) => type !== 'nuvla').map((one) => [one.clusterUid, one]));
  const managed = new Map(
    (byName.get('tlum_ocm_agent_info') ?? []).map(({ labels }) => [labels['k8s_cluster_uid'], labels['name']]),
  );
  const known = new Map<string, ClusterIdentity>();
  const identity = (key: string, type: string, uuid: string): ClusterIdentity => {
    const found = known.get(key) ?? { key, type, uuid };
    known.set(key, found);
    return found;
  };
  return {
    of(labels) {
      if (isController(labels)) return undefined;
      const { k8s_cluster_uid: uid = '', icos_host_name: hostName = '' } = labels;
      const onNuvla = hostName === '' ? undefined : nuvla.get(hostName);
      if (onNuvla !== undefined) return identity(onNuvla.agentName, 'nuvla', uid || onNuvla.agentId);
      const other = uid === '' ? undefined : others.get(uid);
      if (other !== undefined) return identity(managed.get(uid) || other.agentName || uid, other.type, uid);
      if (defaultType === undefined) return undefined;
      return identity(uid || (labels['cluster'] ?? labels['job'] ?? 'default'), defaultType, uid);
    },
    nuvlaAgent: (labels) => nuvla.get(labels['icos_host_name'] ?? '\0')?.agentId,
  };
}

const orchestratorOf = (labels: Labels): Orchestrator => ({
  type: labels['type'] ?? '',
  agentId: labels['agent_id'] ?? '',
  agentName: labels['agent_name'] ?? '',
  clusterUid: labels['k8s_cluster_uid'] ?? labels['cluster_id'] ?? '',
  hostName: labels['icos_host_name'] ?? '',
});
