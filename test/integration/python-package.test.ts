import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { startProcess } from '../../scripts/process.ts';

const bindings = join(import.meta.dirname, '../../bindings/python');

/** The system's interpreter has numpy and dill where Debian's packages are installed; any other one will do. */
const python = process.env['METAKERNEL_PYTHON'] ?? (existsSync('/usr/bin/python3') ? '/usr/bin/python3' : 'python3');

test('the unit tests of the Python package pass', async () => {
  const lines: string[] = [];
  const args = ['-m', 'unittest', 'discover', '-s', 'tests', '-t', '.'];
  await using run = startProcess(python, args, {
    cwd: bindings,
    watch: 'guard',
    onLine: (line) => lines.push(line),
    env: { ...process.env, PYTHONPATH: bindings, PYTHONDONTWRITEBYTECODE: '1' },
  });
  const { code } = await run.exited;
  expect(code, lines.join('\n')).toBe(0);
  expect(Number(/^Ran (\d+) tests/m.exec(lines.join('\n'))?.[1])).toBeGreaterThan(100);
});
