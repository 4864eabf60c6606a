import { createHash } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import type { Logger } from '../../../common/logger.ts';
import type { Remediation } from '../../../contracts/icos/enums.ts';
import { every, type Repeating } from '../../service/every.ts';
import { availableTold, degradedTold, saysTheSame, withConditions } from '../conditions.ts';
import type {
  Deployment,
  DeploymentDriver,
  DeploymentId,
  DeploymentState,
  DeploymentTarget,
  DriverId,
} from '../driver.ts';
import { type Cluster, type ClusterObject, Refused } from '../kubernetes/cluster.ts';
import { DEPLOYMENT_LABEL, DRIVER_LABEL, keyOf } from '../kubernetes/inventory.ts';
import { annotationsOf, ManifestRefused, preparedObject, readObjects } from '../kubernetes/objects.ts';
import { AS_WRITTEN, type Scale, scaled } from '../process/scale.ts';
import { Turns } from '../turns.ts';
import {
  CLUSTER_MANAGER,
  headerOf,
  MANAGED_CLUSTER,
  MANIFEST_WORK,
  manifestWorkOf,
  recordOf,
  statusOf,
} from './manifest-work.ts';

export interface OcmDriverOptions {
  readonly hub: Cluster;
  /** When the hub does not tell its own. */
  readonly fallbackId: DriverId;
  readonly logger: Logger;
  readonly now: () => number;
  readonly readyMs: number;
  readonly goneMs: number;
  readonly observeMs: number;
}

type Told = Parameters<typeof withConditions>[1];
const POLL_SHARE = 5;

/** Like the original, the driver of a hub goes by the hub's own id: jobs that it has stay its own. */
export async function openOcmDriver(options: OcmDriverOptions): Promise<OcmDriver> {
  const key = { ...CLUSTER_MANAGER, name: 'cluster-manager', namespace: undefined };
  const manager = await options.hub.read(key).catch((thrown: unknown) => {
    if (thrown instanceof Refused) return undefined;
    throw thrown;
  });
  const driver = new OcmDriver((manager?.metadata.uid ?? options.fallbackId) as DriverId, options);
  await driver.refresh();
  return driver;
}

/** Deploys to the managed clusters of a hub by ManifestWorks, which their work agents apply. */
export class OcmDriver implements DeploymentDriver {
  readonly orchestrator = 'ocm';
  readonly id: DriverId;
  readonly #options: OcmDriverOptions;
  readonly #turns = new Turns();
  readonly #watchers = new Set<(state: DeploymentState) => void>();
  readonly #states = new Map<DeploymentId, DeploymentState>();
  /** What whoever watches knows. */
  readonly #told = new Map<DeploymentId, DeploymentState>();
  readonly #observing: Repeating;
  #clusters: ReadonlySet<string> = new Set();

  constructor(id: DriverId, options: OcmDriverOptions) {
    this.id = id;
    this.#options = options;
    this.#observing = every(options.observeMs, () => this.#look(), options.logger);
    this.#observing.start();
  }

  serves({ cluster }: DeploymentTarget): boolean {
    return this.#clusters.has(cluster);
  }

  async refresh(): Promise<void> {
    this.#clusters = new Set((await this.#options.hub.list(MANAGED_CLUSTER, {})).map(({ metadata }) => metadata.name));
  }

  apply(deployment: Deployment, signal: AbortSignal): Promise<DeploymentState> {
    return this.#turns.take(deployment.id, async () => {
      const work = await this.#find(deployment.id);
      return this.#bring(deployment, work, scaleOf(work), signal);
    });
  }

  update(deployment: Deployment, remediation: Remediation, signal: AbortSignal): Promise<DeploymentState> {
    return this.#turns.take(deployment.id, async () => {
      const work = await this.#find(deployment.id);
      return this.#bring(deployment, work, scaled(scaleOf(work), remediation), signal);
    });
  }

  remove(id: DeploymentId, signal: AbortSignal): Promise<void> {
    return this.#turns.take(id, async () => {
      const { hub, goneMs, observeMs, now } = this.#options;
      const deadline = now() + goneMs;
      // The work agent holds the work until what it brought is gone from the managed cluster.
      for (let work = await this.#find(id); work !== undefined; work = await this.#find(id)) {
        if (work.metadata.deletionTimestamp === undefined) await hub.remove(keyOf(work));
        if (now() > deadline) throw new Error(`the managed cluster still has ManifestWork ${work.metadata.name}`);
        await wait(observeMs / POLL_SHARE, undefined, { signal });
      }
      this.#states.delete(id);
      this.#told.delete(id);
    });
  }

  async observe(): Promise<readonly DeploymentState[]> {
    const works = await this.#options.hub.list(MANIFEST_WORK, { [DRIVER_LABEL]: this.id });
    return works.map((work) => this.#stateOf(work)).filter((state) => state !== undefined);
  }

  watch(changed: (state: DeploymentState) => void): () => void {
    this.#watchers.add(changed);
    return () => this.#watchers.delete(changed);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#observing.stop();
    await this.#turns.settled();
  }

  async #bring(
    deployment: Deployment,
    work: ClusterObject | undefined,
    scale: Scale,
    signal: AbortSignal,
  ): Promise<DeploymentState> {
    signal.throwIfAborted();
    const fingerprint = fingerprintOf(deployment, scale);
    if (work !== undefined && recordOf(work)?.fingerprint === fingerprint) {
      const known = this.#stateOf(work);
      if (known?.status === 'available') return known;
    }
    try {
      const marks = { labels: { [DEPLOYMENT_LABEL]: deployment.id }, annotations: annotationsOf(deployment) };
      const objects = objectsFor(deployment).map((object) => preparedObject(object, deployment, marks, scale));
      await this.#options.hub.apply(manifestWorkOf(deployment, this.id, objects, { fingerprint, scale }));
    } catch (thrown) {
      const refusal = refusalOf(thrown, deployment);
      if (refusal === undefined) throw thrown;
      return this.#refuse(deployment, work, refusal);
    }
    return this.#untilAvailable(deployment.id, signal);
  }

  async #untilAvailable(id: DeploymentId, signal: AbortSignal): Promise<DeploymentState> {
    const { readyMs, observeMs, now } = this.#options;
    for (const deadline = now() + readyMs; ; await wait(observeMs / POLL_SHARE, undefined, { signal })) {
      const work = await this.#find(id);
      const isUp = work !== undefined && statusOf(work).isAvailable;
      const state = work !== undefined && (isUp || now() > deadline) ? this.#stateOf(work) : undefined;
      if (state === undefined) continue;
      this.#told.set(id, state);
      return state;
    }
  }

  /** What an earlier descriptor brought is not to run on under a new one that cannot. */
  async #refuse(deployment: Deployment, work: ClusterObject | undefined, told: Told): Promise<DeploymentState> {
    if (work !== undefined) await this.#options.hub.remove(keyOf(work));
    const before = this.#states.get(deployment.id)?.conditions ?? [];
    const conditions = withConditions(before, told, this.#options.now());
    const { id, component } = deployment;
    const state: DeploymentState = {
      id,
      uuid: work?.metadata.uid ?? id,
      name: component,
      status: 'degraded',
      conditions,
    };
    this.#states.set(id, state);
    return state;
  }

  async #find(id: DeploymentId): Promise<ClusterObject | undefined> {
    const [work] = await this.#options.hub.list(MANIFEST_WORK, { [DRIVER_LABEL]: this.id, [DEPLOYMENT_LABEL]: id });
    return work;
  }

  #stateOf(work: ClusterObject): DeploymentState | undefined {
    const id = work.metadata.labels?.[DEPLOYMENT_LABEL] as DeploymentId | undefined;
    if (id === undefined) return undefined;
    const { isAvailable, message } = statusOf(work);
    const told = isAvailable
      ? availableTold('ResourcesAvailable', message)
      : degradedTold('ResourcesUnavailable', message);
    const before = this.#states.get(id)?.conditions ?? [];
    const conditions = withConditions(before, told, this.#options.now());
    const state: DeploymentState = {
      ...headerOf(work, id),
      status: isAvailable ? 'available' : 'degraded',
      conditions,
    };
    this.#states.set(id, state);
    return state;
  }

  async #look(): Promise<void> {
    await this.refresh();
    if (this.#watchers.size === 0) return;
    for (const state of await this.observe()) {
      if (this.#turns.isTaken(state.id) || saysTheSame(this.#told.get(state.id), state)) continue;
      this.#told.set(state.id, state);
      for (const watcher of this.#watchers) watcher(state);
    }
  }
}

const scaleOf = (work: ClusterObject | undefined): Scale =>
  (work === undefined ? undefined : recordOf(work)?.scale) ?? AS_WRITTEN;

const fingerprintOf = ({ manifests, target, namespace }: Deployment, scale: Scale): string =>
  createHash('sha256')
    .update(JSON.stringify([manifests, target, namespace, scale]))
    .digest('hex');

/** Kinds that every cluster has and that belong to all of it; the work agent would have to be its administrator. */
const OF_THE_CLUSTER =
  /^(Namespace|ClusterRole|ClusterRoleBinding|CustomResourceDefinition|PersistentVolume|Node|StorageClass|PriorityClass|.*WebhookConfiguration)$/;

function objectsFor({ manifests, namespace }: Deployment): readonly ClusterObject[] {
  return readObjects(manifests).filter(({ kind, metadata }) => {
    if (kind === 'Namespace' && metadata.name === namespace) return false;
    if (OF_THE_CLUSTER.test(kind)) {
      throw new ManifestRefused('KindForbidden', `${kind} ${metadata.name} would belong to the whole cluster`);
    }
    if (metadata.namespace !== undefined && metadata.namespace !== namespace) {
      const message = `${kind} ${metadata.name} is for the namespace ${metadata.namespace}, not ${namespace}`;
      throw new ManifestRefused('NamespaceForbidden', message);
    }
    return true;
  });
}

function refusalOf(thrown: unknown, { target }: Deployment): Told | undefined {
  if (thrown instanceof ManifestRefused) return degradedTold(thrown.reason, thrown.message);
  if (!(thrown instanceof Refused)) return undefined;
  const isUnknown = thrown.status === 404;
  const message = isUnknown ? `The hub has no managed cluster ${target.cluster}: ${thrown.message}` : thrown.message;
  return degradedTold(isUnknown ? 'ClusterUnknown' : 'RefusedByHub', message);
}
