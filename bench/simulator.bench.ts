/**
 * Events a second of processor time: the core under the virtual clock, 1,000 nodes of four slots, a million tasks of a
 * random graph with their data. Baseline: the plainest list scheduler on the same timeline, which knows no nodes, no data
 * and no faults; its events are the same three a task.
 */
import { PROGRAMS, Random, type SimulationReport, simulate, uniformCluster } from '../src/simulator/index.ts';
import { listSchedule } from './support/list-scheduler.ts';
import { benchmark } from './support/report.ts';

const TASKS = 1_000_000;
const NODES = 1000;
const SLOTS = 4;
/** Tasks that are submitted and have not ended. */
const WINDOW = 20_000;

const program = () => PROGRAMS.random({ tasks: TASKS, ms: 10, spread: 0.5, bytes: 100_000, random: new Random(1) });
const cluster = uniformCluster({ nodes: NODES, slots: SLOTS, bandwidth: 1e6, latencyMs: 0.1 });
let last: SimulationReport | undefined;

await benchmark({
  name: 'simulator',
  unit: 'events/s',
  baselineName: 'a list scheduler on the same timeline',
  samples: 7,
  measure: () => {
    last = simulate({ program: program(), cluster, batchMs: 1, window: WINDOW });
    return last.eventsPerSecond;
  },
  baseline: () => listSchedule(program(), NODES * SLOTS),
  details: () => ({
    tasks: TASKS,
    nodes: NODES,
    target: '300,000 events/s, aim 1,000,000',
    events: last!.events,
    makespanMs: last!.makespanMs,
    boundMs: last!.boundMs,
    utilisation: last!.utilisation,
    gigabytesMoved: last!.bytesMoved / 1e9,
    decisionsPerSecond: last!.decisionsPerSecond,
  }),
});
