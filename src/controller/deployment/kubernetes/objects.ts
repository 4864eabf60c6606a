/** From the manifests of a job to the objects that are applied. */
import { parseAllDocuments } from 'yaml';
import { z } from 'zod';
import { parseCpu, parseMemory } from '../../../common/quantity.ts';
import type { Deployment } from '../driver.ts';
import type { Scale } from '../process/scale.ts';
import type { ClusterObject } from './cluster.ts';

/** A manifest that cannot become an object; the reason is one word for the condition. */
export class ManifestRefused extends Error {
  readonly reason: string;
  constructor(reason: string, message: string) {
    super(message);
    this.reason = reason;
  }
}

const DNS_NAME = /^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/;
const header = z.looseObject({
  apiVersion: z.string().min(1),
  kind: z.string().min(1),
  metadata: z.looseObject({
    name: z.string().regex(DNS_NAME, 'is no name of an object').max(253),
    namespace: z.string().optional(),
  }),
});

export function readObjects(manifests: readonly string[]): readonly ClusterObject[] {
  const objects = manifests.flatMap((text) =>
    [...parseAllDocuments(text, { logLevel: 'silent' })]
      .filter((document) => document.contents !== null)
      .map((document) => {
        const [problem] = document.errors;
        if (problem !== undefined) throw new ManifestRefused('ManifestInvalid', problem.message);
        return objectOf(document);
      }),
  );
  if (objects.length === 0) throw new ManifestRefused('NothingToRun', 'There is no object in the manifests');
  return objects;
}

function objectOf(document: { toJS(options: { maxAliasCount: number }): unknown }): ClusterObject {
  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: 100 });
  } catch (thrown) {
    throw new ManifestRefused('ManifestInvalid', thrown instanceof Error ? thrown.message : String(thrown));
  }
  const parsed = header.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new ManifestRefused('ManifestInvalid', `${issue?.path.join('.') ?? ''} ${issue?.message ?? ''}`.trim());
}

type Members = Readonly<Record<string, unknown>>;
const isMembers = (value: unknown): value is Members =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const membersAt = (object: Members, key: string): Members => (isMembers(object[key]) ? object[key] : {});

/** Where each kind keeps the template of its pods. */
const TEMPLATE: Readonly<Record<string, readonly string[]>> = {
  Deployment: ['spec', 'template'],
  StatefulSet: ['spec', 'template'],
  ReplicaSet: ['spec', 'template'],
  DaemonSet: ['spec', 'template'],
  Job: ['spec', 'template'],
  CronJob: ['spec', 'jobTemplate', 'spec', 'template'],
  Pod: [],
};
const SCALED: ReadonlySet<string> = new Set(['Deployment', 'StatefulSet', 'ReplicaSet']);

export interface Marks {
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

/** Telemetry finds pods by these annotations: the original sets them on the outer object alone, where nobody looks. */
export const annotationsOf = ({ application, component, instance, id }: Deployment): Marks['annotations'] => ({
  'app.icos.eu/name': application,
  'app.icos.eu/component': component,
  'app.icos.eu/instance': instance,
  'jobmanager.icos.eu/manifest': id,
});

/** The object as it is to be there: marked, in its namespace, on its node, as large as remediations made it. */
export function preparedObject(
  object: ClusterObject,
  { namespace, target }: Deployment,
  marks: Marks,
  scale: Scale,
): ClusterObject {
  const placed = changeTemplate(object, (template) => ({
    ...marked(template, marks),
    spec: scaledPod(onNode(membersAt(template, 'spec'), target.node), scale),
  }));
  const outer = marked(placed, marks) as ClusterObject;
  return scaledReplicas({ ...outer, metadata: { ...outer.metadata, namespace } }, scale);
}

function changeTemplate(object: ClusterObject, change: (template: Members) => Members): Members {
  const path = TEMPLATE[object.kind];
  return path === undefined ? object : changeAt(object, path, change);
}

function changeAt(object: Members, path: readonly string[], change: (at: Members) => Members): Members {
  const [key, ...rest] = path;
  return key === undefined ? change(object) : { ...object, [key]: changeAt(membersAt(object, key), rest, change) };
}

function marked(object: Members, { labels, annotations }: Marks): Members {
  const metadata = membersAt(object, 'metadata');
  return {
    ...object,
    metadata: {
      ...metadata,
      labels: { ...membersAt(metadata, 'labels'), ...labels },
      annotations: { ...membersAt(metadata, 'annotations'), ...annotations },
    },
  };
}

/** The matchmaker chose the node, so the cluster's own scheduler is not to choose another. */
const onNode = (spec: Members, node: string): Members =>
  node === ''
    ? spec
    : { ...spec, nodeSelector: { ...membersAt(spec, 'nodeSelector'), 'kubernetes.io/hostname': node } };

function scaledReplicas(object: ClusterObject, { replicas }: Scale): ClusterObject {
  const spec = membersAt(object, 'spec');
  const written = typeof spec['replicas'] === 'number' ? spec['replicas'] : 1;
  if (replicas === 0 || !SCALED.has(object.kind) || written === 0) return object;
  return { ...object, spec: { ...spec, replicas: Math.max(1, written + replicas) } };
}

const LEAST_CPU_MILLIS = 10;
const LEAST_MEMORY = 16 * 2 ** 20;

/** In and out change what the first container requests, as the OCM driver does it. */
function scaledPod(spec: Members, { cpus, memoryBytes }: Scale): Members {
  const [first, ...others] = Array.isArray(spec['containers']) ? (spec['containers'] as unknown[]) : [];
  if ((cpus === 0 && memoryBytes === 0) || !isMembers(first)) return spec;
  const resources = membersAt(first, 'resources');
  const requests = membersAt(resources, 'requests');
  const cpu = amountOf(requests['cpu'], parseCpu) + cpus * 1000;
  const memory = amountOf(requests['memory'], parseMemory) + memoryBytes;
  const scaled = { cpu: `${Math.max(LEAST_CPU_MILLIS, cpu)}m`, memory: String(Math.max(LEAST_MEMORY, memory)) };
  const changed = { ...first, resources: { ...resources, requests: { ...requests, ...scaled } } };
  return { ...spec, containers: [changed, ...others] };
}

function amountOf(value: unknown, parse: typeof parseCpu): number {
  const parsed = typeof value === 'string' || typeof value === 'number' ? parse(value) : { value: 0 };
  return 'value' in parsed ? parsed.value : 0;
}
