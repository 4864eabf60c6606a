import type { ClusterApi, StoredObject } from './cluster-api.ts';

interface Work extends StoredObject {
  readonly spec: { readonly workload: { readonly manifests: readonly StoredObject[] } };
}

const isSame = (a: StoredObject, b: StoredObject): boolean =>
  a.kind === b.kind && a.metadata.name === b.metadata.name && a.metadata.namespace === b.metadata.namespace;

/** What the work agent of a managed cluster does: brings the works of its namespace at the hub about, and reports. */
export function runWorkAgent(hub: ClusterApi, managed: ClusterApi, clusterName: string): void {
  const brought = new Map<string, { generation: number; objects: readonly StoredObject[] }>();
  let busy = false;
  const work = (): void => {
    if (busy) return;
    busy = true;
    const works = hub
      .of('ManifestWork')
      .filter(({ metadata }) => metadata.namespace === clusterName) as unknown as readonly Work[];
    for (const [uid, { objects }] of brought) {
      if (works.some(({ metadata }) => metadata.uid === uid)) continue;
      for (const object of objects) managed.remove(object);
      brought.delete(uid);
    }
    for (const one of works) bring(one);
    busy = false;
  };
  const bring = (one: Work): void => {
    const { manifests } = one.spec.workload;
    const known = brought.get(one.metadata.uid);
    if (known?.generation !== one.metadata.generation) {
      for (const manifest of manifests) managed.put(manifest, manifest.metadata.namespace);
      const gone = (known?.objects ?? []).filter((object) => !manifests.some((manifest) => isSame(object, manifest)));
      for (const object of gone) managed.remove(object);
      const objects = manifests.filter(({ kind }) => kind !== 'Namespace');
      brought.set(one.metadata.uid, { generation: one.metadata.generation, objects });
    }
    const status = statusOf(one, managed);
    if (JSON.stringify(one.status) !== JSON.stringify(status)) hub.setStatus(one, status);
  };
  hub.onChange(work);
  managed.onChange(work);
}

function statusOf({ metadata, spec }: Work, managed: ClusterApi): Record<string, unknown> {
  const told = (type: string) => ({
    type,
    status: 'True',
    observedGeneration: metadata.generation,
    reason: `${type}Complete`,
  });
  const manifests = spec.workload.manifests.map((manifest) => {
    const live = managed.of(manifest.kind).find((object) => isSame(object, manifest));
    const { availableReplicas = 0 } = (live?.status ?? {}) as { availableReplicas?: number };
    const replicas = Number(live?.spec?.['replicas'] ?? 1);
    const value = (name: string, integer: number) => ({ name, fieldValue: { type: 'Integer', integer } });
    const values = [value('Replicas', replicas), value('AvailableReplicas', availableReplicas)];
    return {
      resourceMeta: { kind: manifest.kind, name: manifest.metadata.name },
      ...(manifest.kind === 'Deployment' ? { statusFeedback: { values } } : {}),
      conditions: [told('Applied')],
    };
  });
  return { conditions: [told('Applied'), told('Available')], resourceStatus: { manifests } };
}
