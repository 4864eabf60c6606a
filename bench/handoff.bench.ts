/**
 * A value from one task to the next on one node, along a chain of tasks on two threads. Baseline: `structuredClone` of it,
 * which is what a value costs that is posted to a thread.
 */
import { benchAgent, figureOf } from './support/agent.ts';
import { benchmark } from './support/report.ts';

const LINKS = 256;
const MB = 1_000_000;
const SIZES = [
  { name: 'handoff-8mb', bytes: 8 * MB, clones: 8 },
  { name: 'handoff-800mb', bytes: 800 * MB, clones: 1 },
];

await using agent = benchAgent('handoff.ts', { storeBytes: 2 ** 31 });

for (const { name, bytes, clones } of SIZES) {
  const value = new Float64Array(bytes / Float64Array.BYTES_PER_ELEMENT).fill(1);
  await benchmark({
    name,
    unit: 'ms',
    baselineName: 'structuredClone',
    samples: 7,
    measure: () => figureOf(agent, 'relay', [bytes, LINKS]),
    baseline: () => {
      const started = performance.now();
      for (let i = 0; i < clones; i++) structuredClone(value);
      return (performance.now() - started) / clones;
    },
    details: () => ({ bytes, links: LINKS }),
  });
}
