import { spawnSync } from 'node:child_process';
import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { addResources, localPeer, startAgentProcess } from '../../scripts/demo/agents.ts';
import { runTraining } from '../../scripts/demo/training.ts';
import { writePublicData } from '../../scripts/public-data.ts';
import { tempDir } from '../support/temp-dir.ts';

const root = join(import.meta.dirname, '../..');
const appPath = join(root, 'examples/kmeans');
const options = { k: 3, iterations: 50, epsilon: 1e-4, seed: 1, standardise: false };

test('agents of the bundle alone, without node_modules, train a k-means together', async () => {
  using folder = tempDir('bundle');
  const dist = join(folder.path, 'dist');
  const built = spawnSync(process.execPath, [join(root, 'scripts/build.ts'), '--no-types', '--out', dist], {
    encoding: 'utf8',
  });
  expect(built.status, built.stderr).toBe(0);
  // The other part of the package that an agent looks for beside its bundle.
  cpSync(join(root, 'bindings'), join(folder.path, 'bindings'), { recursive: true });
  const start = (name: string) =>
    startAgentProcess({ name, cpus: 1, appPath, program: [process.execPath, join(dist, 'main.js')] });
  await using first = await start('first');
  await using second = await start('second');
  await addResources(first.client, localPeer(second, 1));
  const { model, completedByNode } = await runTraining({
    client: first.client,
    files: `@${writePublicData('iris', folder.path)}`,
    options,
    watcher: { iteration: () => undefined, tasks: () => undefined },
    signal: new AbortController().signal,
  });
  expect(model.inertia).toBeCloseTo(78.8556658, 6);
  expect(Object.keys(completedByNode)).toContain('first');
});
