/**
 * `make demo`: four agents as processes on this machine, three of them added to the first, and the k-means of the
 * deployment test started on it over REST. Exit code 0 only when every agent ran tasks and the centres are those of a
 * plain run. POINTS, K, ITERATIONS, EPSILON, SEED, PORTS (REST ports), DATA and OUT (folders) are read from the environment.
 */
import { join } from 'node:path';
import {
  type AgentProcess,
  addResources,
  allOrFirstError,
  cpusEach,
  errorsOf,
  localPeer,
  startAgentProcess,
} from './demo/agents.ts';
import { parsePorts, usedPort } from './demo/ports.ts';
import { demoDataset, demoSettings, outFolder } from './demo/settings.ts';
import { trainAndReport } from './demo/train-and-report.ts';
import { interruptible } from './interruptible.ts';

const root = join(import.meta.dirname, '..');
const appPath = join(root, 'examples/kmeans');
const HOST = '127.0.0.1';

async function demo(signal: AbortSignal): Promise<number> {
  const { points, options } = demoSettings(process.env);
  const ports = parsePorts(process.env['PORTS']);
  const used = await usedPort(ports, HOST);
  if (used !== undefined) {
    console.error(
      `port ${used} is in use: end what listens there, or choose other REST ports, each with the two after it`,
    );
    console.error('free, as in PORTS=47101,47201,47301,47401 make demo');
    return 2;
  }
  const files = await demoDataset(process.env, points, signal);
  await using opened = new AsyncDisposableStack();
  const agents = await startAgents(ports, opened, signal);
  return await trainAndReport({
    agents,
    // Every agent of this machine finds the files where they are.
    names: files.map((file) => `@${file}`).join(','),
    files,
    options,
    out: outFolder(process.env),
    stopAgents: async () => {
      // The first one goes first: it would report the others as lost.
      await agents[0]![Symbol.asyncDispose]();
      await opened.disposeAsync();
    },
    signal,
  });
}

async function startAgents(
  ports: readonly number[],
  opened: AsyncDisposableStack,
  signal: AbortSignal,
): Promise<readonly AgentProcess[]> {
  const cpus = cpusEach(ports.length);
  const starts = ports.map(async (restPort, i) => {
    const name = `agent${i + 1}`;
    return opened.use(await startAgentProcess({ name, cpus, appPath, restPort, onLine: errorsOf(name) }));
  });
  const agents = await allOrFirstError(starts);
  signal.throwIfAborted();
  const [first, ...others] = agents;
  for (const other of others) await addResources(first!.client, localPeer(other, cpus));
  return agents;
}

process.exitCode = await interruptible(demo);
