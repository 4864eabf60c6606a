import { reads, writes } from '../runtime/model/access.ts';
import type { Cluster } from './cluster.ts';
import type { ModelElement, ModelTask } from './program.ts';

/** The shortest time in which a program can run on a cluster, whatever is decided: transfers and latencies cost nothing. */
export class Bound {
  readonly #elements: readonly ModelElement[];
  readonly #fastest: number;
  readonly #capacity: number;
  /** When the datum can have been written, and what changes it with others at once. */
  readonly #written = new Map<number, number>();
  #work = 0;
  #path = 0;

  constructor(elements: readonly ModelElement[], { nodes }: Cluster) {
    this.#elements = elements;
    this.#fastest = Math.max(...nodes.map((node) => node.speed));
    this.#capacity = nodes.reduce((sum, node) => sum + node.slots * node.speed, 0);
  }

  add({ element, accesses, ms }: ModelTask): void {
    let start = 0;
    for (const { handle, direction } of accesses) {
      // Those that change a datum together need not wait for each other.
      if (direction === 'CONCURRENT' || direction === 'COMMUTATIVE' || !reads(direction)) continue;
      start = Math.max(start, this.#written.get(handle) ?? 0);
    }
    const end = start + ms / this.#fastest;
    for (const { handle, direction } of accesses) {
      if (!writes(direction)) continue;
      const before = direction === 'OUT' ? 0 : (this.#written.get(handle) ?? 0);
      this.#written.set(handle, Math.max(end, before));
    }
    this.#work += ms * this.#elements[element]!.cpus;
    this.#path = Math.max(this.#path, end);
  }

  release(datum: number): void {
    this.#written.delete(datum);
  }

  get criticalPathMs(): number {
    return this.#path;
  }

  get ms(): number {
    return Math.max(this.#path, this.#work / this.#capacity);
  }
}
