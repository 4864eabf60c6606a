/**
 * The part of the Kubernetes API that the drivers use, over HTTP as documented: discovery, server-side apply with
 * ownership of fields, label selectors, pages, foreground deletion, and what the controllers of a cluster do with
 * deployments and pods. It stands in for an API server where none can be installed.
 */
import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { parse } from 'yaml';

type Members = Record<string, unknown>;
export interface StoredObject extends Members {
  apiVersion: string;
  kind: string;
  metadata: Members & {
    name: string;
    namespace?: string;
    uid: string;
    labels?: Record<string, string>;
    generation: number;
  };
  spec?: Members;
  status?: Members;
}

interface Kind {
  readonly name: string;
  readonly kind: string;
  readonly namespaced: boolean;
}
const KINDS: Readonly<Record<string, readonly Kind[]>> = {
  v1: [
    { name: 'namespaces', kind: 'Namespace', namespaced: false },
    { name: 'configmaps', kind: 'ConfigMap', namespaced: true },
    { name: 'services', kind: 'Service', namespaced: true },
    { name: 'pods', kind: 'Pod', namespaced: true },
    { name: 'nodes', kind: 'Node', namespaced: false },
  ],
  'apps/v1': [
    { name: 'deployments', kind: 'Deployment', namespaced: true },
    { name: 'statefulsets', kind: 'StatefulSet', namespaced: true },
    { name: 'daemonsets', kind: 'DaemonSet', namespaced: true },
    { name: 'replicasets', kind: 'ReplicaSet', namespaced: true },
  ],
  'batch/v1': [{ name: 'jobs', kind: 'Job', namespaced: true }],
  'rbac.authorization.k8s.io/v1': [{ name: 'clusterroles', kind: 'ClusterRole', namespaced: false }],
  'work.open-cluster-management.io/v1': [{ name: 'manifestworks', kind: 'ManifestWork', namespaced: true }],
  'cluster.open-cluster-management.io/v1': [{ name: 'managedclusters', kind: 'ManagedCluster', namespaced: false }],
  'operator.open-cluster-management.io/v1': [{ name: 'clustermanagers', kind: 'ClusterManager', namespaced: false }],
};

interface Address {
  readonly apiVersion: string;
  readonly kind: Kind;
  readonly namespace: string | undefined;
  readonly name: string | undefined;
}

class ApiError extends Error {
  readonly code: number;
  readonly reason: string;
  constructor(code: number, reason: string, message: string) {
    super(message);
    this.code = code;
    this.reason = reason;
  }
}

export interface ClusterApiOptions {
  /** From the creation of a pod to its being ready. */
  readonly podMs?: number;
  /** From the end of a pod to the creation of its successor. */
  readonly restartMs?: number;
}

export class ClusterApi implements AsyncDisposable {
  readonly objects = new Map<string, StoredObject>();
  /** While set, every request is answered so. */
  outage: number | undefined;
  readonly #applied = new Map<string, Members>();
  /** Owners of pods that have died and are not replaced yet. */
  readonly #backingOff = new Set<string>();
  readonly #timers = new Set<NodeJS.Timeout>();
  readonly #listeners = new Set<() => void>();
  readonly #server: Server;
  readonly #options: Required<ClusterApiOptions>;
  #version = 0;

  private constructor(options: ClusterApiOptions) {
    this.#options = { podMs: 20, restartMs: 300, ...options };
    this.#server = createServer((request, response) => void this.#answer(request, response));
  }

  static async start(options: ClusterApiOptions = {}): Promise<ClusterApi> {
    const api = new ClusterApi(options);
    await new Promise<void>((resolve) => api.#server.listen(0, '127.0.0.1', resolve));
    return api;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** As a file for `--kubeconfig`. */
  get kubeconfig(): string {
    return JSON.stringify({
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [{ name: 'c', cluster: { server: this.url, 'insecure-skip-tls-verify': true } }],
      users: [{ name: 'u', user: { token: 'test' } }],
      contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
      'current-context': 'x',
    });
  }

  of(kind: string): readonly StoredObject[] {
    return [...this.objects.values()].filter((object) => object.kind === kind);
  }

  /** Called after every change; for whatever else belongs to a cluster (a work agent). */
  onChange(listener: () => void): void {
    this.#listeners.add(listener);
  }

  /** Ends a pod as a node that dies would. */
  kill(pod: StoredObject): void {
    const owner = ownerOf(pod) ?? '';
    this.#backingOff.add(owner);
    this.#delete(pod);
    this.#changed();
    this.#later(this.#options.restartMs, () => {
      this.#backingOff.delete(owner);
      this.#reconcile();
    });
  }

  put(object: Members, namespace?: string): StoredObject {
    const name = String((object['metadata'] as Members)['name']);
    const kind = KINDS[String(object['apiVersion'])]?.find((known) => known.kind === object['kind']);
    if (kind === undefined) throw new ApiError(404, 'NotFound', `no kind ${String(object['kind'])}`);
    return this.#apply({ apiVersion: String(object['apiVersion']), kind, namespace, name }, object);
  }

  setStatus(object: StoredObject, status: Members): void {
    object.status = { ...object.status, ...status };
    this.#changed();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      if (this.outage !== undefined) throw new ApiError(this.outage, 'Unavailable', 'out of order');
      const body = await text(request);
      send(response, 200, this.#handle(request, body));
    } catch (thrown) {
      const { code = 500, reason = 'InternalError', message } = thrown as ApiError;
      send(response, code, {
        kind: 'Status',
        apiVersion: 'v1',
        status: 'Failure',
        code,
        reason,
        message,
        metadata: {},
      });
    }
  }

  #handle({ method, url = '/' }: IncomingMessage, body: string): unknown {
    const { pathname, searchParams } = new URL(url, this.url);
    const parts = pathname.split('/').filter((part) => part !== '');
    const apiVersion = parts[0] === 'api' ? 'v1' : `${parts[1]}/${parts[2]}`;
    const rest = parts.slice(parts[0] === 'api' ? 2 : 3);
    const kinds = KINDS[apiVersion];
    if (kinds === undefined) throw new ApiError(404, 'NotFound', 'the server could not find the requested resource');
    if (rest.length === 0)
      return { kind: 'APIResourceList', groupVersion: apiVersion, resources: kinds.map(resourceOf) };
    const address = addressOf(apiVersion, kinds, rest);
    if (method === 'PATCH') return this.#apply(address, parse(body) as Members);
    if (method === 'DELETE') return this.#remove(address);
    if (address.name === undefined) return this.#list(address, searchParams);
    const found = this.objects.get(idOf(address));
    if (found === undefined) throw notFound(address);
    return found;
  }

  #list({ apiVersion, kind, namespace }: Address, query: URLSearchParams): unknown {
    const selector = (query.get('labelSelector') ?? '').split(',').filter((part) => part !== '');
    const fits = ({ metadata }: StoredObject): boolean =>
      selector.every((part) => {
        const [key = '', value = ''] = part.split('=');
        return metadata.labels?.[key] === value;
      });
    const all = [...this.objects.values()].filter(
      (object) =>
        object.apiVersion === apiVersion &&
        object.kind === kind.kind &&
        (namespace === undefined || object.metadata.namespace === namespace) &&
        fits(object),
    );
    const from = Number(query.get('continue') ?? 0);
    const limit = Number(query.get('limit') ?? 0) || all.length;
    const next = from + limit < all.length ? { continue: String(from + limit) } : {};
    const items = all.slice(from, from + limit).map(({ apiVersion: _version, kind: _kind, ...item }) => item);
    return {
      kind: `${kind.kind}List`,
      apiVersion,
      metadata: { resourceVersion: String(this.#version), ...next },
      items,
    };
  }

  #apply(address: Address, wanted: Members): StoredObject {
    const { namespace, name = '' } = address;
    if (!/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/.test(name))
      throw new ApiError(422, 'Invalid', `metadata.name: Invalid value: "${name}"`);
    if (namespace !== undefined && !this.objects.has(`v1/Namespace//${namespace}`)) {
      throw new ApiError(404, 'NotFound', `namespaces "${namespace}" not found`);
    }
    validateWorkload(wanted);
    const id = idOf(address);
    const live = this.objects.get(id);
    const merged = merge(live ?? {}, this.#applied.get(id) ?? {}, wanted) as StoredObject;
    this.#applied.set(id, structuredClone(wanted));
    const isChanged = live === undefined || JSON.stringify(live.spec) !== JSON.stringify(merged.spec);
    this.#version += 1;
    merged.metadata = {
      ...merged.metadata,
      ...(namespace === undefined ? {} : { namespace }),
      uid: live?.metadata.uid ?? randomUUID(),
      generation: (live?.metadata.generation ?? 0) + (isChanged ? 1 : 0),
      resourceVersion: String(this.#version),
      creationTimestamp: live?.metadata['creationTimestamp'] ?? new Date().toISOString(),
    };
    this.objects.set(id, merged);
    this.#later(0, () => this.#reconcile());
    this.#changed();
    return merged;
  }

  #remove(address: Address): unknown {
    const found = this.objects.get(idOf(address));
    if (found === undefined) throw notFound(address);
    this.remove(found);
    return { kind: 'Status', apiVersion: 'v1', status: 'Success', metadata: {} };
  }

  /** With all that it owns. */
  remove({ apiVersion, kind, metadata }: StoredObject): void {
    const found = this.objects.get(`${apiVersion}/${kind}/${metadata.namespace ?? ''}/${metadata.name}`);
    if (found === undefined) return;
    for (const object of this.objects.values()) if (ownerOf(object) === found.metadata.uid) this.#delete(object);
    this.#delete(found);
    this.#changed();
  }

  #delete(object: StoredObject): void {
    for (const [id, known] of this.objects) {
      if (known !== object) continue;
      this.objects.delete(id);
      this.#applied.delete(id);
    }
    this.#countAll();
  }

  /** What the deployment controller and the kubelets do. */
  #reconcile(): void {
    for (const deployment of this.of('Deployment')) {
      if (this.#backingOff.has(deployment.metadata.uid)) continue;
      const template = deployment.spec?.['template'] as Members;
      const hash = JSON.stringify(template);
      const pods = this.#podsOf(deployment);
      for (const pod of pods) if (pod.metadata['templateHash'] !== hash) this.#delete(pod);
      const current = this.#podsOf(deployment);
      const wanted = Number(deployment.spec?.['replicas'] ?? 1);
      for (const pod of current.slice(wanted)) this.#delete(pod);
      for (let index = current.length; index < wanted; index += 1) this.#createPod(deployment, template, hash);
    }
    this.#countAll();
    this.#changed();
  }

  #podsOf = ({ metadata }: StoredObject): readonly StoredObject[] =>
    this.of('Pod').filter((pod) => ownerOf(pod) === metadata.uid);

  #createPod(owner: StoredObject, template: Members, templateHash: string): void {
    const name = `${owner.metadata.name}-${randomUUID().slice(0, 5)}`;
    const metadata = {
      ...(template['metadata'] as Members),
      name,
      namespace: owner.metadata.namespace,
      uid: randomUUID(),
      generation: 1,
      templateHash,
      ownerReferences: [{ uid: owner.metadata.uid }],
    };
    const pod = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata,
      spec: template['spec'],
      status: { phase: 'Pending' },
    } as StoredObject;
    this.objects.set(`v1/Pod/${owner.metadata.namespace}/${name}`, pod);
    this.#later(this.#options.podMs, () => this.#runPod(pod));
  }

  #runPod(pod: StoredObject): void {
    const containers = (pod.spec?.['containers'] ?? []) as readonly { name: string; image: string }[];
    const missing = containers.find(({ image }) => image.includes('missing'));
    const waiting = { reason: 'ImagePullBackOff', message: `Back-off pulling image "${missing?.image}"` };
    pod.status =
      missing === undefined
        ? { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] }
        : { phase: 'Pending', containerStatuses: [{ name: missing.name, ready: false, state: { waiting } }] };
    this.#countAll();
    this.#changed();
  }

  #countAll(): void {
    for (const deployment of this.of('Deployment')) {
      const pods = this.#podsOf(deployment);
      const available = pods.filter(({ status }) => status?.['phase'] === 'Running').length;
      const replicas = { replicas: pods.length, updatedReplicas: pods.length, availableReplicas: available };
      deployment.status = { observedGeneration: deployment.metadata.generation, ...replicas, readyReplicas: available };
    }
  }

  #later(ms: number, work: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      work();
    }, ms);
    this.#timers.add(timer);
  }

  #changed(): void {
    for (const listener of this.#listeners) listener();
  }
}

const idOf = ({ apiVersion, kind, namespace = '', name }: Address): string =>
  `${apiVersion}/${kind.kind}/${namespace}/${name}`;
const notFound = ({ kind, name }: Address): ApiError =>
  new ApiError(404, 'NotFound', `${kind.name} "${name}" not found`);
const resourceOf = ({ name, kind, namespaced }: Kind) => ({
  name,
  kind,
  namespaced,
  singularName: '',
  verbs: ['get', 'list', 'patch', 'delete'],
});
const ownerOf = ({ metadata }: StoredObject): string | undefined =>
  (metadata['ownerReferences'] as readonly { uid: string }[] | undefined)?.[0]?.uid;

function addressOf(apiVersion: string, kinds: readonly Kind[], rest: readonly string[]): Address {
  const inNamespace = rest[0] === 'namespaces' && rest.length > 2;
  const [plural, name] = inNamespace ? rest.slice(2) : rest;
  const kind = kinds.find((known) => known.name === plural);
  if (kind === undefined) throw new ApiError(404, 'NotFound', 'the server could not find the requested resource');
  return { apiVersion, kind, namespace: inNamespace ? rest[1] : undefined, name };
}

function validateWorkload({ kind, spec }: Members): void {
  if (kind !== 'Deployment') return;
  const { selector, template } = (spec ?? {}) as {
    selector?: { matchLabels?: Members };
    template?: { metadata?: { labels?: Members } };
  };
  const labels = template?.metadata?.labels ?? {};
  const matches = Object.entries(selector?.matchLabels ?? {}).every(([key, value]) => labels[key] === value);
  if (selector === undefined || !matches) {
    throw new ApiError(422, 'Invalid', 'spec.template.metadata.labels: `selector` does not match template `labels`');
  }
}

const isMembers = (value: unknown): value is Members =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Three ways: what was applied before and is not any more goes, what nobody applied stays. Lists are taken whole. */
function merge(live: Members, before: Members, wanted: Members): Members {
  const merged: Members = { ...live };
  for (const key of Object.keys(before)) if (!(key in wanted)) delete merged[key];
  for (const [key, value] of Object.entries(wanted)) {
    const both = isMembers(value) && isMembers(merged[key]);
    merged[key] = both ? merge(merged[key] as Members, isMembers(before[key]) ? before[key] : {}, value) : value;
  }
  return merged;
}

function send(response: ServerResponse, code: number, body: unknown): void {
  response.writeHead(code, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}
