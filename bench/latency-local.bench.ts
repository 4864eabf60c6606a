/**
 * One local task at a time, from submission to value, p50: by a program in the agent's own process (`latency-local`), and
 * by an application, which runs on a thread and gives its units back meanwhile (`latency-local-nested`). Baseline: one
 * small message to a thread and back.
 */
import { join } from 'node:path';
import { EmbeddedProgram } from '../src/runtime/program/embedded-program.ts';
import { benchAgent, figureOf } from './support/agent.ts';
import { PingPong } from './support/ping-pong.ts';
import { benchmark } from './support/report.ts';

const TIMES = 2000;
const US = 1000;

await using agent = benchAgent('noop.ts');
await using bare = new PingPong();
const scope = agent.dispatcher.openScope({
  name: 'latency-local',
  settled: () => undefined,
  notice: ({ message }) => console.error(message),
  ended: () => undefined,
});
const common = {
  unit: 'us',
  baselineName: 'postMessage there and back',
  baseline: async () => US * (await bare.measure(TIMES)),
  details: () => ({ 'tasks a sample': TIMES }),
};

await benchmark({
  ...common,
  name: 'latency-local-nested',
  measure: async () => US * (await figureOf(agent, 'pingPong', [TIMES])),
});
{
  await using _program = new EmbeddedProgram(scope, agent.store, [join(import.meta.dirname, 'programs/tasks')]);
  const { pingPong } = await import('./programs/tasks/noop.ts');
  await benchmark({ ...common, name: 'latency-local', measure: async () => US * (await pingPong(TIMES)) });
}
scope.close();
