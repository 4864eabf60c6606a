import type { Fleet } from './fleet.ts';
import type { Requirements, Reservation } from './requirements.ts';

/** What is left of every node while components are placed. Taking and giving back are exact inverses. */
export interface Ledger {
  readonly fleet: Fleet;
  /** NaN where the capacity is unknown. */
  readonly cpuMillis: Float64Array;
  readonly memoryBytes: Float64Array;
  /** How many parts of this request each node has been given. */
  readonly parts: Uint32Array;
  freeDevices(index: number, path: string): number;
  take(index: number, wanted: Requirements): void;
  giveBack(index: number, wanted: Requirements): void;
}

export function createLedger(fleet: Fleet, reservations: readonly Reservation[]): Ledger {
  const cpuMillis = fleet.cpuMillis.slice();
  const memoryBytes = freeMemory(fleet, reservations);
  const parts = new Uint32Array(fleet.size);
  const takenDevices = new Map<number, Map<string, number>>();
  const useDevices = (index: number, devices: readonly string[] | undefined, by: number): void => {
    if (devices === undefined || devices.length === 0) return;
    const taken = takenDevices.get(index) ?? new Map<string, number>();
    takenDevices.set(index, taken);
    for (const path of devices) taken.set(path, (taken.get(path) ?? 0) + by);
  };
  const use = (index: number, wanted: Requirements, by: 1 | -1): void => {
    cpuMillis[index]! -= by * (wanted.cpuMillis ?? 0);
    memoryBytes[index]! -= by * (wanted.memoryBytes ?? 0);
    parts[index]! += by;
    useDevices(index, wanted.devices, by);
  };
  for (const reservation of reservations) {
    const index = fleet.indexOf(reservation.cluster, reservation.node);
    if (index === undefined) continue;
    cpuMillis[index]! -= reservation.cpuMillis;
    // A running job's device says "busy" itself.
    if (!reservation.running) useDevices(index, reservation.devices, 1);
  }
  return {
    fleet,
    cpuMillis,
    memoryBytes,
    parts,
    freeDevices: (index, path) => (fleet.devices[index]?.get(path) ?? 0) - (takenDevices.get(index)?.get(path) ?? 0),
    take: (index, wanted) => use(index, wanted, 1),
    giveBack: (index, wanted) => use(index, wanted, -1),
  };
}

/**
 * Two bounds hold: all promises together stay within the installed memory, and promises whose jobs have not started
 * stay within what the node measures as free.
 */
function freeMemory(fleet: Fleet, reservations: readonly Reservation[]): Float64Array {
  const installed = fleet.totalMemory.slice();
  const measured = fleet.freeMemory.slice();
  for (const { cluster, node, memoryBytes, running } of reservations) {
    const index = fleet.indexOf(cluster, node);
    if (index === undefined) continue;
    installed[index]! -= memoryBytes;
    if (!running) measured[index]! -= memoryBytes;
  }
  return measured.map((free, index) => {
    const bound = installed[index]!;
    if (Number.isNaN(free)) return bound;
    return Number.isNaN(bound) ? free : Math.min(free, bound);
  });
}
