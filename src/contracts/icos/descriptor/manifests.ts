import type { JsonObject, JsonValue, Manifest } from './application.ts';
import type { Issues } from './issues.ts';
import { subdomainProblem } from './names.ts';
import { isObject } from './yaml-value.ts';
import { writeYaml } from './yaml-writer.ts';

/** Kinds of the groups that every Kubernetes has. Kinds of other groups are custom resources and cannot be known here. */
const BUILT_IN_KINDS: Readonly<Record<string, readonly string[]>> = {
  '': [
    'ConfigMap',
    'Endpoints',
    'LimitRange',
    'Namespace',
    'PersistentVolume',
    'PersistentVolumeClaim',
    'Pod',
    'PodTemplate',
    'ReplicationController',
    'ResourceQuota',
    'Secret',
    'Service',
    'ServiceAccount',
  ],
  apps: ['ControllerRevision', 'DaemonSet', 'Deployment', 'ReplicaSet', 'StatefulSet'],
  batch: ['CronJob', 'Job'],
  autoscaling: ['HorizontalPodAutoscaler'],
  policy: ['PodDisruptionBudget', 'PodSecurityPolicy'],
  'networking.k8s.io': ['Ingress', 'IngressClass', 'NetworkPolicy'],
  'rbac.authorization.k8s.io': ['ClusterRole', 'ClusterRoleBinding', 'Role', 'RoleBinding'],
  'storage.k8s.io': ['CSIDriver', 'CSINode', 'CSIStorageCapacity', 'StorageClass', 'VolumeAttachment'],
  'scheduling.k8s.io': ['PriorityClass'],
  'apiextensions.k8s.io': ['CustomResourceDefinition'],
};

/** Checks one Kubernetes object or compose file. `name` is its wrapper's, when it has one. */
export function readManifest(
  value: JsonValue | undefined,
  field: string,
  issues: Issues,
  name?: string,
): Manifest | undefined {
  if (!isObject(value)) {
    issues.add(field, 'is not an object');
    return undefined;
  }
  if (isComposeFile(value)) return composeManifest(value, field, issues, name);
  return kubernetesManifest(value, field, issues, name);
}

const isComposeFile = (value: JsonObject): boolean => value['apiVersion'] === undefined && isObject(value['services']);

function composeManifest(value: JsonObject, field: string, issues: Issues, name?: string): Manifest | undefined {
  const ownName = name ?? value['name'];
  if (typeof ownName !== 'string' || ownName === '') {
    issues.add(`${field}.name`, 'is missing');
    return undefined;
  }
  return { name: ownName, format: 'docker-compose', apiVersion: '', kind: '', content: value, yaml: writeYaml(value) };
}

function kubernetesManifest(value: JsonObject, field: string, issues: Issues, name?: string): Manifest | undefined {
  const { apiVersion, kind, metadata } = value;
  const kindIsKnown = checkKind(apiVersion, kind, field, issues);
  const ownName = isObject(metadata) ? metadata['name'] : undefined;
  if (typeof ownName !== 'string') {
    issues.add(`${field}.metadata.name`, 'is missing');
    return undefined;
  }
  const problem = subdomainProblem(ownName);
  if (problem !== undefined) issues.add(`${field}.metadata.name`, problem);
  if (!kindIsKnown || typeof apiVersion !== 'string' || typeof kind !== 'string') return undefined;
  return { name: name ?? ownName, format: 'kubernetes', apiVersion, kind, content: value, yaml: writeYaml(value) };
}

function checkKind(
  apiVersion: JsonValue | undefined,
  kind: JsonValue | undefined,
  field: string,
  issues: Issues,
): boolean {
  if (typeof apiVersion !== 'string' || !/^([a-z0-9.-]+\/)?v\d+((alpha|beta)\d+)?$/.test(apiVersion)) {
    issues.add(`${field}.apiVersion`, apiVersion === undefined ? 'is missing' : 'is not of the form group/v1 or v1');
    return false;
  }
  if (typeof kind !== 'string' || !/^[A-Z][A-Za-z0-9]{0,62}$/.test(kind)) {
    issues.add(`${field}.kind`, kind === undefined ? 'is missing' : 'is not the name of a kind');
    return false;
  }
  const group = apiVersion.includes('/') ? apiVersion.slice(0, apiVersion.indexOf('/')) : '';
  const known = BUILT_IN_KINDS[group];
  if (known === undefined || known.includes(kind)) return true;
  issues.add(`${field}.kind`, `${kind} is unknown in ${apiVersion}; known: ${known.join(', ')}`);
  return false;
}
