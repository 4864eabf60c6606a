/**
 * `make demo`: four agents as processes on this machine, three of them added to the first, and the k-means of the
 * deployment test started on it over REST. Exit code 0 only when every agent ran tasks and the centres are those of a
 * plain run. POINTS, K, ITERATIONS, EPSILON, SEED, PORTS (REST ports), DATA and OUT (folders) are read from the environment.
 */
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { makeDataset } from '../examples/kmeans/dataset.ts';
import { type AgentProcess, addResources, localPeer, startAgentProcess } from './demo/agents.ts';
import { parsePorts, usedPort } from './demo/ports.ts';
import { ProgressBar } from './demo/progress-bar.ts';
import { runReference } from './demo/reference-run.ts';
import { faultsOf, figuresOf, formatResult, resultOf, writeResult, writeViews } from './demo/report.ts';
import { demoSettings } from './demo/settings.ts';
import { runTraining } from './demo/training.ts';
import { interruptible } from './interruptible.ts';

const root = join(import.meta.dirname, '..');
const appPath = join(root, 'examples/kmeans');
const HOST = '127.0.0.1';

async function demo(signal: AbortSignal): Promise<number> {
  const { points, options } = demoSettings(process.env);
  const ports = parsePorts(process.env['PORTS']);
  const out = process.env['OUT'] ?? join(root, 'out');
  const used = await usedPort(ports, HOST);
  if (used !== undefined) {
    console.error(
      `port ${used} is in use: end what listens there, or choose other REST ports, each with the two after it`,
    );
    console.error('free, as in PORTS=47101,47201,47301,47401 make demo');
    return 2;
  }
  const files = await dataset(points, signal);
  await using opened = new AsyncDisposableStack();
  const agents = await startAgents(ports, opened, signal);
  const first = agents[0]!;
  const training = await train(first, files, options, signal);
  const figures = await figuresOf(agents, training);
  const views = await writeViews(out, first.client, training);
  // The first one goes first: it would report the others as lost.
  await first[Symbol.asyncDispose]();
  await opened.disposeAsync();
  console.log('the same in one plain process, to compare with …');
  const reference = await runReference(files, options, signal);
  const result = resultOf(training, reference, figures);
  console.log(`\n${formatResult(result)}`);
  for (const [label, path] of [...views, ['result', writeResult(out, result)] as const]) {
    console.log(`  ${label.padEnd(24)} ${path}`);
  }
  const faults = faultsOf(result, reference.iterations);
  for (const fault of faults) console.error(`not as it should be: ${fault}`);
  return faults.length === 0 ? 0 : 1;
}

async function dataset(points: number, signal: AbortSignal): Promise<string[]> {
  const files = await makeDataset(process.env['DATA'] ?? join(root, 'data'), points, (done, total) => {
    const line = `data set of ${points} points: ${done} of ${total} files`;
    if (process.stdout.isTTY) process.stdout.write(`\r${line}${done === total ? '\n' : ''}`);
    else console.log(line);
  });
  signal.throwIfAborted();
  return files;
}

async function startAgents(
  ports: readonly number[],
  opened: AsyncDisposableStack,
  signal: AbortSignal,
): Promise<readonly AgentProcess[]> {
  const cpus = Math.max(1, Math.floor(availableParallelism() / ports.length));
  const starts = ports.map(async (restPort, i) => {
    const name = `agent${i + 1}`;
    const onLine = (line: string, stream: string): void => {
      if (stream === 'stderr') console.error(`${name}: ${line}`);
    };
    return opened.use(await startAgentProcess({ name, cpus, appPath, restPort, onLine }));
  });
  const agents = await allOrFirstError(starts);
  signal.throwIfAborted();
  const [first, ...others] = agents;
  for (const other of others) await addResources(first!.client, localPeer(other, cpus));
  for (const { name, pid, client } of agents) console.log(`${name}: pid ${pid}, ${client.connection.url}`);
  return agents;
}

/** Waits for all of them, so that none is left starting behind an error. */
async function allOrFirstError<T>(promises: readonly Promise<T>[]): Promise<T[]> {
  await Promise.allSettled(promises);
  return Promise.all(promises);
}

async function train(
  { client }: AgentProcess,
  files: readonly string[],
  options: Parameters<typeof runReference>[1],
  signal: AbortSignal,
): ReturnType<typeof runTraining> {
  using watcher = new ProgressBar(options.iterations);
  // Every agent of this machine finds the files where they are.
  const names = files.map((file) => `@${file}`).join(',');
  return await runTraining({ client, files: names, options, watcher, signal });
}

process.exitCode = await interruptible(demo);
