import { join } from 'node:path';
import { expect, test } from 'vitest';
import { startProcess } from '../../scripts/process.ts';
import { preparePython } from '../support/debian-packages.ts';

const bindings = join(import.meta.dirname, '../../bindings/python');

/** What of them needs dill is skipped where it cannot be installed. */
const { interpreter } = preparePython(['numpy', 'dill']);

test('the unit tests of the Python package pass', async () => {
  const lines: string[] = [];
  const args = ['-m', 'unittest', 'discover', '-s', 'tests', '-t', '.'];
  await using run = startProcess(interpreter, args, {
    cwd: bindings,
    watch: 'guard',
    onLine: (line) => lines.push(line),
    env: { ...process.env, PYTHONPATH: bindings, PYTHONDONTWRITEBYTECODE: '1' },
  });
  const { code } = await run.exited;
  expect(code, lines.join('\n')).toBe(0);
  expect(Number(/^Ran (\d+) tests/m.exec(lines.join('\n'))?.[1])).toBeGreaterThan(100);
});
