/** Whether objects of a cluster do what they are there for, and why not. */
import { z } from 'zod';
import type { ClusterObject } from './cluster.ts';

export interface Readiness {
  readonly ready: boolean;
  /** Nothing better is to be expected: it failed, and nobody starts it again. */
  readonly failed: boolean;
  readonly message: string;
}

const condition = z.looseObject({
  type: z.string(),
  status: z.string(),
  reason: z.string().nullish(),
  message: z.string().nullish(),
});
const containerStatus = z.looseObject({
  name: z.string(),
  ready: z.boolean().default(false),
  state: z
    .looseObject({
      waiting: z.looseObject({ reason: z.string().nullish(), message: z.string().nullish() }).nullish(),
      terminated: z
        .looseObject({ reason: z.string().nullish(), exitCode: z.number().nullish(), message: z.string().nullish() })
        .nullish(),
    })
    .nullish(),
});
const count = z.number().default(0);
const workload = z.looseObject({
  metadata: z.looseObject({ generation: z.number().default(0) }),
  spec: z.looseObject({ replicas: z.number().nullish(), completions: z.number().nullish() }).default({}),
  status: z
    .looseObject({
      observedGeneration: count,
      updatedReplicas: count,
      availableReplicas: count,
      readyReplicas: count,
      desiredNumberScheduled: count,
      numberAvailable: count,
      succeeded: count,
      active: count,
      phase: z.string().optional(),
      message: z.string().nullish(),
      conditions: z.array(condition).nullish(),
      containerStatuses: z.array(containerStatus).nullish(),
    })
    .prefault({}),
});
type Workload = z.output<typeof workload>;

/** Kinds that run something; all others are there when they are applied. */
export const RUNNING_KINDS: readonly { readonly apiVersion: string; readonly kind: string }[] = [
  { apiVersion: 'apps/v1', kind: 'Deployment' },
  { apiVersion: 'apps/v1', kind: 'StatefulSet' },
  { apiVersion: 'apps/v1', kind: 'DaemonSet' },
  { apiVersion: 'apps/v1', kind: 'ReplicaSet' },
  { apiVersion: 'batch/v1', kind: 'Job' },
  { apiVersion: 'v1', kind: 'Pod' },
];

const READ: Readonly<Record<string, (object: Workload) => Omit<Readiness, 'message'> & { readonly of: string }>> = {
  Deployment: ({ metadata, spec, status }) => ({
    ready:
      status.observedGeneration >= metadata.generation &&
      status.updatedReplicas >= (spec.replicas ?? 1) &&
      status.availableReplicas >= (spec.replicas ?? 1),
    failed: false,
    of: `${status.availableReplicas} of ${spec.replicas ?? 1} available`,
  }),
  StatefulSet: ({ metadata, spec, status }) => ({
    ready: status.observedGeneration >= metadata.generation && status.readyReplicas >= (spec.replicas ?? 1),
    failed: false,
    of: `${status.readyReplicas} of ${spec.replicas ?? 1} ready`,
  }),
  ReplicaSet: ({ spec, status }) => ({
    ready: status.availableReplicas >= (spec.replicas ?? 1),
    failed: false,
    of: `${status.availableReplicas} of ${spec.replicas ?? 1} available`,
  }),
  DaemonSet: ({ metadata, status }) => ({
    ready: status.observedGeneration >= metadata.generation && status.numberAvailable >= status.desiredNumberScheduled,
    failed: false,
    of: `${status.numberAvailable} of ${status.desiredNumberScheduled} available`,
  }),
  Job: ({ spec, status }) => {
    const failed = (status.conditions ?? []).some(({ type, status: is }) => type === 'Failed' && is === 'True');
    const done = status.succeeded >= (spec.completions ?? 1);
    return {
      ready: done || (status.active > 0 && !failed),
      failed,
      of: `${status.succeeded} succeeded, ${status.active} active`,
    };
  },
  Pod: ({ status }) => ({
    ready:
      status.phase === 'Succeeded' ||
      (status.conditions ?? []).some(({ type, status: is }) => type === 'Ready' && is === 'True'),
    failed: status.phase === 'Failed',
    of: status.phase ?? 'Pending',
  }),
};

export function readinessOf(object: ClusterObject): Readiness {
  const read = READ[object.kind];
  const name = `${object.kind} ${object.metadata.name}`;
  const parsed = workload.safeParse(object);
  if (read === undefined) return { ready: true, failed: false, message: name };
  if (!parsed.success) return { ready: false, failed: false, message: `${name}: its status cannot be read` };
  const { ready, failed, of } = read(parsed.data);
  const told = (parsed.data.status.conditions ?? [])
    .filter(({ type, status }) => status === 'True' && (type === 'ReplicaFailure' || type === 'Failed'))
    .map(({ message, reason }) => message ?? reason ?? '');
  return { ready, failed, message: [`${name}: ${of}`, ...told].join('; ') };
}

/** What keeps a pod from running, in the words of the cluster; undefined when nothing does. */
export function podTrouble(pod: ClusterObject): string | undefined {
  const parsed = workload.safeParse(pod);
  if (!parsed.success) return undefined;
  const { status } = parsed.data;
  const unscheduled = (status.conditions ?? []).find(
    ({ type, status: is }) => type === 'PodScheduled' && is === 'False',
  );
  const stuck = (status.containerStatuses ?? []).flatMap(({ name, state, ready }) => {
    const { waiting, terminated } = state ?? {};
    if (waiting?.reason != null && waiting.reason !== 'ContainerCreating')
      return [`${name} ${waiting.reason}: ${waiting.message ?? ''}`];
    if (terminated != null && !ready && terminated.exitCode !== 0) {
      return [
        `${name} ended with ${terminated.exitCode ?? '?'} ${terminated.reason ?? ''} ${terminated.message ?? ''}`,
      ];
    }
    return [];
  });
  const told = [
    ...(unscheduled === undefined ? [] : [`${unscheduled.reason ?? ''} ${unscheduled.message ?? ''}`]),
    ...(status.phase === 'Failed' ? [status.message ?? 'it failed'] : []),
    ...stuck,
  ];
  return told.length === 0 ? undefined : `Pod ${pod.metadata.name}: ${told.map((text) => text.trim()).join('; ')}`;
}
