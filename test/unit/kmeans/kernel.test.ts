import { describe, expect, test } from 'vitest';
import { wasmKernel } from '../../../examples/kmeans/kernel.ts';
import { twinKernel } from '../../../examples/kmeans/kernel-twin.ts';

describe.each([
  ['WASM', wasmKernel()],
  ['twin', twinKernel],
])('%s kernel', (_, kernel) => {
  test('sums, counts and inertia of a case done by hand', () => {
    const points = Float64Array.of(0, 0, 1, 0, 10, 10, 11, 10, 10, 12);
    const { sums, counts, inertia } = kernel.partialSums(points, Float64Array.of(0, 0, 10, 10), 2);
    expect([...sums]).toEqual([1, 0, 31, 32]);
    expect([...counts]).toEqual([2, 3]);
    expect(inertia).toBe(1 + 1 + 4);
  });

  test('a tie goes to the lower index, in every lane and tile', () => {
    for (let twin = 1; twin < 9; twin++) {
      const centres = Float64Array.from({ length: 9 }, (_, c) => (c === 0 || c === twin ? 5 : 100 + c));
      expect([...kernel.labels(Float64Array.of(5, 4, 6), centres, 1)]).toEqual([0, 0, 0]);
      const later = Float64Array.from({ length: 9 }, (_, c) => (c >= twin ? 5 : -100 - c));
      expect([...kernel.labels(Float64Array.of(5), later, 1)]).toEqual([twin]);
    }
  });

  test('a point that is not a number is counted with the first centre and shows in the inertia', () => {
    const { counts, inertia } = kernel.partialSums(Float64Array.of(Number.NaN, 1), Float64Array.of(7, 1), 1);
    expect([...counts]).toEqual([1, 1]);
    expect(inertia).toBeNaN();
  });

  test('reads points that lie in a SharedArrayBuffer behind an offset, over several blocks', () => {
    const rows = 3_001;
    const shared = new Float64Array(new SharedArrayBuffer((rows * 100 + 3) * 8), 24, rows * 100);
    for (let i = 0; i < shared.length; i++) shared[i] = i % 100 === 0 ? Math.floor(i / 100) % 2 : 0.25;
    const centres = new Float64Array(200).fill(0.25);
    centres[0] = 0;
    centres[100] = 1;
    const { sums, counts, inertia } = kernel.partialSums(shared, centres, 100);
    expect([...counts]).toEqual([1501, 1500]);
    expect([sums[0], sums[1], sums[100], sums[101]]).toEqual([0, 1501 / 4, 1500, 375]);
    expect(inertia).toBe(0);
  });

  test('no points give zeros', () => {
    const empty = kernel.partialSums(new Float64Array(0), Float64Array.of(1, 2, 3), 1);
    expect(empty).toEqual({ sums: new Float64Array(3), counts: new Float64Array(3), inertia: 0 });
  });
});

test('the WASM kernel starts every call afresh, also when a larger one grew its memory', () => {
  const small = [Float64Array.of(1, 2, 3), Float64Array.of(1, 3), 1] as const;
  const before = wasmKernel().partialSums(...small);
  wasmKernel().partialSums(new Float64Array(40_000), new Float64Array(20_000), 2_000);
  expect(wasmKernel().partialSums(...small)).toEqual(before);
});
