import fc from 'fast-check';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { createObjectStore, type SlabStore } from '../../src/runtime/data/object-store.ts';
import { makeId, type VersionId } from '../../src/runtime/model/ids.ts';
import { INLINE_BYTES, type Reservation, type StoredValue } from '../../src/runtime/ports.ts';
import { tempDir } from '../support/temp-dir.ts';

const RUNS = Number(process.env['MK_PROPERTY_RUNS'] ?? 60);
const KIB = 1024;
const LIMIT = 1024 * KIB;
const VERSIONS = 12;

/** What the store should hold; contents are one byte repeated, so that a stray write shows. */
interface Held {
  readonly byte: number;
  readonly length: number;
}
interface Pin extends Held {
  readonly version: VersionId;
  readonly value: StoredValue;
}

type Op =
  | { readonly do: 'put' | 'acquire' | 'open' | 'free'; readonly row: number; readonly length: number }
  | { readonly do: 'reserve'; readonly length: number }
  | { readonly do: 'seal' | 'discard' | 'release'; readonly row: number; readonly which: number; readonly part: number }
  | { readonly do: 'turn' };

const length = fc.oneof(
  fc.integer({ min: 0, max: 200 * KIB }),
  fc.integer({ min: 0, max: 700 * KIB }),
  fc.constantFrom(0, INLINE_BYTES, INLINE_BYTES + 1, 16 * KIB, LIMIT),
);
const row = fc.nat(VERSIONS - 1);
const which = fc.nat(1_000);
const op: fc.Arbitrary<Op> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constantFrom('put' as const), row, length }) },
  { weight: 9, arbitrary: fc.record({ do: fc.constantFrom('acquire', 'acquire', 'free'), row, length }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('reserve' as const), length }) },
  {
    weight: 9,
    arbitrary: fc.record({
      do: fc.constantFrom('seal', 'discard', 'release', 'release'),
      row,
      which,
      part: fc.double({ min: 0, max: 1, noNaN: true }),
    }),
  },
  { weight: 1, arbitrary: fc.constant({ do: 'turn' as const }) },
);

const viewOf = ({ slab, offset, length: bytes }: { slab: SharedArrayBuffer; offset: number; length: number }) =>
  new Uint8Array(slab, offset, bytes);

class Model {
  readonly store: SlabStore;
  readonly generations: number[] = new Array<number>(VERSIONS).fill(0);
  readonly held = new Map<VersionId, Held>();
  readonly pins: Pin[] = [];
  readonly reservations: { readonly reservation: Reservation; readonly byte: number }[] = [];
  #byte = 0;

  constructor(store: SlabStore) {
    this.store = store;
  }

  nextByte(): number {
    this.#byte = (this.#byte % 255) + 1;
    return this.#byte;
  }

  version(index: number): VersionId {
    return makeId(index, this.generations[index] ?? 0) as VersionId;
  }

  async run(step: Op): Promise<void> {
    switch (step.do) {
      case 'put':
        return this.put(this.version(step.row), step.length);
      case 'reserve':
        this.reserve(step.length);
        return;
      case 'seal':
        return this.seal(step);
      case 'discard':
        return this.discard(step.which);
      case 'acquire':
      case 'open':
        return this.acquire(this.version(step.row));
      case 'release':
        return this.release(step.which);
      case 'free':
        this.store.free(this.version(step.row));
        this.held.delete(this.version(step.row));
        this.generations[step.row] = (this.generations[step.row] ?? 0) + 1;
        return;
      case 'turn':
        await new Promise((resolve) => setImmediate(resolve));
    }
  }

  put(version: VersionId, bytes: number): void {
    const byte = this.nextByte();
    if (bytes <= INLINE_BYTES) {
      this.store.putInline(version, new Uint8Array(bytes).fill(byte));
    } else {
      const reservation = this.reserve(bytes);
      if (reservation === undefined) return;
      this.reservations.pop();
      viewOf(reservation).fill(byte);
      this.store.seal(version, reservation);
    }
    this.held.set(version, { byte, length: bytes });
  }

  reserve(bytes: number): Reservation | undefined {
    try {
      const reservation = this.store.reserve(bytes);
      const byte = this.nextByte();
      viewOf(reservation).fill(byte);
      this.reservations.push({ reservation, byte });
      return reservation;
    } catch (error) {
      expect(error).toMatchObject({ code: 'ERR_STORE_FULL' });
      this.checkFull(bytes);
      return undefined;
    }
  }

  /** With nothing pinned or reserved the whole memory can be had. */
  checkFull(bytes: number): void {
    expect(bytes > LIMIT || this.pins.length > 0 || this.reservations.length > 0).toBe(true);
  }

  seal({ row: index, which: pick, part }: { row: number; which: number; part: number }): void {
    const [found] = this.reservations.splice(pick % Math.max(1, this.reservations.length), 1);
    if (found === undefined) return;
    const bytes = Math.floor(found.reservation.length * part);
    this.store.seal(this.version(index), found.reservation, bytes);
    this.held.set(this.version(index), { byte: found.byte, length: bytes });
  }

  discard(pick: number): void {
    const [found] = this.reservations.splice(pick % Math.max(1, this.reservations.length), 1);
    if (found !== undefined) this.store.discard(found.reservation);
  }

  acquire(version: VersionId): void {
    const expected = this.held.get(version);
    try {
      const value = this.store.acquire(version);
      expect(value === undefined).toBe(expected === undefined);
      if (value === undefined || expected === undefined) return;
      this.pins.push({ version, value, ...expected });
    } catch (error) {
      expect(error).toMatchObject({ code: 'ERR_STORE_FULL' });
      this.checkFull(expected?.length ?? 0);
    }
  }

  release(pick: number): void {
    const [found] = this.pins.splice(pick % Math.max(1, this.pins.length), 1);
    if (found !== undefined) this.store.release(found.version);
  }

  check(): void {
    for (const pin of this.pins) expectFilled(pin.value, pin);
    for (const { reservation, byte } of this.reservations)
      expect(viewOf(reservation).every((found) => found === byte)).toBe(true);
    this.checkNoOverlap();
    const stats = this.store.stats();
    expect(stats.versions).toBe(this.held.size);
    expect(stats.pinned).toBe(new Set(this.pins.map(({ version }) => version)).size);
    expect(stats.slabBytes).toBeLessThanOrEqual(LIMIT);
    expect(stats.regionBytes).toBeLessThanOrEqual(stats.slabBytes);
  }

  checkNoOverlap(): void {
    const regions = [
      ...this.reservations.map(({ reservation }) => reservation),
      ...new Set(this.pins.map(({ value }) => value).filter((value) => value.in === 'slab')),
    ]
      .filter((region) => region.length > 0)
      .sort((a, b) => a.offset - b.offset);
    for (const [index, region] of regions.entries()) {
      const next = regions[index + 1];
      if (next !== undefined) expect(region.offset + region.length).toBeLessThanOrEqual(next.offset);
    }
  }

  /** Everything comes back as it was put, then everything goes. */
  async finish(): Promise<void> {
    for (const { reservation } of this.reservations.splice(0)) this.store.discard(reservation);
    for (const { version } of this.pins.splice(0)) this.store.release(version);
    for (const [version, expected] of this.held) {
      expectFilled(this.store.acquire(version) as StoredValue, expected);
      this.store.release(version);
    }
    for (const version of this.held.keys()) this.store.free(version);
    expect(this.store.stats()).toMatchObject({ versions: 0, pinned: 0, inlineBytes: 0, regionBytes: 0 });
    await vi.waitFor(() => expect(this.store.stats().spilledBytes).toBe(0), { interval: 1 });
  }
}

function expectFilled(value: StoredValue, { byte, length: bytes }: Held): void {
  const view = value.in === 'slab' ? viewOf(value) : value.in === 'memory' ? value.bytes : new Uint8Array(0);
  expect(view.length).toBe(bytes);
  expect(view.every((found) => found === byte)).toBe(true);
}

const dir = tempDir('spill');
afterAll(() => dir[Symbol.dispose]());

describe('object store against a model', () => {
  for (const writeAhead of [0, 1 / 8, 1 / 2]) {
    it(`keeps every value intact and apart, and leaves nothing behind (write-ahead ${writeAhead})`, async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(op, { minLength: 1, maxLength: 120 }), async (ops) => {
          await using store = createObjectStore({ limitBytes: LIMIT, spillDirectory: dir.path, writeAhead });
          const model = new Model(store);
          for (const step of ops) {
            await model.run(step);
            model.check();
          }
          await model.finish();
        }),
        { numRuns: RUNS },
      );
    });
  }
});
