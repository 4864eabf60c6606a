/**
 * Runs the tests and ends with one line `N passed, N failed, N skipped` over everything that ran.
 *
 *   node scripts/test.ts short     what `make test` runs
 *   node scripts/test.ts long      what `make test-long` runs
 *   node scripts/test.ts total     adds up the last run of both, runs nothing
 *
 * A vitest suite counts its tests. A check or a program counts as one test: exit code 0 is passed, 77 is skipped, and its
 * last line says why. A suite that runs out of its minutes is killed with all its processes and counts as failed.
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startProcess } from './process.ts';
import { addSummaries, failure, report, type Summary, summaryLine } from './test-summary.ts';

interface Suite {
  readonly name: string;
  readonly minutes: number;
  /** Arguments of vitest, or a program with its arguments. */
  readonly vitest?: readonly string[];
  readonly program?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

const check = (name: string): Suite => ({ name, minutes: 5, program: ['node', 'scripts/check.ts', name] });
const projects = (...names: string[]): string[] => names.flatMap((name) => ['--project', name]);

const CHAOS = ['--conditions=source', '--disable-warning=ExperimentalWarning', 'test/chaos/run.ts'];

/** Ordered from quick to slow. Add a row to add a suite. */
const SUITES = {
  short: [
    check('types'),
    check('eslint'),
    check('biome'),
    check('imports'),
    check('unused code'),
    check('generated files'),
    { name: 'unit, property, types', minutes: 5, vitest: projects('unit', 'property', 'types') },
    { name: 'conformance', minutes: 10, vitest: projects('conformance') },
    { name: 'integration', minutes: 15, vitest: projects('integration') },
    { name: 'e2e', minutes: 20, vitest: projects('e2e') },
  ],
  long: [
    {
      name: 'histories of the scheduler',
      minutes: 5,
      vitest: [...projects('property'), 'test/property/scheduler.test.ts'],
      env: { MK_PROPERTY_RUNS: '20000' },
    },
    // Two minutes of the ten that it is meant for: docs/chaos.md says why.
    { name: 'chaos', minutes: 8, program: ['node', ...CHAOS, '--minutes', '2', '--seed', '1'] },
    {
      name: 'controller on PostgreSQL',
      minutes: 5,
      vitest: [
        ...projects('integration'),
        ...['announcer', 'join', 'process-driver', 'shell', 'shell-backend', 'survival', 'tier'].map(
          (name) => `test/integration/controller/${name}.test.ts`,
        ),
      ],
      env: { MK_TEST_DATABASE: 'postgres' },
    },
    // The fuzz suite runs by hand until it is stable: docs/roadmap.md.
    { name: 'long', minutes: 20, vitest: [...projects('long'), '--exclude', 'test/long/fuzz.test.ts'] },
  ],
} satisfies Record<string, readonly Suite[]>;

const SKIPPED = 77;
const root = join(import.meta.dirname, '..');
const out = join(root, 'out/test');

async function runVitest(suite: Suite): Promise<Summary> {
  const file = join(out, `${suite.name.replace(/\W+/g, '-')}.summary.json`);
  rmSync(file, { force: true });
  const reporters = ['--reporter=default', '--reporter=./scripts/test-reporter.ts'];
  const args = ['run', ...(suite.vitest ?? []), ...reporters, '--passWithNoTests'];
  const code = await runProgram(['vitest', ...args], suite, { METAKERNEL_TEST_SUMMARY: file });
  try {
    const summary = JSON.parse(readFileSync(file, 'utf8')) as Summary;
    return code !== 0 && summary.failed.length === 0
      ? addSummaries([summary, failure(`${suite.name}: vitest ended with ${code} and no failed test`)])
      : summary;
  } catch {
    return failure(`${suite.name}: vitest ended with ${code} and left no summary`);
  }
}

async function runCounted(suite: Suite): Promise<Summary> {
  let last = '';
  const code = await runProgram(suite.program ?? [], suite, {}, (line) => {
    console.log(line);
    if (line.trim() !== '') last = line.trim();
  });
  if (code === SKIPPED) return { passed: 0, failed: [], unstable: [], skipped: [`${suite.name}: ${last}`] };
  return code === 0 ? { passed: 1, failed: [], unstable: [], skipped: [] } : failure(`${suite.name}: ${last}`);
}

/** Its exit code; null when it was killed. */
async function runProgram(
  [program = '', ...args]: readonly string[],
  suite: Suite,
  env: Readonly<Record<string, string>>,
  onLine?: (line: string) => void,
): Promise<number | null> {
  await using child = startProcess(program, args, {
    cwd: root,
    env: { ...process.env, ...suite.env, ...env },
    watch: 'guard',
    ...(onLine === undefined ? {} : { onLine }),
  });
  const timer = setTimeout(() => {
    console.error(`${suite.name} did not end in ${suite.minutes} minutes: killed`);
    child.kill('SIGTERM');
  }, suite.minutes * 60_000);
  try {
    return (await child.exited).code;
  } finally {
    clearTimeout(timer);
  }
}

async function runSuites(name: keyof typeof SUITES): Promise<Summary> {
  const summaries: Summary[] = [];
  for (const suite of SUITES[name]) {
    const started = performance.now();
    console.log(`\n== ${suite.name}`);
    const summary = suite.vitest === undefined ? await runCounted(suite) : await runVitest(suite);
    console.log(`== ${suite.name}: ${summaryLine(summary)} (${((performance.now() - started) / 1000).toFixed(1)} s)`);
    summaries.push(summary);
  }
  const all = addSummaries(summaries);
  writeFileSync(join(out, `${name}.json`), JSON.stringify(all));
  return all;
}

/** A run that left no summary did not end: that is a failure, not nothing. */
function lastRun(name: keyof typeof SUITES): Summary {
  try {
    return JSON.parse(readFileSync(join(out, `${name}.json`), 'utf8')) as Summary;
  } catch {
    return failure(`${name}: the run did not end`);
  }
}

function isSuiteName(name: string): name is keyof typeof SUITES {
  return name in SUITES;
}

const what = process.argv[2] ?? 'short';
if (what !== 'total' && !isSuiteName(what)) {
  console.error(`unknown: ${what}. Known: ${Object.keys(SUITES).join(', ')}, total`);
  process.exitCode = 2;
} else {
  mkdirSync(out, { recursive: true });
  if (what !== 'total') rmSync(join(out, `${what}.json`), { force: true });
  const summary = what === 'total' ? addSummaries([lastRun('short'), lastRun('long')]) : await runSuites(what);
  for (const line of report(summary)) console.log(line);
  if (summary.failed.length > 0) process.exitCode = 1;
}
