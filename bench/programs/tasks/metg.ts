/** Task Bench as an application: a graph of tasks that compute for a while. */
import { barrier, type Future, task } from 'metakernel';
import { kernel } from '../../support/kernel.ts';
import { build, isPattern } from '../../support/task-graph.ts';

const point = task({ name: 'point' }, (microseconds: number, _needs: readonly number[]): number =>
  kernel(microseconds),
);

/** Milliseconds for the graph, from the first submission to the end of the last task. */
export async function graph(pattern: string, width: number, steps: number, microseconds: number): Promise<number> {
  if (!isPattern(pattern)) throw new RangeError(`there is no pattern ${pattern}`);
  const started = performance.now();
  build<Future<number>>({ pattern, width, steps }, (needs) => point(microseconds, needs));
  await barrier();
  return performance.now() - started;
}
