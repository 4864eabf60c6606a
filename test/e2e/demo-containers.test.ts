import { readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { engineMissing } from '../../scripts/demo/engine.ts';
import { startProcess } from '../../scripts/process.ts';
import { tempDir } from '../support/temp-dir.ts';

const demo = join(import.meta.dirname, '../../scripts/demo-containers.ts');
const missing = await engineMissing();

/** Folders of an engine and of a token that a demo has made. */
const leftovers = (): string[] => readdirSync(tmpdir()).filter((name) => /^mk-(engine|token|base)-/.test(name));

test('four containers on one network, with a token, end with the result of a plain run and leave nothing', async (context) => {
  // No engine, and none can be started here: `missing` says why, and is printed.
  if (missing !== undefined) return context.skip(missing);
  using folder = tempDir('containers');
  const before = new Set(leftovers());
  const lines: string[] = [];
  await using run = startProcess(process.execPath, ['--conditions=source', demo], {
    watch: 'stdin',
    graceMs: 60_000,
    env: { ...process.env, POINTS: '2400', ITERATIONS: '40', EPSILON: '-1', DATA: folder.path, OUT: folder.path },
    onLine: (line) => lines.push(line),
  });
  const { code } = await run.exited;
  expect(code, lines.join('\n')).toBe(0);
  const result = JSON.parse(readFileSync(join(folder.path, 'result.json'), 'utf8'));
  expect(result.iterations).toBe(40);
  expect(result.maxRelativeError).toBeLessThanOrEqual(1e-9);
  expect(result.agents.map(({ name }: { name: string }) => name)).toEqual(['agent1', 'agent2', 'agent3', 'agent4']);
  expect(result.agents.every(({ tasks }: { tasks: number }) => tasks > 0)).toBe(true);
  expect(leftovers().filter((name) => !before.has(name))).toEqual([]);
}, 280_000);
