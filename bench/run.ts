/**
 * `npm run bench -- <name>…`: runs `bench/<name>.bench.ts`, each in a process of its own; without names, everything that has
 * a first target. Ends with the table of targets and writes `docs/benchmarks.md`; `--report` does only that. Nothing it
 * started outlives it.
 */
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type RunningProcess, startProcess } from '../scripts/process.ts';
import { resultsPage, terminalTable } from './support/table.ts';
import { TARGETS } from './targets.ts';

const here = import.meta.dirname;
const page = join(here, '..', 'docs', 'benchmarks.md');
const LIMIT_MS = 8 * 60_000;
const GRACE_MS = 2_000;

const withTargets = [...new Set(TARGETS.map(({ benchmark }) => benchmark))];
const known = readdirSync(here)
  .filter((file) => file.endsWith('.bench.ts'))
  .map((file) => file.slice(0, -'.bench.ts'.length))
  .sort();
let stopped = false;
let running: RunningProcess | undefined;

/** Whether it ended well within its time. */
async function run(name: string): Promise<boolean> {
  const started = performance.now();
  const args = ['--conditions=source', '--expose-gc', join(here, `${name}.bench.ts`)];
  const child = startProcess(process.execPath, args, { watch: 'guard', graceMs: GRACE_MS });
  running = child;
  const timer = setTimeout(() => {
    console.error(`${name}: not done after ${LIMIT_MS / 1000} s, given up`);
    child.kill('SIGTERM');
  }, LIMIT_MS);
  const { code } = await child.exited;
  clearTimeout(timer);
  const seconds = Math.round((performance.now() - started) / 1000);
  if (code !== 0) console.error(`${name}: failed with ${code} after ${seconds} s`);
  return code === 0;
}

async function runAll(names: readonly string[]): Promise<void> {
  const failed: string[] = [];
  for (const name of names) {
    if (stopped) break;
    if (!(await run(name))) failed.push(name);
  }
  writeFileSync(page, resultsPage());
  console.log(`\n${terminalTable(names)}`);
  if (failed.length > 0) console.error(`\nwithout a new result: ${failed.join(', ')}`);
  if (failed.length > 0 || stopped) process.exitCode = 1;
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    stopped = true;
    running?.kill('SIGTERM');
  });
}

const names = process.argv.slice(2);
const unknown = names.filter((name) => name !== '--report' && !known.includes(name));
if (unknown.length > 0) {
  console.error(`unknown benchmark: ${unknown.join(', ')}. Known: ${known.join(', ')}`);
  process.exitCode = 2;
} else if (names.includes('--report')) {
  writeFileSync(page, resultsPage());
  console.log(terminalTable(withTargets));
} else {
  await runAll(names.length > 0 ? names : withTargets);
}
