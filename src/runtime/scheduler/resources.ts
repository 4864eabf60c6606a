import type { ResourceId } from '../model/ids.ts';
import { NONE } from '../model/ids.ts';
import type { ProcessorType, ResourceDescription } from '../model/resource.ts';
import { kib, matchesProcessor, type Need } from './constraints.ts';
import { unitsOf } from './descriptions.ts';
import type { ResourceClass } from './resource-classes.ts';

export type ResourceState = 'active' | 'shrinking' | 'leaving' | 'gone';

/** Booked and free units of one node. Free ones may be negative: a peer resumes when it likes. */
export class Resource {
  readonly row: number;
  readonly id: ResourceId;
  readonly self: boolean;
  description: ResourceDescription;
  state: ResourceState = 'active';
  cpus = 0;
  freeCpus = 0;
  freeGpus = 0;
  freeFpgas = 0;
  freeOthers = 0;
  usedMemoryKib = 0;
  usedBandwidth = 0;
  limit = Number.POSITIVE_INFINITY;
  /** Attempts that hold units. */
  booked = 0;
  /** Free units of each processor; only where one type has several, which constraints may tell apart. */
  #ledger: Int32Array | undefined;
  readonly #taken = new Map<number, Int32Array>();
  #memoryKib = 0;
  #bandwidth = 0;

  /** All attempts here (InvocationRows.next). */
  attempts = NONE;
  attemptCount = 0;
  /** Attempts sent ahead, in the order in which the node starts them. */
  queueHead = NONE;
  queueTail = NONE;
  queued = 0;
  queuedCpus = 0;
  /** Attempts that want their units again, in order. */
  readonly resuming: number[] = [];
  /** Reductions that wait until so much is free, the first one first. */
  readonly reductions: ResourceDescription[] = [];
  /** In the list of those to be served after the event. */
  freed = false;

  class: ResourceClass | undefined;
  /** Position among the resources of its class: by units that are neither booked nor asked for by the queue. */
  bucket = NONE;
  bucketNext: Resource | undefined;
  bucketPrevious: Resource | undefined;

  constructor(row: number, id: ResourceId, description: ResourceDescription, self: boolean) {
    this.row = row;
    this.id = id;
    this.self = self;
    this.description = description;
    this.#setCapacity(description, 1);
    this.#openLedger([]);
  }

  /** Takes over another description; what is booked (attempts and their needs) stays booked. */
  resize(description: ResourceDescription, booked: readonly (readonly [attempt: number, need: Need])[]): void {
    this.#setCapacity(this.description, -1);
    this.#setCapacity(description, 1);
    this.description = description;
    this.#openLedger(booked);
  }

  #setCapacity(description: ResourceDescription, sign: 1 | -1): void {
    const cpus = unitsOf(description, 'CPU');
    this.cpus += sign * cpus;
    this.freeCpus += sign * cpus;
    this.freeGpus += sign * unitsOf(description, 'GPU');
    this.freeFpgas += sign * unitsOf(description, 'FPGA');
    this.freeOthers += sign * unitsOf(description, 'OTHER');
    this.limit = description.limitOfTasks ?? Number.POSITIVE_INFINITY;
    // What is not given is not counted.
    this.#memoryKib = description.memoryGb === undefined ? Number.POSITIVE_INFINITY : kib(description.memoryGb);
    this.#bandwidth = description.storageBandwidth ?? Number.POSITIVE_INFINITY;
  }

  /** Whether it could run this now, next to what it runs. */
  fits(need: Need): boolean {
    return (
      this.freeCpus >= need.cpus &&
      (need.plain ||
        (this.freeGpus >= need.gpus &&
          this.freeFpgas >= need.fpgas &&
          this.freeOthers >= need.others &&
          this.usedMemoryKib + need.memoryKib <= this.#memoryKib &&
          this.usedBandwidth + need.bandwidth <= this.#bandwidth &&
          this.#ledgerHas(need))) &&
      this.booked < this.limit
    );
  }

  /** Whether what it runs would fit the other description. */
  wouldHold(description: ResourceDescription): boolean {
    const { memoryGb, storageBandwidth } = description;
    const less = (type: ProcessorType): number => unitsOf(this.description, type) - unitsOf(description, type);
    return (
      this.freeCpus >= less('CPU') &&
      this.freeGpus >= less('GPU') &&
      this.freeFpgas >= less('FPGA') &&
      this.freeOthers >= less('OTHER') &&
      (memoryGb === undefined || this.usedMemoryKib <= kib(memoryGb)) &&
      (storageBandwidth === undefined || this.usedBandwidth <= storageBandwidth)
    );
  }

  book(attempt: number, need: Need): void {
    this.#take(need, 1);
    if (this.#ledger !== undefined) this.#taken.set(attempt, this.#draw(need, this.#ledger));
  }

  unbook(attempt: number, need: Need): void {
    this.#take(need, -1);
    const taken = this.#taken.get(attempt);
    if (taken === undefined) return;
    this.#taken.delete(attempt);
    if (this.#ledger !== undefined) for (let p = 0; p < taken.length; p++) this.#ledger[p]! += taken[p]!;
  }

  #take(need: Need, sign: 1 | -1): void {
    this.freeCpus -= sign * need.cpus;
    this.booked += sign;
    if (need.plain) return;
    this.freeGpus -= sign * need.gpus;
    this.freeFpgas -= sign * need.fpgas;
    this.freeOthers -= sign * need.others;
    this.usedMemoryKib += sign * need.memoryKib;
    this.usedBandwidth += sign * need.bandwidth;
  }

  #openLedger(booked: readonly (readonly [attempt: number, need: Need])[]): void {
    const { processors } = this.description;
    const types = new Set(processors.map((processor) => processor.type));
    this.#taken.clear();
    this.#ledger = undefined;
    if (types.size === processors.length) return;
    this.#ledger = Int32Array.from(processors, (processor) => processor.units);
    for (const [attempt, need] of booked) this.#taken.set(attempt, this.#draw(need, this.#ledger));
  }

  #ledgerHas(need: Need): boolean {
    if (this.#ledger === undefined) return true;
    const free = this.#ledger.slice();
    const drawn = this.#draw(need, free);
    return drawn.reduce((sum, units) => sum + units, 0) === need.cpus + need.gpus + need.fpgas + need.others;
  }

  /** Takes the units from the processors that match, as far as there are any. */
  #draw(need: Need, free: Int32Array): Int32Array {
    const drawn = new Int32Array(free.length);
    for (const asked of need.processors) {
      let missing = asked.units;
      this.description.processors.forEach((processor, p) => {
        if (missing === 0 || free[p]! <= 0 || !matchesProcessor(asked, processor)) return;
        const taken = Math.min(missing, free[p]!);
        free[p]! -= taken;
        drawn[p]! += taken;
        missing -= taken;
      });
    }
    return drawn;
  }
}
