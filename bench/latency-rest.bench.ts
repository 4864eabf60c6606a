/**
 * A function that does nothing, from `PUT /COMPSs/startApplication` to the event of its end, one at a time, p50; the agent
 * is a process of its own. Baseline: a bare PUT of the same body from undici to fastify in another process.
 */
import { join } from 'node:path';
import { Agent, request } from 'undici';
import { startAgentProcess } from '../scripts/demo/agents.ts';
import { EventFeed } from './support/event-feed.ts';
import { startProgram } from './support/program.ts';
import { benchmark, median } from './support/report.ts';

const TIMES = 1000;
const US = 1000;
const body = JSON.stringify({ lang: 'JS', className: 'noop.ts', methodName: 'nothing' });

await using agent = await startAgentProcess({
  name: 'latency-rest',
  cpus: 1,
  appPath: join(import.meta.dirname, 'programs/tasks'),
  onLine: (line, stream) => stream === 'stderr' && console.error(line),
});
await using bare = await startProgram('bare-rest.ts', []);
const dispatcher = new Agent({ connections: 1 });
const { url } = agent.client.connection;
await using ends = await EventFeed.open(`${url}/COMPSs/events`);

/** What the agent answered: the id of the application. */
async function put(to: string): Promise<string> {
  const { statusCode, body: answer } = await request(`${to}/COMPSs/startApplication`, {
    method: 'PUT',
    dispatcher,
    headers: { 'content-type': 'application/json' },
    body,
  });
  const text = await answer.text();
  if (statusCode !== 200) throw new Error(`${to}: ${statusCode} ${text}`);
  return text;
}

async function medianOf(once: () => Promise<unknown>): Promise<number> {
  const took: number[] = [];
  for (let index = 0; index < TIMES; index++) {
    const started = performance.now();
    await once();
    took.push(performance.now() - started);
  }
  return US * median(took);
}

try {
  await benchmark({
    name: 'latency-rest',
    unit: 'us',
    baselineName: 'PUT from undici to fastify',
    measure: () => medianOf(async () => ends.endOf(await put(url))),
    baseline: () => medianOf(() => put(bare.url)),
    details: () => ({ 'calls a sample': TIMES }),
  });
} finally {
  await dispatcher.close();
}
