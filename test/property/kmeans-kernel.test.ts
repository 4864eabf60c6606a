import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { wasmKernel } from '../../examples/kmeans/kernel.ts';
import { twinKernel } from '../../examples/kmeans/kernel-twin.ts';
import { createRandom } from '../../examples/kmeans/random.ts';

const numRuns = Number(process.env['MK_PROPERTY_RUNS'] ?? 150);

/** `grid` puts all values on small integers, where distances tie exactly and centres coincide. */
const shape = fc.record({
  rows: fc.integer({ min: 0, max: 200 }),
  dims: fc.integer({ min: 1, max: 130 }),
  k: fc.integer({ min: 1, max: 64 }),
  grid: fc.boolean(),
  offset: fc.constantFrom(0, 1e6),
  seed: fc.integer(),
});

function matrix(length: number, seed: number, grid: boolean, offset: number): Float64Array {
  const random = createRandom(seed);
  return Float64Array.from({ length }, () => offset + (grid ? random.below(3) : random.bell()));
}

describe('the WASM kernel and its plain twin', () => {
  test('give the same bits for any shape, ties and offsets included', () => {
    fc.assert(
      fc.property(shape, ({ rows, dims, k, grid, offset, seed }) => {
        const points = matrix(rows * dims, seed, grid, offset);
        const centres = matrix(k * dims, seed + 1, grid, offset);
        expect(wasmKernel().labels(points, centres, dims)).toEqual(twinKernel.labels(points, centres, dims));
        expect(wasmKernel().partialSums(points, centres, dims)).toEqual(twinKernel.partialSums(points, centres, dims));
      }),
      { numRuns },
    );
  });

  test('agree with distances computed the naive way, up to rounding', () => {
    fc.assert(
      fc.property(shape, ({ rows, dims, k, seed }) => {
        const points = matrix(rows * dims, seed, false, 0);
        const centres = matrix(k * dims, seed + 1, false, 0);
        const distance = (row: number, centre: number): number => {
          let sum = 0;
          for (let d = 0; d < dims; d++) sum += (points[row * dims + d]! - centres[centre * dims + d]!) ** 2;
          return sum;
        };
        const labels = wasmKernel().labels(points, centres, dims);
        let inertia = 0;
        labels.forEach((label, row) => {
          const nearest = Math.min(...Array.from({ length: k }, (_, c) => distance(row, c)));
          expect(distance(row, label)).toBeLessThanOrEqual(nearest * (1 + 1e-12) + 1e-12);
          inertia += distance(row, label);
        });
        const partial = wasmKernel().partialSums(points, centres, dims);
        expect(Math.abs(partial.inertia - inertia)).toBeLessThanOrEqual(1e-12 * (1 + inertia));
        expect(partial.counts.reduce((sum, count) => sum + count, 0)).toBe(rows);
      }),
      { numRuns: Math.ceil(numRuns / 10) },
    );
  });
});
