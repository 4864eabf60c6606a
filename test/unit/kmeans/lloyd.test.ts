import { describe, expect, test } from 'vitest';
import { initialCentres, mergeStep, sampleRows } from '../../../examples/kmeans/lloyd.ts';
import { createRandom } from '../../../examples/kmeans/random.ts';
import { applyScale, momentsOf, scaleOf, undoScale } from '../../../examples/kmeans/scaling.ts';

describe('mergeStep', () => {
  test('moves centres to the means of all fragments and leaves one without points', () => {
    const step = mergeStep(Float64Array.of(0, 0, 9, 9), [
      { sums: Float64Array.of(2, 4, 0, 0), counts: Float64Array.of(1, 0), inertia: 1.5 },
      { sums: Float64Array.of(4, 4, 0, 0), counts: Float64Array.of(1, 0), inertia: 2 },
    ]);
    expect(step).toEqual({
      centres: Float64Array.of(3, 4, 9, 9),
      counts: Float64Array.of(2, 0),
      inertia: 3.5,
      shift: 5,
    });
  });
});

describe('initial centres', () => {
  const blobs = Float64Array.from({ length: 300 }, (_, i) => Math.floor(i / 100) * 1000 + (i % 10));

  test('are points of the sample, one in each far blob, and the same for the same seed', () => {
    for (let seed = 0; seed < 20; seed++) {
      const centres = initialCentres(blobs, 3, 1, seed);
      expect(initialCentres(blobs, 3, 1, seed)).toEqual(centres);
      expect([...centres].map((c) => Math.floor(c / 1000)).sort()).toEqual([0, 1, 2]);
      for (const c of centres) expect(blobs).toContain(c);
    }
  });

  test('of equal points are equal; more than there are points is refused', () => {
    expect(initialCentres(new Float64Array(5).fill(2), 3, 1, 1)).toEqual(Float64Array.of(2, 2, 2));
    expect(() => initialCentres(Float64Array.of(1, 2), 3, 1, 1)).toThrowError(
      '3 centres cannot be chosen from 2 points',
    );
  });

  test('come from samples of distinct rows', () => {
    const points = Float64Array.from({ length: 2_000 }, (_, i) => i);
    const sample = sampleRows(points, 2, 100, { seed: 3, fragment: 1 });
    const rows = new Set(Array.from({ length: 100 }, (_, i) => sample[2 * i]!));
    expect(rows.size).toBe(100);
    for (const first of rows) expect(first % 2).toBe(0);
    expect(sampleRows(points, 2, 100, { seed: 3, fragment: 2 })).not.toEqual(sample);
    expect(sampleRows(points, 2, 5_000, { seed: 3, fragment: 1 })).toEqual(points);
  });
});

describe('scaling', () => {
  test('gives mean 0 and deviation 1 over all fragments, and back', () => {
    const random = createRandom(11);
    const fragments = [300, 2, 50].map((rows) =>
      Float64Array.from({ length: rows * 2 }, (_, i) => (i % 2 === 0 ? 1e6 + random.bell() : 42)),
    );
    const scale = scaleOf(fragments.map((points) => momentsOf(points, 2)));
    const scaled = fragments.map((points) => {
      const target = new Float64Array(points.length);
      applyScale(points, scale, target);
      return target;
    });
    const first = scaled.flatMap((points) => [...points].filter((_, i) => i % 2 === 0));
    const mean = first.reduce((sum, x) => sum + x, 0) / first.length;
    const variance = first.reduce((sum, x) => sum + (x - mean) ** 2, 0) / first.length;
    expect(mean).toBeCloseTo(0, 8);
    expect(variance).toBeCloseTo(1, 8);
    for (const points of scaled) for (let i = 1; i < points.length; i += 2) expect(points[i]).toBe(0);
    const back = undoScale(scaled[1]!, scale);
    expect([...back].map((value, i) => Math.abs(value / fragments[1]![i]! - 1) < 1e-12)).not.toContain(false);
  });
});

describe('the generator', () => {
  test('draws bell noise of mean 0 and variance 1', () => {
    const random = createRandom(5);
    const values = Float64Array.from({ length: 100_000 }, () => random.bell());
    const mean = values.reduce((sum, x) => sum + x, 0) / values.length;
    const variance = values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / values.length;
    expect(Math.abs(mean)).toBeLessThan(0.02);
    expect(Math.abs(variance - 1)).toBeLessThan(0.02);
  });

  test('has independent streams and repeats itself', () => {
    const draw = (seed: number, stream: number): number[] => {
      const random = createRandom(seed, stream);
      return Array.from({ length: 8 }, () => random.uint32());
    };
    expect(draw(7, 0)).toEqual(draw(7, 0));
    const all = [draw(7, 0), draw(7, 1), draw(8, 0)].flat();
    expect(new Set(all).size).toBe(24);
  });
});
