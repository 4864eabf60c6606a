import { z } from 'zod';
import type { Deployment, DeploymentId, DeploymentState, DriverId } from '../driver.ts';
import { AS_WRITTEN, type Scale } from '../process/scale.ts';
import type { Cluster, ClusterObject, ObjectKey } from './cluster.ts';

export const DRIVER_LABEL = 'metakernel.dev/driver';
export const DEPLOYMENT_LABEL = 'metakernel.dev/deployment';

const key = z.object({
  apiVersion: z.string(),
  kind: z.string(),
  name: z.string(),
  namespace: z.string().optional(),
});
const scale = z.object({ replicas: z.int(), cpus: z.int(), memoryBytes: z.number() });
const condition = z.object({
  type: z.enum(['Progressing', 'Applied', 'Available', 'Degraded']),
  status: z.enum(['True', 'False', 'Unknown']),
  reason: z.string(),
  message: z.string(),
  lastTransitionTime: z.string(),
});
const record = z.object({
  component: z.string(),
  /** Of manifests and scale: equal means that nothing is to be applied. */
  fingerprint: z.string(),
  scale: scale.default(AS_WRITTEN),
  objects: z.array(key).default([]),
  conditions: z.array(condition).default([]),
});

/** What this driver keeps of a deployment, on the cluster itself: with it, any process of the same driver goes on. */
export interface InventoryEntry {
  readonly id: DeploymentId;
  readonly namespace: string;
  /** Of the config map: the deployment's id at the cluster. */
  readonly uid: string;
  readonly component: string;
  readonly fingerprint: string;
  readonly scale: Scale;
  readonly objects: readonly ObjectKey[];
  readonly conditions: DeploymentState['conditions'];
}

export interface Inventory {
  find(id: DeploymentId): Promise<InventoryEntry | undefined>;
  all(): Promise<readonly InventoryEntry[]>;
  put(entry: Omit<InventoryEntry, 'uid'>): Promise<InventoryEntry>;
  remove(entry: InventoryEntry): Promise<void>;
}

const CONFIG_MAP = { apiVersion: 'v1', kind: 'ConfigMap' } as const;
const MEMBER = 'deployment.json';
const nameOf = (id: DeploymentId): string => `metakernel-${id}`;

export function createInventory(cluster: Cluster, driver: DriverId): Inventory {
  const labelsOf = (id: DeploymentId) => ({ [DRIVER_LABEL]: driver, [DEPLOYMENT_LABEL]: id });
  return {
    find: async (id) =>
      (await cluster.list(CONFIG_MAP, labelsOf(id))).map(entryOf).find((entry) => entry !== undefined),
    all: async () =>
      (await cluster.list(CONFIG_MAP, { [DRIVER_LABEL]: driver })).map(entryOf).filter((entry) => entry !== undefined),
    async put({ id, namespace, ...kept }) {
      const written = await cluster.apply({
        ...CONFIG_MAP,
        metadata: { name: nameOf(id), namespace, labels: labelsOf(id) },
        data: { [MEMBER]: JSON.stringify(kept) },
      });
      return { id, namespace, uid: written.metadata.uid ?? id, ...kept };
    },
    remove: ({ id, namespace }) => cluster.remove({ ...CONFIG_MAP, name: nameOf(id), namespace }),
  };
}

function entryOf({ metadata, ...object }: ClusterObject): InventoryEntry | undefined {
  const data = z.record(z.string(), z.string()).safeParse(object['data']);
  const id = metadata.labels?.[DEPLOYMENT_LABEL];
  const text = data.data?.[MEMBER];
  if (id === undefined || text === undefined || metadata.deletionTimestamp !== undefined) return undefined;
  const { objects, ...kept } = record.parse(JSON.parse(text));
  return {
    id: id as DeploymentId,
    namespace: metadata.namespace ?? '',
    uid: metadata.uid ?? id,
    ...kept,
    objects: objects.map((object) => ({ ...object, namespace: object.namespace })),
  };
}

export const keyOf = ({ apiVersion, kind, metadata }: ClusterObject): ObjectKey => ({
  apiVersion,
  kind,
  name: metadata.name,
  namespace: metadata.namespace,
});

export const sameObject = (a: ObjectKey, b: ObjectKey): boolean =>
  a.kind === b.kind && a.name === b.name && a.namespace === b.namespace && groupOf(a) === groupOf(b);

const groupOf = ({ apiVersion }: ObjectKey): string =>
  apiVersion.includes('/') ? (apiVersion.split('/')[0] ?? '') : '';

export const stateNameOf = ({ component, id }: Pick<Deployment, 'component' | 'id'>): string =>
  `${component}-${id.slice(0, 8)}`;
