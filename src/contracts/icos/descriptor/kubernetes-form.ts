import { type ParsedQuantity, parseCpu, parseMemory } from '../../../common/quantity.ts';
import type { Application, JsonObject, JsonValue, Manifest, Requirements } from './application.ts';
import type { Issues } from './issues.ts';
import { readManifest } from './manifests.ts';
import { labelProblem } from './names.ts';
import { readQuantity } from './requirements.ts';
import type { DescriptorDocument } from './yaml-text.ts';
import { isObject } from './yaml-value.ts';

/** Where each kind that runs containers keeps its pod. */
const POD_SPEC: Readonly<Record<string, readonly string[]>> = {
  Deployment: ['spec', 'template', 'spec'],
  StatefulSet: ['spec', 'template', 'spec'],
  DaemonSet: ['spec', 'template', 'spec'],
  ReplicaSet: ['spec', 'template', 'spec'],
  Job: ['spec', 'template', 'spec'],
  CronJob: ['spec', 'jobTemplate', 'spec', 'template', 'spec'],
  Pod: ['spec'],
};

/** Where each kind says how many pods run at once; the others run one on a node. */
const COPIES: Readonly<Record<string, readonly string[]>> = {
  Deployment: ['spec', 'replicas'],
  StatefulSet: ['spec', 'replicas'],
  ReplicaSet: ['spec', 'replicas'],
  Job: ['spec', 'parallelism'],
  CronJob: ['spec', 'jobTemplate', 'spec', 'parallelism'],
};

/**
 * The seed's form: plain Kubernetes objects. They make one component, named as the first object that runs containers,
 * whose requirements are the sum of what those containers request, in all their replicas.
 */
export function readKubernetesForm(documents: readonly DescriptorDocument[], issues: Issues): Application | undefined {
  const manifests = documents.map((document, index) =>
    ownText(document, documents.length === 1 ? '' : `[${index}]`, issues),
  );
  const found = manifests.filter((manifest) => manifest !== undefined);
  issues.throwIfAny();
  const workload = found.find((manifest) => POD_SPEC[manifest.kind] !== undefined);
  if (workload === undefined) {
    issues.add('kind', `${found[0]?.kind} runs no containers; expected one of ${Object.keys(POD_SPEC).join(', ')}`);
    return undefined;
  }
  const problem = labelProblem(workload.name);
  if (problem !== undefined) issues.add('metadata.name', problem);
  return {
    form: 'kubernetes',
    name: workload.name,
    description: '',
    components: [
      {
        name: workload.name,
        type: 'kubernetes',
        manifests: found,
        requirements: sumOfRequests(found, issues),
        communication: { incoming: [], outgoing: [] },
        policies: [],
      },
    ],
    policies: [],
    warnings: [],
  };
}

/** The seed gives a job's manifest back as it was sent, line ends included. */
function ownText(document: DescriptorDocument, prefix: string, issues: Issues): Manifest | undefined {
  const manifest = readManifest(document.value, prefix, issues);
  return manifest === undefined ? undefined : { ...manifest, yaml: document.source };
}

function sumOfRequests(manifests: readonly Manifest[], issues: Issues): Requirements {
  const containers = manifests.flatMap((manifest) => containersOf(manifest, issues));
  const requests = containers.map(({ value, field, copies }) => ({ field, copies, value: requestsOf(value) }));
  const cpu = sum(requests, 'cpu', parseCpu, issues);
  const memory = sum(requests, 'memory', parseMemory, issues);
  return { ...(cpu === 0 ? {} : { cpuMillis: cpu }), ...(memory === 0 ? {} : { memoryBytes: memory }) };
}

interface Located {
  readonly field: string;
  readonly value: JsonValue | undefined;
}

interface LocatedContainer extends Located {
  /** How many of it run at once. */
  readonly copies: number;
}

const valueAt = (content: JsonValue, path: readonly string[]): JsonValue | undefined =>
  path.reduce<JsonValue | undefined>((at, key) => (isObject(at) ? at[key] : undefined), content);

function copiesOf({ kind, content }: Manifest, issues: Issues): number {
  const path = COPIES[kind];
  const given = path === undefined ? undefined : valueAt(content, path);
  if (given === undefined || given === null) return 1;
  if (typeof given === 'number' && Number.isInteger(given) && given >= 0) return given;
  issues.add(path?.join('.') ?? '', 'is not a whole number of 0 or more');
  return 1;
}

function containersOf(manifest: Manifest, issues: Issues): readonly LocatedContainer[] {
  const path = POD_SPEC[manifest.kind];
  if (path === undefined) return [];
  const pod = valueAt(manifest.content, path);
  const containers = isObject(pod) ? pod['containers'] : undefined;
  const field = `${path.join('.')}.containers`;
  if (!Array.isArray(containers) || containers.length === 0) {
    issues.add(field, 'is missing');
    return [];
  }
  const copies = copiesOf(manifest, issues);
  return containers.map((value: JsonValue, index) => ({ field: `${field}[${index}]`, value, copies }));
}

function requestsOf(container: JsonValue | undefined): JsonObject {
  const resources = isObject(container) ? container['resources'] : undefined;
  const requests = isObject(resources) ? resources['requests'] : undefined;
  return isObject(requests) ? requests : {};
}

function sum(
  requests: readonly { readonly field: string; readonly copies: number; readonly value: JsonObject }[],
  name: 'cpu' | 'memory',
  parse: (raw: string | number) => ParsedQuantity,
  issues: Issues,
): number {
  let total = 0;
  for (const { field, copies, value } of requests) {
    const given = value[name];
    if (given === undefined || given === null) continue;
    total += copies * (readQuantity(given, parse, `${field}.resources.requests.${name}`, issues) ?? 0);
  }
  return total;
}
