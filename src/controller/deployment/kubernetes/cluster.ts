import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import {
  ApiException,
  type KubernetesObject as ClientObject,
  KubeConfig,
  type KubernetesListObject,
  KubernetesObjectApi,
  PatchStrategy,
} from '@kubernetes/client-node';
import { RuntimeError } from '../../../common/errors.ts';

/** An object of a cluster, as it is written. */
export interface ClusterObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string | undefined;
    readonly uid?: string | undefined;
    readonly labels?: Readonly<Record<string, string>> | undefined;
    readonly annotations?: Readonly<Record<string, string>> | undefined;
    readonly generation?: number | undefined;
    readonly deletionTimestamp?: unknown;
  };
  readonly [member: string]: unknown;
}

export interface ObjectKind {
  readonly apiVersion: string;
  readonly kind: string;
}
export interface ObjectKey extends ObjectKind {
  readonly name: string;
  readonly namespace: string | undefined;
}

/** The cluster said no, and would say so again. Anything else that fails is worth another try. */
export class Refused extends Error {
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** What the drivers need of a Kubernetes API. */
export interface Cluster {
  /** Where it is, for messages. */
  readonly server: string;
  /** Undefined: the cluster does not know the kind. */
  scopeOf(kind: ObjectKind): Promise<'namespaced' | 'cluster' | undefined>;
  /** Server-side apply by our field manager: what we do not name is left alone. */
  apply(object: ClusterObject): Promise<ClusterObject>;
  read(key: ObjectKey): Promise<ClusterObject | undefined>;
  list(
    kind: ObjectKind,
    labels: Readonly<Record<string, string>>,
    namespace?: string,
  ): Promise<readonly ClusterObject[]>;
  /** With all that belongs to it; resolves when the cluster has taken the order, not when it is gone. */
  remove(key: ObjectKey): Promise<void>;
}

const FIELD_MANAGER = 'metakernel';

export interface ClusterSettings {
  /** Absent: KUBECONFIG, ~/.kube/config, or the service account of the pod that this runs in. */
  readonly kubeconfig?: string;
  readonly context?: string;
}

export function connectCluster(settings: ClusterSettings): Cluster {
  const config = configOf(settings);
  const api = config.makeApiClient(ObjectApi);
  const server = config.getCurrentCluster()?.server ?? '';
  const asking = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (thrown) {
      throw clusterError(thrown, server);
    }
  };
  return {
    server,
    scopeOf: (kind) => asking(() => api.scopeOf(kind)),
    apply: (object) =>
      asking(
        async () =>
          (await api.patch(
            object as unknown as ClientObject,
            undefined,
            undefined,
            FIELD_MANAGER,
            true,
            PatchStrategy.ServerSideApply,
          )) as unknown as ClusterObject,
      ),
    read: (key) => asking(() => unlessGone(async () => (await api.read(headerOf(key))) as unknown as ClusterObject)),
    list: (kind, labels, namespace) => asking(() => listAll(api, kind, labels, namespace)),
    remove: async (key) => {
      await asking(() =>
        unlessGone(() => api.delete(headerOf(key), undefined, undefined, undefined, undefined, 'Foreground')),
      );
    },
  };
}

class ObjectApi extends KubernetesObjectApi {
  async scopeOf({ apiVersion, kind }: ObjectKind): Promise<'namespaced' | 'cluster' | undefined> {
    const found = await unlessGone(() => this.resource(apiVersion, kind));
    return found === undefined ? undefined : found.namespaced ? 'namespaced' : 'cluster';
  }
}

function configOf({ kubeconfig, context }: ClusterSettings): KubeConfig {
  const config = new KubeConfig();
  try {
    if (kubeconfig !== undefined) config.loadFromFile(kubeconfig);
    else config.loadFromDefault();
  } catch (thrown) {
    throw new RuntimeError('ERR_CONFIG_INVALID', {
      key: '--kubeconfig',
      reason: thrown instanceof Error ? thrown.message : String(thrown),
    });
  }
  if (context !== undefined) config.setCurrentContext(context);
  // The client's own last resort is localhost:8080, which is this tier.
  const isGuess = config.getCurrentCluster()?.server === 'http://localhost:8080';
  if (config.getCurrentCluster() === null || (kubeconfig === undefined && isGuess && !hasOwnConfig())) {
    throw new RuntimeError('ERR_CONFIG_INVALID', { key: '--kubeconfig', reason: 'no cluster is configured' });
  }
  return config;
}

const hasOwnConfig = (): boolean => existsSync(join(homedir(), '.kube/config'));

const headerOf = ({ apiVersion, kind, name, namespace }: ObjectKey) => ({
  apiVersion,
  kind,
  metadata: { name, ...(namespace === undefined ? {} : { namespace }) },
});

const PAGE = 500;

async function listAll(
  api: KubernetesObjectApi,
  { apiVersion, kind }: ObjectKind,
  labels: Readonly<Record<string, string>>,
  namespace: string | undefined,
): Promise<readonly ClusterObject[]> {
  const selector = Object.entries(labels)
    .map(([key, value]) => `${key}=${value}`)
    .join(',');
  const found: ClusterObject[] = [];
  for (let token: string | undefined = ''; token !== undefined; ) {
    const page: KubernetesListObject<ClientObject> = await api.list(
      apiVersion,
      kind,
      namespace,
      undefined,
      undefined,
      undefined,
      undefined,
      selector,
      PAGE,
      token === '' ? undefined : token,
    );
    // Members of a list carry neither their kind nor their version.
    found.push(...page.items.map((item) => ({ ...item, apiVersion, kind }) as unknown as ClusterObject));
    token = page.metadata?._continue || undefined;
  }
  return found;
}

async function unlessGone<T>(work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (thrown) {
    if (thrown instanceof ApiException && thrown.code === 404) return undefined;
    throw thrown;
  }
}

const WORTH_ANOTHER_TRY: ReadonlySet<number> = new Set([401, 408, 409, 429]);

function clusterError(thrown: unknown, server: string): unknown {
  if (!(thrown instanceof ApiException)) {
    const reason =
      thrown instanceof Error
        ? thrown.cause instanceof Error
          ? thrown.cause.message
          : thrown.message
        : String(thrown);
    return new RuntimeError('ERR_PEER_UNAVAILABLE', { service: `cluster ${server}`, reason }, { cause: thrown });
  }
  const message = messageOf(thrown.body) ?? `HTTP ${thrown.code}`;
  if (thrown.code < 500 && !WORTH_ANOTHER_TRY.has(thrown.code)) return new Refused(thrown.code, message);
  return new RuntimeError('ERR_PEER_UNAVAILABLE', {
    service: `cluster ${server}`,
    reason: `${thrown.code} ${message}`,
  });
}

/** The API answers errors with a Status object, which the client hands over as text or as an object. */
function messageOf(body: unknown): string | undefined {
  try {
    const status = (typeof body === 'string' ? JSON.parse(body) : body) as { message?: unknown } | null;
    return typeof status?.message === 'string' ? status.message : undefined;
  } catch {
    return typeof body === 'string' ? body.slice(0, 300) : undefined;
  }
}
