import { NONE } from '../model/ids.ts';
import type { Resource } from './resources.ts';

/** The best candidate so far. One object, reused. */
export class Choice {
  resource: Resource | undefined;
  implementation = NONE;
  rank = 0;
  local = 0;
  mean = 0;
  bytes = 0;

  clear(): void {
    this.resource = undefined;
  }

  /**
   * Takes the candidate if it is better: rank of the policy, then data and the agent itself, then the shorter
   * implementation (one that never ran is tried), then bytes, then the less loaded, then who joined first.
   */
  offer(resource: Resource, implementation: number, of: Candidate): void {
    if (this.resource !== undefined && !this.#loses(resource, of)) return;
    this.resource = resource;
    this.implementation = implementation;
    this.rank = of.rank;
    this.local = of.local;
    this.mean = of.mean;
    this.bytes = of.bytes;
  }

  #loses(resource: Resource, of: Candidate): boolean {
    if (of.rank !== this.rank) return of.rank > this.rank;
    if (of.local !== this.local) return of.local > this.local;
    if (of.mean !== this.mean) return of.mean < this.mean;
    if (of.bytes !== this.bytes) return of.bytes > this.bytes;
    const best = this.resource!;
    if (resource.bucket !== best.bucket) return resource.bucket < best.bucket;
    return resource.row < best.row;
  }
}

/** Figures of a candidate; reused. */
export interface Candidate {
  rank: number;
  local: number;
  mean: number;
  bytes: number;
}
