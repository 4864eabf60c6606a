import type { ProcessorType, ResourceDescription } from '../../runtime/model/resource.ts';
import type { Booking } from '../../runtime/ports.ts';

/** Indexes held exclusively by one attempt; what `CUDA_VISIBLE_DEVICES` shows it. */
export interface Devices {
  readonly gpus: readonly number[];
  readonly fpgas: readonly number[];
}

const NO_DEVICES: Devices = { gpus: [], fpgas: [] };

/**
 * Which devices are held. How many may be is the core's matter; a pool that is asked for more than it has gives what it
 * has (the core shrank it meanwhile).
 */
export class DevicePools {
  readonly #gpus = new Pool();
  readonly #fpgas = new Pool();

  constructor(description: ResourceDescription) {
    this.resize(description);
  }

  resize(description: ResourceDescription): void {
    this.#gpus.size = units(description, 'GPU');
    this.#fpgas.size = units(description, 'FPGA');
  }

  take(need: Booking): Devices {
    if (need.gpus === 0 && need.fpgas === 0) return NO_DEVICES;
    return { gpus: this.#gpus.take(need.gpus), fpgas: this.#fpgas.take(need.fpgas) };
  }

  give(devices: Devices): void {
    this.#gpus.give(devices.gpus);
    this.#fpgas.give(devices.fpgas);
  }
}

/** Lowest free index first; one that goes while it is held is not given out again. */
class Pool {
  size = 0;
  readonly #held = new Set<number>();

  take(count: number): number[] {
    const taken: number[] = [];
    for (let index = 0; index < this.size && taken.length < count; index++) {
      if (this.#held.has(index)) continue;
      this.#held.add(index);
      taken.push(index);
    }
    return taken;
  }

  give(indexes: readonly number[]): void {
    for (const index of indexes) this.#held.delete(index);
  }
}

export function units(description: ResourceDescription, type: ProcessorType): number {
  return description.processors.reduce((sum, processor) => sum + (processor.type === type ? processor.units : 0), 0);
}
