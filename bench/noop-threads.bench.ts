/**
 * No-op tasks a second on two threads, all submitted by one application. Baseline: `piscina.run` on two threads, with the
 * options and the number in flight that gave most on the machine of performance.md.
 */
import { join } from 'node:path';
import { Piscina } from 'piscina';
import { benchAgent, figureOf } from './support/agent.ts';
import { benchmark } from './support/report.ts';

const TASKS = 100_000;
const IN_FLIGHT = 1000;

await using agent = benchAgent('noop.ts');
const pool = new Piscina<number, void>({
  filename: join(import.meta.dirname, 'programs/nothing.ts'),
  minThreads: 2,
  maxThreads: 2,
  concurrentTasksPerWorker: IN_FLIGHT / 2,
  atomics: 'disabled',
  recordTiming: false,
});

const flood = async (): Promise<number> => (TASKS * 1000) / (await figureOf(agent, 'flood', [TASKS]));

function runEach(): Promise<number> {
  const started = performance.now();
  return new Promise((resolve, reject) => {
    let sent = 0;
    let done = 0;
    const send = (): void => {
      pool.run(sent++).then(() => {
        done += 1;
        if (sent < TASKS) send();
        else if (done === TASKS) resolve((TASKS * 1000) / (performance.now() - started));
      }, reject);
    };
    for (let i = 0; i < IN_FLIGHT; i++) send();
  });
}

await benchmark({
  name: 'noop-threads',
  unit: 'tasks/s',
  baselineName: 'piscina.run, 1000 in flight',
  measure: flood,
  baseline: runEach,
  details: () => ({ tasks: TASKS }),
});
await pool.destroy();
