import type { ResourceId, VersionId } from './model/ids.ts';
import type { LaunchRequest, NodeHandle } from './ports.ts';

/** The live nodes, and what has been collected for each of them during a step. */
export class AttachedNodes {
  readonly #nodes = new Map<ResourceId, NodeHandle>();
  readonly #launches = new Map<ResourceId, LaunchRequest[]>();
  readonly #evictions = new Map<ResourceId, VersionId[]>();

  get(resource: ResourceId): NodeHandle | undefined {
    return this.#nodes.get(resource);
  }

  /** For people and for the tasks of a gang: empty when it is gone. */
  name(resource: ResourceId): string {
    return this.#nodes.get(resource)?.description.name ?? '';
  }

  add(resource: ResourceId, node: NodeHandle): void {
    this.#nodes.set(resource, node);
  }

  /** What was collected for it is dropped. */
  remove(resource: ResourceId): NodeHandle | undefined {
    const node = this.#nodes.get(resource);
    this.#nodes.delete(resource);
    this.#launches.delete(resource);
    this.#evictions.delete(resource);
    return node;
  }

  launch(resource: ResourceId, request: LaunchRequest): void {
    append(this.#launches, resource, request);
  }

  evict(resource: ResourceId, version: VersionId): void {
    append(this.#evictions, resource, version);
  }

  /** What was collected goes out in one call for each node; launches before evictions. */
  flush(): void {
    if (this.#launches.size > 0) {
      for (const [resource, batch] of this.#launches) this.#nodes.get(resource)?.launch(batch);
      this.#launches.clear();
    }
    if (this.#evictions.size > 0) {
      for (const [resource, versions] of this.#evictions) this.#nodes.get(resource)?.evict(versions);
      this.#evictions.clear();
    }
  }

  async close(): Promise<void> {
    await Promise.all([...this.#nodes.values()].map((node) => node[Symbol.asyncDispose]()));
    this.#nodes.clear();
  }
}

function append<K, V>(map: Map<K, V[]>, key: K, value: V): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [value]);
  else list.push(value);
}
