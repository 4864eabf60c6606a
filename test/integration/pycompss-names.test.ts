import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { bindings } from '../support/python-modes.ts';

const page = join(import.meta.dirname, '../../docs/pycompss-compatibility.md');
const program = join(import.meta.dirname, 'fixtures/public_names.py');

/** Parts of the package that are not of the original, and that nobody imports but the package itself. */
const INNER = ['pycompss.dds.dds', 'pycompss.dds.functions', 'pycompss.dds.partition_tasks'];
const STATES = ['works', 'differs', 'refused'];

interface Row {
  readonly module: string;
  readonly names: readonly string[];
  readonly state: string;
}

/** Rows of the first table: module, names, state, remark. */
function rowsOf(text: string): Row[] {
  const table = text.slice(text.indexOf('## Names'), text.indexOf('## Arguments'));
  return [...table.matchAll(/^\| `([\w.]+)`\s*\| ([^|]+)\| (\w+)/gm)].map(
    ([, module = '', names = '', state = '']) => ({
      module,
      names: [...names.matchAll(/`(\w+)`/g)].map((found) => found[1]!),
      state,
    }),
  );
}

function packageNames(): Map<string, readonly string[]> {
  const env = { ...process.env, PYTHONPATH: bindings, PYTHONDONTWRITEBYTECODE: '1' };
  const names = JSON.parse(execFileSync('python3', [program], { env, encoding: 'utf8' })) as Record<string, string[]>;
  return new Map(Object.entries(names).filter(([module]) => !INNER.includes(module)));
}

test('the page of PyCOMPSs names lists every public name once, with its state, and no other', () => {
  const rows = rowsOf(readFileSync(page, 'utf8'));
  for (const { module, state } of rows) expect(STATES, module).toContain(state);
  const listed = rows.flatMap(({ module, names }) => names.map((name) => `${module}.${name}`)).sort();
  const there = [...packageNames()].flatMap(([module, names]) => names.map((name) => `${module}.${name}`)).sort();
  expect(there.length).toBeGreaterThan(150);
  expect(listed).toEqual(there);
});
