/**
 * The smallest task that two threads still run at half their speed (50 % METG of Task Bench), for each of its patterns.
 * Baseline: the same graph of promises over `piscina.run`. Full speed is that of long tasks in the same sample.
 */
import { join } from 'node:path';
import { Piscina } from 'piscina';
import { benchAgent, figureOf } from './support/agent.ts';
import { benchmark } from './support/report.ts';
import { build, PATTERNS, type Pattern } from './support/task-graph.ts';

/** Eight points: four for each thread, as many as Task Bench runs graphs side by side to hide latencies. */
const WIDTH = 8;
const STEPS = 75;
/** Microseconds of work a task, longest first; the first defines full speed. */
const GRAINS = [256, 128, 64, 32, 16, 8, 4];

type Run = (pattern: Pattern, microseconds: number) => Promise<number>;

await using agent = benchAgent('metg.ts');
const pool = new Piscina<{ microseconds: number; needs: readonly number[] }, number>({
  filename: join(import.meta.dirname, 'programs/compute.ts'),
  minThreads: 2,
  maxThreads: 2,
  concurrentTasksPerWorker: 4,
  atomics: 'disabled',
  recordTiming: false,
});

const asTasks: Run = (pattern, microseconds) => figureOf(agent, 'graph', [pattern, WIDTH, STEPS, microseconds]);

const asPromises: Run = async (pattern, microseconds) => {
  const started = performance.now();
  const { all } = build<Promise<number>>({ pattern, width: WIDTH, steps: STEPS }, async (needs) =>
    pool.run({ microseconds, needs: await Promise.all(needs) }),
  );
  await Promise.all(all);
  return performance.now() - started;
};

/** Microseconds of work a task at which the threads do half of what they do with long tasks, between two grains. */
async function metg(run: Run, pattern: Pattern): Promise<number> {
  // Work a millisecond. The better of two: on a shared machine the other is about who else ran.
  const speed = async (grain: number): Promise<number> =>
    grain / Math.min(await run(pattern, grain), await run(pattern, grain));
  const full = await speed(GRAINS[0]!);
  let before = { grain: GRAINS[0]!, efficiency: 1 };
  for (const grain of GRAINS.slice(1)) {
    const efficiency = (await speed(grain)) / full;
    if (efficiency < 0.5) return between(before, { grain, efficiency });
    before = { grain, efficiency };
  }
  return before.grain;
}

function between(above: { grain: number; efficiency: number }, below: { grain: number; efficiency: number }): number {
  const share = Math.max(0, above.efficiency - 0.5) / (above.efficiency - below.efficiency);
  return above.grain * (below.grain / above.grain) ** share;
}

const wanted = process.argv.slice(2);
for (const pattern of PATTERNS.filter((one) => wanted.length === 0 || wanted.includes(one))) {
  await benchmark({
    name: `metg-${pattern.replace('_', '-')}`,
    unit: 'us',
    baselineName: 'promises over piscina.run',
    samples: 7,
    measure: () => metg(asTasks, pattern),
    baseline: () => metg(asPromises, pattern),
    details: () => ({ width: WIDTH, steps: STEPS }),
  });
}
await pool.destroy();
