/**
 * No-op tasks a second that an application on one agent offloads to another one in a second process: both schedulers, the
 * link and two threads there. Baseline: unary calls of grpc-js on one connection, as many in flight as is best for it.
 */
import { benchmark } from './support/report.ts';
import { twoAgents } from './support/two-agents.ts';

const TASKS = 50_000;
const CALLS = 10_000;
const IN_FLIGHT = 64;

await using agents = await twoAgents(2);
await benchmark({
  name: 'noop-agents',
  unit: 'tasks/s',
  baselineName: `grpc-js unary, ${IN_FLIGHT} in flight`,
  measure: async () => (TASKS * 1000) / (await agents.call('flood', TASKS)),
  baseline: () => agents.unary(CALLS, IN_FLIGHT),
  details: () => ({ tasks: TASKS, calls: CALLS }),
});
