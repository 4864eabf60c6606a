/**
 * Ten thousand controllers that renew their registrations every twenty seconds: how much of a core the lighthouse takes.
 * The baseline is the same server answering as many requests without doing anything.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { postgresProblem, startPostgres } from '../test/support/postgres.ts';
import { tempDir } from '../test/support/temp-dir.ts';
import { HttpLoad, type Latencies, type Load } from './support/http-load.ts';
import { startProgram } from './support/program.ts';
import { benchmark } from './support/report.ts';

const CONTROLLERS = 10_000;
const REFRESH_SECONDS = 20;
const PER_SECOND = CONTROLLERS / REFRESH_SECONDS;
const SAMPLE_SECONDS = 4;
/** Of /proc/<pid>/stat on Linux. */
const TICKS_PER_SECOND = 100;

/** User and system time of a process so far, in seconds. */
function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

async function run(kind: string, databaseUrl: string): Promise<void> {
  await using lighthouse = await startProgram('controller-lighthouse.ts', [databaseUrl]);
  await using load = new HttpLoad();
  const to = (path: string): Load => ({
    url: `${lighthouse.url}${path}`,
    body: (index) =>
      JSON.stringify({ name: `c${index % CONTROLLERS}`, address: `c${index % CONTROLLERS}.example:8080` }),
    contentType: 'application/json',
  });
  const registrations = to('/api/v3/controller');
  await load.closed(registrations, CONTROLLERS, 64);
  let renewals: Latencies | undefined;
  const share = async (target: Load): Promise<number> => {
    const before = cpuSeconds(lighthouse.pid);
    const started = performance.now();
    const latencies = await load.open(target, PER_SECOND, SAMPLE_SECONDS);
    if (target === registrations) renewals = latencies;
    return ((cpuSeconds(lighthouse.pid) - before) / ((performance.now() - started) / 1000)) * 100;
  };
  await benchmark({
    name: `controller-lighthouse-${kind}`,
    unit: '% of a core',
    baselineName: 'bare Fastify route',
    measure: () => share(registrations),
    baseline: () => share(to('/bare')),
    samples: 7,
    details: () => ({
      controllers: CONTROLLERS,
      renewalsPerSecond: PER_SECOND,
      p50Ms: renewals!.p50,
      p99Ms: renewals!.p99,
    }),
  });
}

using folder = tempDir('bench-lighthouse');
await run('sqlite', join(folder.path, 'lighthouse.db'));
const problem = postgresProblem();
if (problem === undefined) {
  await using server = await startPostgres();
  await run('postgres', await server.createDatabase());
} else {
  console.log(`controller-lighthouse-postgres: skipped, ${problem}`);
}
