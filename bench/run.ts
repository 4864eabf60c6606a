/** `npm run bench -- <name>…`: runs `bench/<name>.bench.ts`, each in a process of its own; without names, all. */
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';

const here = import.meta.dirname;
const known = readdirSync(here)
  .filter((file) => file.endsWith('.bench.ts'))
  .map((file) => file.slice(0, -'.bench.ts'.length))
  .sort();
const names = process.argv.slice(2);
const unknown = names.filter((name) => !known.includes(name));
if (unknown.length > 0) {
  console.error(`unknown benchmark: ${unknown.join(', ')}. Known: ${known.join(', ')}`);
  process.exitCode = 2;
} else {
  for (const name of names.length > 0 ? names : known) {
    const { status } = spawnSync(
      process.execPath,
      ['--conditions=source', '--expose-gc', join(here, `${name}.bench.ts`)],
      { stdio: 'inherit' },
    );
    if (status !== 0) process.exitCode = 1;
  }
}
