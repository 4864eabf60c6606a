/**
 * k-means with PyCOMPSs tasks on two workers (`examples/python/kmeans.py`): seconds of the loop over 800,000 points of 100
 * dimensions, against the same loop in one process with one BLAS thread over the same fragments. POINTS is read from the
 * environment.
 */
import { join } from 'node:path';
import { LocalAgent } from '../test/support/local-agent.ts';
import { pythonWith } from '../test/support/python.ts';
import { benchmark } from './support/report.ts';

const points = Number(process.env['POINTS'] ?? 800_000);
const DIMENSIONS = 100;
const FRAGMENTS = 8;
const ITERATIONS = 10;

const interpreter = pythonWith('numpy');
if (interpreter === undefined) throw new Error('no python3 with numpy is installed here');
// Workers import the example's module from there.
process.env['PYTHONPATH'] = join(import.meta.dirname, '../examples/python');
await using agent = new LocalAgent({
  cpus: 2,
  codePath: join(import.meta.dirname, 'programs'),
  module: 'python_kmeans',
  language: 'PYTHON',
  interpreter,
});

/** Both loops run over fragments of one call, one after the other. */
let alone = 0;
async function measure(): Promise<number> {
  const [parallel, sequential] = (await agent.call('compare', [points, DIMENSIONS, FRAGMENTS, ITERATIONS])) as [
    number,
    number,
  ];
  alone = sequential;
  return parallel;
}

await benchmark({
  name: 'python-kmeans',
  unit: 's',
  baselineName: 'the same loop in one process, one BLAS thread',
  samples: 7,
  measure,
  baseline: () => alone,
  details: () => ({ points, dimensions: DIMENSIONS, fragments: FRAGMENTS, iterations: ITERATIONS }),
});
