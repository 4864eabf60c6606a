import { describe, expect, it } from 'vitest';
import { type Block, cheapestWindow, GRANULE, RegionAllocator } from '../../../../src/runtime/data/region-allocator.ts';

const G = GRANULE;
const take = (allocator: RegionAllocator<string>, granules: number, owner = 'x'): Block<string> => {
  const block = allocator.allocate(granules * G, owner);
  if (block === undefined) throw new Error('no room');
  return block;
};

describe('RegionAllocator', () => {
  it('rounds to granules and takes the tail only when nothing free fits', () => {
    const allocator = new RegionAllocator<string>(100 * G);
    const a = allocator.allocate(1, 'a') as Block<string>;
    const b = take(allocator, 10);
    take(allocator, 1);
    expect([a.start, a.length, b.start]).toEqual([0, G, G]);
    allocator.release(b);
    const c = take(allocator, 4);
    const d = take(allocator, 6);
    expect([c.start, d.start]).toEqual([G, 5 * G]);
    expect(allocator.tail).toBe(12 * G);
    expect(allocator.usedBytes).toBe(12 * G);
  });

  it('merges freed neighbours, whatever the order, and gives the end back to the tail', () => {
    for (const order of [
      [0, 1, 2, 3],
      [3, 2, 1, 0],
      [1, 3, 0, 2],
      [2, 0, 3, 1],
    ]) {
      const allocator = new RegionAllocator<string>(100 * G);
      const blocks = [3, 5, 9, 17].map((granules) => take(allocator, granules));
      for (const index of order) allocator.release(blocks[index] as Block<string>);
      expect([allocator.usedBytes, allocator.tail, [...allocator.blocks()].length]).toEqual([0, 0, 0]);
      expect(allocator.peak).toBe(34 * G);
      expect(take(allocator, 100).start).toBe(0);
    }
  });

  it('refuses what does not fit and never more', () => {
    const allocator = new RegionAllocator<string>(10 * G);
    take(allocator, 6);
    expect(allocator.allocate(5 * G)).toBeUndefined();
    expect(allocator.fits(5 * G)).toBe(false);
    expect(take(allocator, 4).start).toBe(6 * G);
  });

  it('shrinks a block in place and reuses the rest', () => {
    const allocator = new RegionAllocator<string>(10 * G);
    const a = take(allocator, 6);
    take(allocator, 4);
    allocator.shrink(a, 2 * G + 1);
    expect(a.length).toBe(3 * G);
    expect(take(allocator, 3).start).toBe(3 * G);
  });

  it('finds the stretch that holds the fewest bytes to move, around blocks that stay', () => {
    const allocator = new RegionAllocator<string>(12 * G);
    const blocks = [1, 2, 1, 2, 3, 3].map((granules, index) =>
      take(allocator, granules, index === 3 ? 'stay' : 'move'),
    );
    allocator.release(blocks[4] as Block<string>);
    const found = cheapestWindow(allocator, 4 * G, (owner) => owner === 'move');
    expect(found?.map(({ start }) => start / G)).toEqual([6, 9]);
    expect(cheapestWindow(allocator, 7 * G, (owner) => owner === 'move')).toBeUndefined();
    allocator.release(blocks[1] as Block<string>);
    const cheaper = cheapestWindow(allocator, 4 * G, (owner) => owner === 'move');
    expect(cheaper?.map(({ start }) => start / G)).toEqual([0, 1, 3]);
  });

  it('counts the unused tail as part of a window', () => {
    const allocator = new RegionAllocator<string>(12 * G);
    take(allocator, 6, 'stay');
    take(allocator, 2, 'move');
    expect(cheapestWindow(allocator, 5 * G, (owner) => owner === 'move')?.map(({ start }) => start / G)).toEqual([6]);
  });
});
