/** A million no-op tasks of one application end to end on two threads. Baseline: a hundred times ten thousand. */
import { benchAgent, figureOf } from './support/agent.ts';
import { benchmark } from './support/report.ts';

const LARGE = 1_000_000;
const SMALL = 10_000;
const REPEATS = 10;

await using agent = benchAgent('noop.ts');
await benchmark({
  name: 'graph-scale-threads',
  unit: 's',
  baselineName: 'a hundred times 10,000',
  samples: 7,
  measure: async () => (await figureOf(agent, 'flood', [LARGE])) / 1000,
  baseline: async () => {
    let sum = 0;
    for (let i = 0; i < REPEATS; i++) sum += await figureOf(agent, 'flood', [SMALL]);
    return ((sum / REPEATS) * (LARGE / SMALL)) / 1000;
  },
});
