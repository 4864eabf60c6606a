import type { TaxonomyCluster } from '../../contracts/icos/taxonomy.ts';
import type { ClusterIdentity, Draft, Hosts } from './hosts.ts';
import type { Results } from './node-metrics.ts';
import type { Labels } from './prometheus.ts';

type Pods = NonNullable<TaxonomyCluster['pod']>;
type Pod = Draft<Pods[string]> & { container: Record<string, Draft<NonNullable<Pods[string]['container']>[string]>> };

interface FoundPod {
  readonly namespace: string;
  readonly name: string;
  readonly pod: Pod;
}

/** The pods of each cluster. Two pods of one name in different namespaces are told apart by `namespace/name`. */
export function podsOf(hosts: Hosts, results: Results): ReadonlyMap<ClusterIdentity, Pods> {
  const clusters = new Map<ClusterIdentity, Map<string, FoundPod>>();
  const find = (labels: Labels, name: string | undefined, namespace = ''): Pod | undefined => {
    const cluster = name === undefined ? undefined : hosts.clusterOf(labels);
    return cluster === undefined ? undefined : clusters.get(cluster)?.get(`${namespace}/${name}`)?.pod;
  };
  for (const { labels } of results.pods ?? []) addPod(clusters, hosts, labels);
  for (const { labels } of results.phases ?? []) {
    const pod = find(labels, labels['pod'], labels['namespace']);
    if (pod !== undefined && labels['phase'] !== undefined) pod.status = labels['phase'];
  }
  for (const { labels } of results.containers ?? [])
    addContainer(find(labels, labels['pod'], labels['namespace']), labels);
  for (const { labels, value } of results.containerUsage ?? []) {
    const pod = find(labels, labels['k8s_pod_name'], labels['k8s_namespace_name']);
    const container = pod?.container[labels['k8s_container_name'] ?? ''];
    if (container !== undefined && Number.isFinite(value)) container.cpuUsage = value;
  }
  return new Map([...clusters].map(([cluster, pods]) => [cluster, keyed([...pods.values()])]));
}

function addPod(clusters: Map<ClusterIdentity, Map<string, FoundPod>>, hosts: Hosts, labels: Labels): void {
  const { pod: name, namespace = '', pod_ip: ip, node } = labels;
  const cluster = hosts.clusterOf(labels);
  if (name === undefined || cluster === undefined) return;
  const pods = clusters.get(cluster) ?? new Map<string, FoundPod>();
  clusters.set(cluster, pods);
  const pod: Pod = { name, numberOfContainers: 0, container: {} };
  if (ip !== undefined) pod.ip = ip;
  if (node !== undefined) pod['node'] = node;
  pods.set(`${namespace}/${name}`, { namespace, name, pod });
}

function addContainer(pod: Pod | undefined, labels: Labels): void {
  const { container: name, icos_host_id: node } = labels;
  if (pod === undefined || name === undefined || pod.container[name] !== undefined) return;
  pod.container[name] = node === undefined ? { name } : { name, node };
  pod.numberOfContainers = (pod.numberOfContainers ?? 0) + 1;
}

function keyed(found: readonly FoundPod[]): Pods {
  const names = Map.groupBy(found, ({ name }) => name);
  const entries = found.map(({ namespace, name, pod }) => {
    const isAlone = names.get(name)!.length === 1;
    return [isAlone ? name : `${namespace}/${name}`, pod] as const;
  });
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
}
