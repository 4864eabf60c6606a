import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Random } from '../../../src/simulator/random.ts';
import { Timeline } from '../../../src/simulator/timeline.ts';

describe('Timeline', () => {
  it('gives items by time, and those of one time in the order in which they came', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(20), { maxLength: 3000, size: 'max' }), (times) => {
        const timeline = new Timeline<number>();
        for (const [index, at] of times.entries()) timeline.add(at, index);
        const taken: number[] = [];
        while (timeline.size > 0) {
          const { next } = timeline;
          const item = timeline.take();
          expect(times[item]).toBe(next);
          taken.push(item);
        }
        const sorted = times.map((at, index) => ({ at, index })).toSorted((a, b) => a.at - b.at || a.index - b.index);
        expect(taken).toEqual(sorted.map(({ index }) => index));
        expect(timeline.next).toBe(Number.POSITIVE_INFINITY);
      }),
      { numRuns: 10, seed: 5 },
    );
  });

  it('stays in order while items are added between', () => {
    const timeline = new Timeline<number>();
    const random = new Random(1);
    for (let item = 0; item < 100; item++) timeline.add(random.fraction(), item);
    let last = 0;
    for (let step = 0; step < 5000; step++) {
      const { next } = timeline;
      expect(next).toBeGreaterThanOrEqual(last);
      last = next;
      timeline.take();
      timeline.add(last + random.fraction(), step);
    }
  });
});

describe('Random', () => {
  it('is even, and the same for the same seed', () => {
    const random = new Random(42);
    const counts = new Array<number>(10).fill(0);
    for (let draw = 0; draw < 100_000; draw++) counts[random.below(10)]! += 1;
    for (const count of counts) expect(Math.abs(count - 10_000)).toBeLessThan(500);
    const [one, two] = [new Random(9), new Random(9)];
    expect(Array.from({ length: 5 }, () => one.fraction())).toEqual(Array.from({ length: 5 }, () => two.fraction()));
  });
});
