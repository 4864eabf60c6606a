/**
 * A chain of tasks that another agent runs, each of which reads what the one before has written: microseconds a link.
 * Baseline: the bare hop there and back, one unary call of grpc-js after another.
 */
import { benchmark } from './support/report.ts';
import { twoAgents } from './support/two-agents.ts';

const LINKS = 1000;
const CALLS = 1000;

await using agents = await twoAgents(1);
await benchmark({
  name: 'chain-agents',
  unit: 'us',
  baselineName: 'grpc-js unary, one after another',
  measure: async () => ((await agents.call('chain', LINKS)) * 1000) / LINKS,
  baseline: async () => 1e6 / (await agents.unary(CALLS, 1)),
  details: () => ({ links: LINKS }),
});
