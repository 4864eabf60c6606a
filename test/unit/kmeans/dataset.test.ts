import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { datasetFiles, makeDataset } from '../../../examples/kmeans/dataset.ts';
import { openNpy } from '../../../examples/kmeans/npy.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'metakernel-dataset-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

test('the full data set is twelve files of 66 667 or 66 666 points', () => {
  const files = datasetFiles('data', 800_000);
  expect(files.map(({ path }) => path).slice(0, 4)).toEqual(
    ['0_0', '0_1', '0_2', '1_0'].map((name) => join('data', 'dataset_800000_100', `${name}.npy`)),
  );
  expect(files.map(({ rows }) => rows)).toEqual([...Array(8).fill(66_667), ...Array(4).fill(66_666)]);
});

describe('a small data set', () => {
  const digest = (paths: readonly string[]): string => {
    const hash = createHash('sha256');
    for (const path of paths) hash.update(readFileSync(path));
    return hash.digest('hex');
  };

  test('is the same on every machine', async () => {
    const paths = await makeDataset(folder, 250);
    expect(digest(paths)).toBe('01d4444332710edab23bc22d50d7bae72f4e29cbabd1f638a1c91e537145cb56');
  });

  test('is made only where a file is missing, cut off or another', async () => {
    const made: number[] = [];
    const paths = await makeDataset(folder, 250, (done) => made.push(done));
    expect(made).toEqual([]);
    const before = digest(paths);
    const untouched = statSync(paths[0]!).mtimeMs;
    rmSync(paths[3]!);
    truncateSync(paths[4]!, 1000);
    writeFileSync(paths[5]!, readFileSync(paths[6]!));
    await makeDataset(folder, 250, (done, total) => made.push(done / total));
    expect(made).toEqual([10 / 12, 11 / 12, 1]);
    expect(digest(paths)).toBe(before);
    expect(statSync(paths[0]!).mtimeMs).toBe(untouched);
  });

  test('that is given up leaves whole files and nothing begun', async () => {
    const begun = join(folder, 'begun');
    const abort = new AbortController();
    const making = makeDataset(begun, 60_000, () => abort.abort(new Error('given up')), abort.signal);
    await expect(making).rejects.toThrowError('given up');
    const names = readdirSync(join(begun, 'dataset_60000_100'));
    expect(names.length).toBeGreaterThan(0);
    expect(names.length).toBeLessThan(12);
    expect(names.every((name) => /^\d_\d\.npy$/.test(name))).toBe(true);
    for (const name of names) {
      using npy = openNpy(join(begun, 'dataset_60000_100', name));
      expect(npy.rows).toBe(5_000);
    }
  });
});
