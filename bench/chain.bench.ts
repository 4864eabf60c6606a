/** A chain of dependent tasks on two threads, time a link. Baseline: the bare hop to a thread and back. */
import { benchAgent, figureOf } from './support/agent.ts';
import { PingPong } from './support/ping-pong.ts';
import { benchmark } from './support/report.ts';

const LINKS = 3000;
const US = 1000;

await using agent = benchAgent('noop.ts');
await using bare = new PingPong();
await benchmark({
  name: 'chain-threads',
  unit: 'us',
  baselineName: 'postMessage there and back',
  measure: async () => US * (await figureOf(agent, 'chain', [LINKS])),
  baseline: async () => US * (await bare.measure(LINKS)),
  details: () => ({ links: LINKS }),
});
