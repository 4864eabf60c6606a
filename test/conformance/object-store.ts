import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { makeId, type VersionId } from '../../src/runtime/model/ids.ts';
import type { ObjectStore, Reservation, StoredValue } from '../../src/runtime/ports.ts';
import { itWhen } from '../support/it-when.ts';
import { tempDir } from '../support/temp-dir.ts';

export const versionId = (index: number, generation = 0): VersionId => makeId(index, generation) as VersionId;

export function bytesOf(value: StoredValue | undefined): Uint8Array {
  if (value?.in === 'memory') return value.bytes;
  if (value?.in === 'slab') return new Uint8Array(value.slab, value.offset, value.length);
  throw new Error(`not in memory: ${value?.in}`);
}

/** Reserves, fills with one byte and seals. */
export function putFilled(store: ObjectStore, version: VersionId, length: number, byte: number): void {
  const reservation = store.reserve(length);
  viewOf(reservation).fill(byte);
  store.seal(version, reservation);
}

export const viewOf = ({ slab, offset, length }: Reservation): Uint8Array => new Uint8Array(slab, offset, length);

/** Every implementation of the ObjectStore port passes this. `make` gets the limit it has to keep. */
export function objectStoreSuite(name: string, spills: boolean, make: (limitBytes: number) => ObjectStore): void {
  const MIB = 2 ** 20;
  const v1 = versionId(1);
  const v2 = versionId(2);
  const v3 = versionId(3);

  describe(`object store: ${name}`, () => {
    let store: ObjectStore;
    const full = expect.objectContaining({ code: 'ERR_STORE_FULL' });

    beforeEach(() => {
      store = make(4 * MIB);
    });
    afterEach(() => store[Symbol.asyncDispose]());

    it('gives back inline values and forgets them when freed', () => {
      const bytes = Uint8Array.of(1, 2, 3);
      store.putInline(v1, bytes);
      expect([store.has(v1), store.size(v1), store.stats().inlineBytes]).toEqual([true, 3, 3]);
      expect(bytesOf(store.acquire(v1))).toBe(bytes);
      store.release(v1);
      store.free(v1);
      expect([store.has(v1), store.size(v1), store.acquire(v1)]).toEqual([false, 0, undefined]);
      expect(store.stats()).toMatchObject({ versions: 0, pinned: 0, inlineBytes: 0 });
    });

    it('seals what was written, in place', () => {
      const reservation = store.reserve(MIB);
      viewOf(reservation).fill(7);
      expect(store.stats().regionBytes).toBe(MIB);
      store.seal(v1, reservation);
      const value = store.acquire(v1);
      expect(value).toMatchObject({ in: 'slab', offset: reservation.offset, length: MIB });
      expect(value?.in === 'slab' && value.slab).toBe(reservation.slab);
      expect(bytesOf(value).every((byte) => byte === 7)).toBe(true);
      store.release(v1);
      store.free(v1);
      expect(store.stats()).toMatchObject({ versions: 0, regionBytes: 0 });
    });

    it('keeps only the sealed part of a reservation', () => {
      const reservation = store.reserve(2 * MIB);
      viewOf(reservation).fill(9);
      store.seal(v1, reservation, 100_000);
      expect(store.size(v1)).toBe(100_000);
      expect(store.stats().regionBytes).toBeLessThan(200_000);
      expect(bytesOf(store.acquire(v1)).length).toBe(100_000);
      store.release(v1);
    });

    it('takes values of no length, reserved or cut down to nothing', () => {
      store.seal(v1, store.reserve(0));
      store.seal(v2, store.reserve(MIB), 0);
      expect([store.has(v1), store.size(v1), store.size(v2)]).toEqual([true, 0, 0]);
      expect(bytesOf(store.acquire(v2)).length).toBe(0);
      store.release(v2);
      expect(store.stats().regionBytes).toBe(0);
    });

    it('discards a reservation', () => {
      const reservation = store.reserve(4 * MIB);
      expect(() => store.reserve(MIB)).toThrow(full);
      store.discard(reservation);
      expect(store.stats().regionBytes).toBe(0);
      store.discard(store.reserve(4 * MIB));
    });

    it('keeps a freed value for those who have it pinned, and no longer', () => {
      putFilled(store, v1, 3 * MIB, 5);
      const value = store.acquire(v1);
      store.acquire(v1);
      store.free(v1);
      expect([store.has(v1), store.acquire(v1)]).toEqual([false, undefined]);
      expect(() => store.reserve(2 * MIB)).toThrow(full);
      store.release(v1);
      expect(() => store.reserve(2 * MIB)).toThrow(full);
      expect(bytesOf(value)[3 * MIB - 1]).toBe(5);
      store.release(v1);
      store.discard(store.reserve(2 * MIB));
      expect(store.stats()).toMatchObject({ versions: 0, pinned: 0, regionBytes: 0 });
    });

    it('replaces a value that is sealed again, but not under its readers', () => {
      putFilled(store, v1, MIB, 1);
      const first = bytesOf(store.acquire(v1));
      putFilled(store, v1, MIB, 2);
      putFilled(store, v2, MIB, 3);
      putFilled(store, v3, MIB, 4);
      expect([first[0], first[MIB - 1]]).toEqual([1, 1]);
      expect(bytesOf(store.acquire(v1))[0]).toBe(2);
      store.release(v1);
      store.release(v1);
      for (const version of [v1, v2, v3]) store.free(version);
      expect(store.stats()).toMatchObject({ versions: 0, pinned: 0, regionBytes: 0 });
    });

    it('takes back a version that was freed while pinned', () => {
      putFilled(store, v1, MIB, 1);
      const old = bytesOf(store.acquire(v1));
      store.free(v1);
      putFilled(store, v1, MIB, 2);
      expect([store.has(v1), old[0]]).toEqual([true, 1]);
      store.release(v1);
      expect(bytesOf(store.acquire(v1))[0]).toBe(2);
      store.release(v1);
      store.free(v1);
      expect(store.stats()).toMatchObject({ versions: 0, pinned: 0, regionBytes: 0 });
    });

    it('tells a recycled row from the version that had it before', () => {
      const [older, newer] = [versionId(7, 1), versionId(7, 2)];
      putFilled(store, older, MIB, 1);
      const pinned = bytesOf(store.acquire(older));
      store.free(older);
      putFilled(store, newer, MIB, 2);
      expect([store.has(older), store.has(newer), pinned[0]]).toEqual([false, true, 1]);
      store.free(older);
      store.release(older);
      expect(store.has(newer)).toBe(true);
      store.putInline(older, Uint8Array.of(1));
      expect([store.has(older), store.has(newer)]).toEqual([false, true]);
      store.free(newer);
      expect(store.stats()).toMatchObject({ versions: 0, inlineBytes: 0, regionBytes: 0 });
    });

    it('ignores the freeing of unknown versions and refuses unmatched releases', () => {
      store.free(v1);
      store.putInline(v1, Uint8Array.of(1));
      expect(() => store.release(v1)).toThrow(expect.objectContaining({ code: 'ERR_INTERNAL' }));
      expect(() => store.release(v2)).toThrow(expect.objectContaining({ code: 'ERR_INTERNAL' }));
    });

    it('says what is pinned when there is no room', () => {
      putFilled(store, v1, 3 * MIB, 1);
      store.acquire(v1);
      expect(() => store.reserve(2 * MIB)).toThrow(/2097152 bytes.*Limit 4194304 bytes, 3145728 pinned/);
      expect(() => store.reserve(5 * MIB)).toThrow(full);
      store.release(v1);
    });

    it('makes one piece of memory that is free in pieces', () => {
      for (let index = 0; index < 16; index += 1) putFilled(store, versionId(index), MIB / 4, index);
      for (let index = 0; index < 16; index += 2) store.free(versionId(index));
      putFilled(store, versionId(100), 2 * MIB, 100);
      expect(store.stats().regionBytes).toBe(4 * MIB);
      for (let index = 1; index < 16; index += 2) {
        const bytes = bytesOf(store.acquire(versionId(index)));
        expect([bytes[0], bytes[MIB / 4 - 1]]).toEqual([index, index]);
        store.release(versionId(index));
      }
    });

    it('deletes owned files and directories with their version, and leaves others', async () => {
      using dir = tempDir('store-files');
      const path = (file: string): string => join(dir.path, file);
      for (const file of ['owned', 'foreign']) writeFileSync(path(file), 'content');
      mkdirSync(path('folder/deep'), { recursive: true });
      writeFileSync(path('folder/deep/file'), 'content');
      store.putFile(v1, path('owned'), 7, true);
      store.putFile(v2, path('foreign'), 7, false);
      store.putFile(v3, path('folder'), 7, true);
      expect(store.acquire(v1)).toEqual({ in: 'file', path: path('owned'), length: 7 });
      store.free(v1);
      expect(existsSync(path('owned'))).toBe(true);
      store.release(v1);
      store.free(v2);
      store.free(v3);
      expect(['owned', 'foreign', 'folder'].map((file) => existsSync(path(file)))).toEqual([false, true, false]);
      await store[Symbol.asyncDispose]();
    });

    itWhen(spills, 'there is no spill disk here')('spills the least recently used and brings it back', async () => {
      for (const [version, byte] of [
        [v1, 1],
        [v2, 2],
        [v3, 3],
      ] as const)
        putFilled(store, version, 1.25 * MIB, byte);
      store.acquire(v1);
      store.release(v1);
      putFilled(store, versionId(4), MIB, 4);
      expect(store.stats().spilledBytes).toBeGreaterThanOrEqual(1.25 * MIB);
      for (const [version, byte] of [
        [v2, 2],
        [v1, 1],
        [v3, 3],
      ] as const) {
        const bytes = bytesOf(store.acquire(version));
        expect([bytes[0], bytes[bytes.length - 1]]).toEqual([byte, byte]);
        store.release(version);
      }
      for (const version of [v1, v2, v3, versionId(4)]) store.free(version);
      expect(store.stats()).toMatchObject({ versions: 0, regionBytes: 0 });
      await vi.waitFor(() => expect(store.stats().spilledBytes).toBe(0)); // a write under way ends first
    });

    itWhen(spills, 'there is no spill disk here')('never spills a pinned value', () => {
      putFilled(store, v1, 2 * MIB, 1);
      const pinned = bytesOf(store.acquire(v1));
      for (let index = 10; index < 30; index += 1) putFilled(store, versionId(index), MIB, index);
      expect([pinned[0], pinned[2 * MIB - 1]]).toEqual([1, 1]);
      store.release(v1);
    });

    itWhen(spills, 'there is no spill disk here')(
      'refuses to bring a value back when all memory is pinned, and can do it later',
      () => {
        putFilled(store, v1, 2 * MIB, 1);
        putFilled(store, v2, 2 * MIB, 2);
        putFilled(store, v3, 2 * MIB, 3);
        store.acquire(v2);
        store.acquire(v3);
        expect(() => store.acquire(v1)).toThrow(full);
        expect(store.has(v1)).toBe(true);
        store.release(v2);
        expect(bytesOf(store.acquire(v1))[0]).toBe(1);
        store.release(v1);
        store.release(v3);
      },
    );
  });
}
