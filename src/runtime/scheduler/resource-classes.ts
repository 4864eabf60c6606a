import type { ResourceDescription } from '../model/resource.ts';
import type { ReadyClass } from './ready-class.ts';
import type { Resource } from './resources.ts';

/**
 * Resources that differ in nothing but their name. They are kept by load: bucket 0 holds those with all CPU units free
 * and nothing queued, bucket `cpus` those with none free, and above those that have work queued as well; first in, first
 * out inside a bucket. So a placement looks at one resource of each class.
 */
export class ResourceClass {
  readonly key: string;
  readonly description: ResourceDescription;
  readonly self: boolean;
  /** CPU units of each. */
  readonly cpus: number;
  /** Active ones. */
  size = 0;
  /** Ready classes that found no room here: tried again when there is some. */
  readonly stuck = new Set<ReadyClass>();
  readonly #heads: (Resource | undefined)[] = [];
  readonly #tails: (Resource | undefined)[] = [];
  #lowest = 0;

  constructor(key: string, resource: Resource) {
    this.key = key;
    this.description = resource.description;
    this.self = resource.self;
    this.cpus = resource.cpus;
  }

  /** Files the resource under its present load. */
  file(resource: Resource): void {
    const bucket = Math.max(0, resource.cpus - resource.freeCpus + resource.queuedCpus);
    if (resource.bucket === bucket) return;
    this.withdraw(resource);
    while (this.#heads.length <= bucket) {
      this.#heads.push(undefined);
      this.#tails.push(undefined);
    }
    const tail = this.#tails[bucket];
    resource.bucket = bucket;
    resource.bucketPrevious = tail;
    if (tail === undefined) this.#heads[bucket] = resource;
    else tail.bucketNext = resource;
    this.#tails[bucket] = resource;
    if (bucket < this.#lowest) this.#lowest = bucket;
  }

  /** It gets no work until it is filed again. */
  withdraw(resource: Resource): void {
    const { bucket, bucketNext, bucketPrevious } = resource;
    if (bucket < 0) return;
    if (bucketPrevious === undefined) this.#heads[bucket] = bucketNext;
    else bucketPrevious.bucketNext = bucketNext;
    if (bucketNext === undefined) this.#tails[bucket] = bucketPrevious;
    else bucketNext.bucketPrevious = bucketPrevious;
    resource.bucket = -1;
    resource.bucketNext = undefined;
    resource.bucketPrevious = undefined;
  }

  /** The least loaded one whose bucket is at most `limit`. */
  least(limit: number): Resource | undefined {
    const last = Math.min(limit, this.#heads.length - 1);
    for (let bucket = this.#lowest; bucket <= last; bucket++) {
      const head = this.#heads[bucket];
      if (head !== undefined) {
        this.#lowest = bucket;
        return head;
      }
    }
    return undefined;
  }

  /** The next in order of load after `resource`, in a bucket of at most `limit`. */
  after(resource: Resource, limit: number): Resource | undefined {
    if (resource.bucketNext !== undefined) return resource.bucketNext;
    const last = Math.min(limit, this.#heads.length - 1);
    for (let bucket = resource.bucket + 1; bucket <= last; bucket++) {
      const head = this.#heads[bucket];
      if (head !== undefined) return head;
    }
    return undefined;
  }
}

/** What makes resources equal. */
export function classKey(description: ResourceDescription, self: boolean): string {
  return JSON.stringify({ ...description, name: self ? 'self' : '' });
}
