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
import { AS_WRITTEN, type Scale, scaled } from '../process/scale.ts';
import { Turns } from '../turns.ts';
import { type Cluster, type ClusterObject, type ObjectKey, Refused } from './cluster.ts';
import {
  createInventory,
  DEPLOYMENT_LABEL,
  DRIVER_LABEL,
  type Inventory,
  type InventoryEntry,
  keyOf,
  sameObject,
  stateNameOf,
} from './inventory.ts';
import { annotationsOf, ManifestRefused, preparedObject, readObjects } from './objects.ts';
import { podTrouble, type Readiness, RUNNING_KINDS, readinessOf } from './readiness.ts';

export interface KubernetesDriverOptions {
  readonly id: DriverId;
  /** What the taxonomy calls this cluster. */
  readonly clusterName: string;
  readonly cluster: Cluster;
  readonly logger: Logger;
  readonly now: () => number;
  /** How long an application may take until it is called degraded; it may still come up later, which is then told. */
  readonly readyMs: number;
  /** How long removed objects may take to be gone before the removal is tried again. */
  readonly goneMs: number;
  /** Between two looks at the cluster. */
  readonly observeMs: number;
}

export const KUBERNETES_DEFAULTS = { readyMs: 120_000, goneMs: 60_000, observeMs: 5_000 };

type Told = Parameters<typeof withConditions>[1];
const POD = { apiVersion: 'v1', kind: 'Pod' } as const;
const POLL_SHARE = 5;

/** Deploys to one Kubernetes cluster by server-side apply. Everything it knows is on the cluster. */
export class KubernetesDriver implements DeploymentDriver {
  readonly orchestrator = 'kubernetes';
  readonly id: DriverId;
  readonly #options: KubernetesDriverOptions;
  readonly #inventory: Inventory;
  readonly #turns = new Turns();
  readonly #watchers = new Set<(state: DeploymentState) => void>();
  readonly #seen = new Map<DeploymentId, DeploymentState>();
  readonly #observing: Repeating;

  constructor(options: KubernetesDriverOptions) {
    this.id = options.id;
    this.#options = options;
    this.#inventory = createInventory(options.cluster, options.id);
    this.#observing = every(options.observeMs, () => this.#look(), options.logger);
    this.#observing.start();
  }

  serves({ cluster }: DeploymentTarget): boolean {
    return cluster === this.#options.clusterName;
  }

  apply(deployment: Deployment, signal: AbortSignal): Promise<DeploymentState> {
    return this.#turns.take(deployment.id, async () => {
      const entry = await this.#inventory.find(deployment.id);
      return this.#bring(deployment, entry, entry?.scale ?? AS_WRITTEN, signal);
    });
  }

  update(deployment: Deployment, remediation: Remediation, signal: AbortSignal): Promise<DeploymentState> {
    return this.#turns.take(deployment.id, async () => {
      const entry = await this.#inventory.find(deployment.id);
      return this.#bring(deployment, entry, scaled(entry?.scale ?? AS_WRITTEN, remediation), signal);
    });
  }

  remove(id: DeploymentId, signal: AbortSignal): Promise<void> {
    return this.#turns.take(id, async () => {
      const entry = await this.#inventory.find(id);
      if (entry === undefined) return;
      for (const object of entry.objects.toReversed()) await this.#removeOwn(object, id);
      await this.#untilGone(id, signal);
      await this.#inventory.remove(entry);
      this.#seen.delete(id);
    });
  }

  async observe(): Promise<readonly DeploymentState[]> {
    const [entries, objects] = await Promise.all([
      this.#inventory.all(),
      this.#runningObjects({ [DRIVER_LABEL]: this.id }),
    ]);
    const byDeployment = Map.groupBy(objects, ({ metadata }) => metadata.labels?.[DEPLOYMENT_LABEL] ?? '');
    return entries.map((entry) => this.#stateOf(entry, byDeployment.get(entry.id) ?? []));
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
    entry: InventoryEntry | undefined,
    scale: Scale,
    signal: AbortSignal,
  ): Promise<DeploymentState> {
    signal.throwIfAborted();
    const fingerprint = fingerprintOf(deployment, scale);
    if (entry?.fingerprint === fingerprint) {
      const known = this.#stateOf(entry, await this.#runningObjects(this.#labelsOf(deployment.id)));
      if (known.status === 'available') return known;
    }
    const kept = entry ?? newEntry(deployment);
    try {
      const objects = await this.#prepared(deployment, scale);
      const applied = await this.#applyAll(deployment, { ...kept, fingerprint, scale }, objects, signal);
      return await this.#untilReady(applied, signal);
    } catch (thrown) {
      const refusal = refusalOf(thrown);
      if (refusal === undefined) throw thrown;
      return this.#refuse(deployment, { ...kept, scale, fingerprint }, refusal);
    }
  }

  async #prepared(deployment: Deployment, scale: Scale): Promise<readonly ClusterObject[]> {
    const marks = { labels: this.#labelsOf(deployment.id), annotations: annotationsOf(deployment) };
    const objects = readObjects(deployment.manifests);
    const prepared: ClusterObject[] = [];
    for (const object of objects) {
      const name = `${object.kind} ${object.metadata.name}`;
      const scope = await this.#options.cluster.scopeOf(object);
      if (object.kind === 'Namespace' && object.metadata.name === deployment.namespace) continue;
      if (scope === undefined)
        throw new ManifestRefused(
          'KindUnsupported',
          `${name}: the cluster does not know ${object.apiVersion} ${object.kind}`,
        );
      // An application is kept to its namespace: what belongs to the whole cluster is its administrator's.
      if (scope === 'cluster') throw new ManifestRefused('KindForbidden', `${name} would belong to the whole cluster`);
      const { namespace } = object.metadata;
      if (namespace !== undefined && namespace !== deployment.namespace) {
        throw new ManifestRefused(
          'NamespaceForbidden',
          `${name} is for the namespace ${namespace}, not ${deployment.namespace}`,
        );
      }
      prepared.push(preparedObject(object, deployment, marks, scale));
    }
    return prepared;
  }

  /** What will be there is written down first: whatever happens then, it can be found and removed. */
  async #applyAll(
    { namespace }: Deployment,
    entry: Omit<InventoryEntry, 'uid'>,
    objects: readonly ClusterObject[],
    signal: AbortSignal,
  ): Promise<InventoryEntry> {
    const wanted = objects.map(keyOf);
    const superfluous = entry.objects.filter((known) => !wanted.some((key) => sameObject(key, known)));
    await this.#ensureNamespace(namespace);
    await this.#inventory.put({ ...entry, fingerprint: '', objects: [...wanted, ...superfluous] });
    for (const object of objects) {
      signal.throwIfAborted();
      await this.#applyOwn(object, entry.id);
    }
    for (const key of superfluous) await this.#removeOwn(key, entry.id);
    return this.#inventory.put({ ...entry, objects: wanted });
  }

  /** Two applications of one namespace may call an object alike: the first one keeps it. */
  async #applyOwn(object: ClusterObject, id: DeploymentId): Promise<void> {
    const live = await this.#options.cluster.read(keyOf(object));
    const holder = live?.metadata.labels?.[DEPLOYMENT_LABEL];
    if (live !== undefined && holder !== id) {
      const by = holder === undefined ? 'somebody else' : `the deployment ${holder}`;
      const { kind, metadata } = object;
      throw new ManifestRefused(
        'NameTaken',
        `${kind} ${metadata.name} is in ${metadata.namespace} already and is of ${by}`,
      );
    }
    await this.#options.cluster.apply(object);
  }

  async #removeOwn(key: ObjectKey, id: DeploymentId): Promise<void> {
    const live = await this.#options.cluster.read(key);
    if (live?.metadata.labels?.[DEPLOYMENT_LABEL] === id) await this.#options.cluster.remove(key);
  }

  async #ensureNamespace(name: string): Promise<void> {
    const key = { apiVersion: 'v1', kind: 'Namespace', name, namespace: undefined };
    if ((await this.#options.cluster.read(key)) !== undefined) return;
    await this.#options.cluster.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
  }

  async #untilReady(entry: InventoryEntry, signal: AbortSignal): Promise<DeploymentState> {
    const { readyMs, observeMs, now } = this.#options;
    for (const deadline = now() + readyMs; ; await wait(observeMs / POLL_SHARE, undefined, { signal })) {
      const objects = await this.#runningObjects(this.#labelsOf(entry.id));
      const isFinal = readinessesOf(entry, objects).every(({ ready, failed }) => ready || failed);
      if (isFinal || now() > deadline) return this.#keep(entry, this.#stateOf(entry, objects));
    }
  }

  /** Nothing of it is to run then, also not what an earlier descriptor had brought. */
  async #refuse(
    deployment: Deployment,
    entry: Omit<InventoryEntry, 'uid'>,
    { reason, message }: Refusal,
  ): Promise<DeploymentState> {
    const known = await this.#inventory.find(deployment.id);
    for (const object of known?.objects ?? []) await this.#removeOwn(object, deployment.id);
    await this.#ensureNamespace(deployment.namespace);
    const told = degradedTold(reason, message);
    const conditions = withConditions(entry.conditions, told, this.#options.now());
    const kept = await this.#inventory.put({ ...entry, objects: [], conditions });
    return this.#keep(kept, { ...headerOf(kept), status: 'degraded', conditions });
  }

  async #keep(entry: InventoryEntry, state: DeploymentState): Promise<DeploymentState> {
    await this.#inventory.put({ ...entry, conditions: state.conditions });
    this.#seen.set(entry.id, state);
    return state;
  }

  async #untilGone(id: DeploymentId, signal: AbortSignal): Promise<void> {
    const { goneMs, observeMs, now } = this.#options;
    for (const deadline = now() + goneMs; ; await wait(observeMs / POLL_SHARE, undefined, { signal })) {
      const left = await this.#runningObjects(this.#labelsOf(id));
      if (left.length === 0) return;
      const names = left.map(({ kind, metadata }) => `${kind} ${metadata.name}`).join(', ');
      if (now() > deadline) throw new Error(`still there: ${names}`);
    }
  }

  async #runningObjects(labels: Readonly<Record<string, string>>): Promise<readonly ClusterObject[]> {
    return (await Promise.all(RUNNING_KINDS.map((kind) => this.#options.cluster.list(kind, labels)))).flat();
  }

  #labelsOf(id: DeploymentId): Readonly<Record<string, string>> {
    return { [DRIVER_LABEL]: this.id, [DEPLOYMENT_LABEL]: id };
  }

  #stateOf(entry: InventoryEntry, objects: readonly ClusterObject[]): DeploymentState {
    // Objects that were refused have left nothing to look at: what was said then still holds.
    const before = entry.conditions;
    if (entry.objects.length === 0 && before.length > 0)
      return { ...headerOf(entry), status: 'degraded', conditions: before };
    const told = toldBy(readinessesOf(entry, objects), objects);
    const conditions = withConditions(before, told, this.#options.now());
    const isAvailable = conditions.some(({ type, status }) => type === 'Available' && status === 'True');
    return { ...headerOf(entry), status: isAvailable ? 'available' : 'degraded', conditions };
  }

  /** Tells what changed without having been asked for. */
  async #look(): Promise<void> {
    if (this.#watchers.size === 0) return;
    for (const state of await this.observe()) {
      if (this.#turns.isTaken(state.id) || saysTheSame(this.#seen.get(state.id), state)) continue;
      this.#seen.set(state.id, state);
      const entry = await this.#inventory.find(state.id);
      if (entry !== undefined) await this.#inventory.put({ ...entry, conditions: state.conditions });
      for (const watcher of this.#watchers) watcher(state);
    }
  }
}

const headerOf = (entry: InventoryEntry) => ({ id: entry.id, uuid: entry.uid, name: stateNameOf(entry) });

const newEntry = ({ id, namespace, component }: Deployment): Omit<InventoryEntry, 'uid'> => ({
  id,
  namespace,
  component,
  fingerprint: '',
  scale: AS_WRITTEN,
  objects: [],
  conditions: [],
});

const fingerprintOf = ({ manifests, target, namespace }: Deployment, scale: Scale): string =>
  createHash('sha256')
    .update(JSON.stringify([manifests, target, namespace, scale]))
    .digest('hex');

/** Each object that should run, as it is; one that is not there is not ready. */
function readinessesOf(entry: InventoryEntry, objects: readonly ClusterObject[]): readonly Readiness[] {
  return entry.objects.filter(isRunningKind).map((wanted) => {
    const found = objects.find((object) => sameObject(keyOf(object), wanted));
    return found === undefined
      ? { ready: false, failed: false, message: `${wanted.kind} ${wanted.name} is not there` }
      : readinessOf(found);
  });
}

const isRunningKind = ({ kind }: ObjectKey): boolean => RUNNING_KINDS.some((running) => running.kind === kind);

function toldBy(readinesses: readonly Readiness[], objects: readonly ClusterObject[]): Told {
  const missing = readinesses.filter(({ ready, failed }) => !ready || failed);
  if (missing.length === 0) {
    const message = readinesses.map(({ message: text }) => text).join('; ');
    return availableTold('ResourcesAvailable', message === '' ? 'All objects are applied' : message);
  }
  const troubles = objects.filter(({ kind }) => kind === POD.kind).map(podTrouble);
  const told = [...missing.map(({ message }) => message), ...new Set(troubles.filter((text) => text !== undefined))];
  return degradedTold('ResourcesUnavailable', told.slice(0, MOST_TOLD).join('\n'));
}

const MOST_TOLD = 20;

interface Refusal {
  readonly reason: string;
  readonly message: string;
}

function refusalOf(thrown: unknown): Refusal | undefined {
  if (thrown instanceof ManifestRefused) return { reason: thrown.reason, message: thrown.message };
  return thrown instanceof Refused ? { reason: 'RefusedByCluster', message: thrown.message } : undefined;
}
