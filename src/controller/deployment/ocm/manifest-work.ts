/** `ManifestWork` of Open Cluster Management: what the hub is told, and what the managed cluster says of it. */
import { z } from 'zod';
import type { Deployment, DeploymentState, DriverId } from '../driver.ts';
import type { ClusterObject } from '../kubernetes/cluster.ts';
import { DEPLOYMENT_LABEL, DRIVER_LABEL, stateNameOf } from '../kubernetes/inventory.ts';
import type { Scale } from '../process/scale.ts';

export const MANIFEST_WORK = { apiVersion: 'work.open-cluster-management.io/v1', kind: 'ManifestWork' } as const;
export const MANAGED_CLUSTER = { apiVersion: 'cluster.open-cluster-management.io/v1', kind: 'ManagedCluster' } as const;
export const CLUSTER_MANAGER = {
  apiVersion: 'operator.open-cluster-management.io/v1',
  kind: 'ClusterManager',
} as const;

const RECORD = 'metakernel.dev/record';
const record = z.object({
  component: z.string(),
  fingerprint: z.string(),
  scale: z.object({ replicas: z.int(), cpus: z.int(), memoryBytes: z.number() }),
});
export type WorkRecord = z.output<typeof record>;

/** Kinds whose replicas the work agent reports by itself when it is asked to. */
const WITH_FEEDBACK: Readonly<Record<string, { readonly group: string; readonly resource: string }>> = {
  Deployment: { group: 'apps', resource: 'deployments' },
  StatefulSet: { group: 'apps', resource: 'statefulsets' },
  DaemonSet: { group: 'apps', resource: 'daemonsets' },
  Job: { group: 'batch', resource: 'jobs' },
  Pod: { group: '', resource: 'pods' },
};

/** The name is the deployment's, not a random one: a repeated creation finds the work that is there. */
export function manifestWorkOf(
  deployment: Deployment,
  driver: DriverId,
  objects: readonly ClusterObject[],
  kept: { readonly fingerprint: string; readonly scale: Scale },
): ClusterObject {
  const { id, component, namespace, target } = deployment;
  const manifests = [{ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } }, ...objects];
  return {
    ...MANIFEST_WORK,
    metadata: {
      name: stateNameOf(deployment),
      namespace: target.cluster,
      labels: { [DRIVER_LABEL]: driver, [DEPLOYMENT_LABEL]: id },
      annotations: { [RECORD]: JSON.stringify({ component, ...kept } satisfies WorkRecord) },
    },
    spec: { workload: { manifests }, manifestConfigs: objects.flatMap(feedbackFor) },
  };
}

function feedbackFor({ kind, metadata: { name, namespace } }: ClusterObject): readonly object[] {
  const known = WITH_FEEDBACK[kind];
  if (known === undefined) return [];
  return [{ resourceIdentifier: { ...known, name, namespace }, feedbackRules: [{ type: 'WellKnownStatus' }] }];
}

export function recordOf({ metadata }: ClusterObject): WorkRecord | undefined {
  const text = metadata.annotations?.[RECORD];
  return text === undefined ? undefined : record.safeParse(JSON.parse(text)).data;
}

const condition = z.looseObject({
  type: z.string(),
  status: z.enum(['True', 'False', 'Unknown']),
  observedGeneration: z.number().default(0),
  reason: z.string().default(''),
  message: z.string().default(''),
});
const feedback = z.looseObject({
  name: z.string(),
  fieldValue: z.looseObject({ integer: z.number().nullish(), string: z.string().nullish() }),
});
const workStatus = z.looseObject({
  conditions: z.array(condition).default([]),
  resourceStatus: z
    .looseObject({
      manifests: z
        .array(
          z.looseObject({
            resourceMeta: z.looseObject({ kind: z.string().default(''), name: z.string().default('') }).prefault({}),
            statusFeedback: z.looseObject({ values: z.array(feedback).nullish() }).nullish(),
            conditions: z.array(condition).default([]),
          }),
        )
        .default([]),
    })
    .prefault({}),
});

export interface WorkStatus {
  /** The managed cluster has said something about the present manifests. */
  readonly isCurrent: boolean;
  readonly isAvailable: boolean;
  readonly message: string;
}

/**
 * The hub calls a work available when its objects exist; whether they run is in their feedback, where there is any.
 */
export function statusOf(work: ClusterObject): WorkStatus {
  const parsed = workStatus.safeParse(work['status'] ?? {});
  if (!parsed.success) return { isCurrent: false, isAvailable: false, message: 'Its status cannot be read' };
  const { conditions, resourceStatus } = parsed.data;
  const generation = work.metadata.generation ?? 0;
  const current = conditions.filter(({ observedGeneration }) => observedGeneration >= generation);
  const available = current.find(({ type }) => type === 'Available');
  const troubles = [
    ...current.filter(isTrouble).map(({ type, message, reason }) => `${type}: ${message || reason}`),
    ...resourceStatus.manifests.flatMap(({ resourceMeta, conditions: own, statusFeedback }) => {
      const name = `${resourceMeta.kind} ${resourceMeta.name}`;
      const refused = own.filter(isTrouble).map(({ message, reason }) => `${name}: ${message || reason}`);
      const missing = missingReplicas(statusFeedback?.values ?? []);
      return missing === undefined ? refused : [...refused, `${name}: ${missing}`];
    }),
  ];
  const isAvailable = available?.status === 'True' && troubles.length === 0;
  const waiting = available === undefined ? ['The managed cluster has not said anything yet'] : [];
  const message = [...troubles, ...waiting].join('\n') || available?.message || 'All resources are available';
  return { isCurrent: available !== undefined, isAvailable, message };
}

const isTrouble = ({ type, status }: z.output<typeof condition>): boolean =>
  status === 'False' && (type === 'Applied' || type === 'Available');

function missingReplicas(values: readonly z.output<typeof feedback>[]): string | undefined {
  const countOf = (name: string): number | undefined =>
    values.find((value) => value.name === name)?.fieldValue.integer ?? undefined;
  const wanted = countOf('Replicas') ?? countOf('DesiredNumberScheduled');
  const there = countOf('AvailableReplicas') ?? countOf('NumberAvailable') ?? countOf('ReadyReplicas') ?? 0;
  return wanted === undefined || there >= wanted ? undefined : `${there} of ${wanted} replicas are available`;
}

export const headerOf = (work: ClusterObject, id: DeploymentState['id']) => ({
  id,
  uuid: work.metadata.uid ?? id,
  name: work.metadata.name,
});
