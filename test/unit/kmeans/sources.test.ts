import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parseSources } from '../../../examples/kmeans/sources.ts';
import { tempDir } from '../../support/temp-dir.ts';

describe('names of files', () => {
  test('are told apart by @: there on every node, or here alone', () => {
    using folder = tempDir('sources');
    const here = join(folder.path, 'here.csv');
    writeFileSync(here, '1\n');
    expect(parseSources(` @/data/0_0.npy, ${here} ,`)).toEqual([
      { path: '/data/0_0.npy', everywhere: true },
      { path: here, everywhere: false },
    ]);
  });

  test('may be a folder, which stands for its files in order', () => {
    using folder = tempDir('sources');
    for (const name of ['b.npy', 'a.csv', 'notes.txt', 'c.TSV']) writeFileSync(join(folder.path, name), '');
    const found = parseSources(`@${folder.path}`);
    expect(found.map(({ path }) => path)).toEqual(['a.csv', 'b.npy', 'c.TSV'].map((name) => join(folder.path, name)));
    expect(found.every(({ everywhere }) => everywhere)).toBe(true);
  });

  test('that are not there are refused by their name', () => {
    using folder = tempDir('sources');
    const missing = join(folder.path, 'missing.npy');
    expect(() => parseSources(missing)).toThrowError(
      expect.objectContaining({ code: 'ERR_INPUT_FILE_MISSING', message: `${missing}: no such file` }),
    );
    mkdirSync(join(folder.path, 'empty'));
    expect(() => parseSources(join(folder.path, 'empty'))).toThrowError(/has no .npy, .csv or .tsv file/);
    expect(() => parseSources(' , ')).toThrowError('at least one file');
  });
});
