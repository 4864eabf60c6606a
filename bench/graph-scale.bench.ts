/**
 * What a task costs the core when a million others wait, against when ten thousand do: submitted while no node is there,
 * then run. And what a waiting task takes in memory, against bookkeeping in objects and a Map. And a million no-op tasks
 * from end to end of the core on two slots, against the same bookkeeping without placement, data or faults.
 */
import { cpuMsOf, InstantNodes } from './support/instant-nodes.ts';
import { ObjectGraph } from './support/object-graph.ts';
import { benchmark } from './support/report.ts';

const MANY = 1_000_000;
const FEW = 10_000;

/** Nanoseconds for each task; the few are done again and again, so that both samples are as long. */
function cost(tasks: number): number {
  let total = 0;
  for (let done = 0; done < MANY; done += tasks) {
    total += cpuMsOf(() => {
      const nodes = new InstantNodes();
      nodes.submit(tasks);
      nodes.join(1, 2);
      nodes.run();
      nodes.close();
    });
  }
  return (total * 1e6) / MANY;
}

await benchmark({
  name: 'graph-scale-cost',
  unit: 'ns a task',
  baselineName: 'the same at 10,000 tasks',
  samples: 7,
  measure: () => cost(MANY),
  baseline: () => cost(FEW),
  details: () => ({ tasks: MANY, baselineTasks: FEW, target: 'ratio below 2, aim 1.3' }),
});

/** Bytes on the heap and in typed arrays that `make` leaves behind for each task. */
function memory(make: () => object): number {
  gc!();
  const before = used();
  const kept = make();
  gc!();
  const after = used();
  // The graph must outlive the second look.
  if (Object.keys(kept).length < 0) throw new Error('unreachable');
  return (after - before) / MANY;
}

function used(): number {
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

await benchmark({
  name: 'graph-scale-memory',
  unit: 'bytes a queued task',
  baselineName: 'objects and a Map, dependencies alone',
  samples: 7,
  measure: () =>
    memory(() => {
      const nodes = new InstantNodes();
      nodes.submit(MANY);
      return nodes;
    }),
  baseline: () =>
    memory(() => {
      const graph = new ObjectGraph();
      graph.submit(MANY);
      return graph;
    }),
  details: () => ({ tasks: MANY, target: '1000 bytes, aim 250; what the submitter said of the task is in it' }),
});

await benchmark({
  name: 'graph-scale-million',
  unit: 's',
  baselineName: 'objects and a Map, dependencies alone',
  samples: 7,
  measure: () =>
    cpuMsOf(() => {
      const nodes = new InstantNodes();
      nodes.join(1, 2);
      nodes.submit(MANY);
      nodes.run();
      nodes.close();
    }) / 1000,
  baseline: () =>
    cpuMsOf(() => {
      const graph = new ObjectGraph();
      graph.submit(MANY);
      graph.run();
    }) / 1000,
  details: () => ({ tasks: MANY, target: '10 s, aim 3 s; no executor: nodes that finish at once' }),
});
