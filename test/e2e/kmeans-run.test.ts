import { spawnSync } from 'node:child_process';
import { symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { writePublicData } from '../../scripts/public-data.ts';
import { tempDir } from '../support/temp-dir.ts';

const root = join(import.meta.dirname, '../..');
const program = join(root, 'examples/kmeans/kmeans.ts');

/** Runs to its end from a folder that is not the checkout's. */
function run(command: string, args: readonly string[], cwd: string, env: NodeJS.ProcessEnv = process.env) {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd, env, encoding: 'utf8', timeout: 60_000 });
  return { status, stdout, stderr };
}

const tableOf = (stdout: string): string => stdout.slice(stdout.indexOf('note: '));

test('metakernel run finds the same as plain sequential code, from any folder and through a link', () => {
  using folder = tempDir('run');
  const args = [writePublicData('iris', folder.path), '--k', '3', '--iterations', '50'];
  const link = join(folder.path, 'mk');
  symlinkSync(join(root, 'bin/metakernel'), link);
  const inAgent = run(link, ['run', program, ...args], folder.path);
  expect(inAgent.status, inAgent.stderr).toBe(0);
  const plain = run(process.execPath, ['--conditions=source', program, ...args], folder.path, {
    ...process.env,
    METAKERNEL: 'off',
  });
  expect(plain.status, plain.stderr).toBe(0);
  expect(plain.stdout).toContain('5 iterations, converged, inertia 78.8556658260');
  expect(tableOf(inAgent.stdout).trimEnd()).toBe(tableOf(plain.stdout).trimEnd());
});

test('metakernel run says what is wrong with a file, and fails', () => {
  using folder = tempDir('run');
  const { status, stdout, stderr } = run(join(root, 'bin/metakernel'), ['run', program, 'none.csv'], folder.path);
  expect(status).toBe(1);
  expect(stdout + stderr).toContain(`${join(folder.path, 'none.csv')}: no such file`);
});
