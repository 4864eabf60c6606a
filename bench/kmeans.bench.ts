/**
 * The seed's k-means (performance.md 3, `kmeans`): iterations per second of the loop over agents as processes, against
 * numpy's partial sums and scikit-learn's Lloyd on as many cores, and two slots against one. POINTS and ITERATIONS are read
 * from the environment; PYTHON names an interpreter with numpy and scikit-learn, without which only the slots are measured.
 */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { DEFAULT_POINTS, makeDataset } from '../examples/kmeans/dataset.ts';
import { type AgentProcess, addResources, localPeer, startAgentProcess } from '../scripts/demo/agents.ts';
import { runTraining } from '../scripts/demo/training.ts';
import { benchmark } from './support/report.ts';

const root = join(import.meta.dirname, '..');
const points = Number(process.env['POINTS'] ?? DEFAULT_POINTS);
const iterations = Number(process.env['ITERATIONS'] ?? 10);
const python = process.env['PYTHON'] ?? '/usr/bin/python3';
const program = join(import.meta.dirname, 'programs/numpy_kmeans.py');
const appPath = join(root, 'examples/kmeans');
const UNIT = 'iterations/s';
const SAMPLES = 7;

const files = await makeDataset(join(root, 'data'), points);
const details = { points, iterations, files: files.length };

/** The first iteration starts threads and compiles; it is not counted on either side. */
async function trained({ client }: AgentProcess, k: number): Promise<number> {
  const at: number[] = [];
  await runTraining({
    client,
    files: files.map((file) => `@${file}`).join(','),
    options: { k, iterations, epsilon: -1, seed: 1, standardise: false },
    watcher: { iteration: () => at.push(performance.now()), tasks: () => undefined },
    signal: new AbortController().signal,
  });
  return (1000 * (at.length - 1)) / (at.at(-1)! - at[0]!);
}

function plain(engine: 'partial-sums' | 'lloyd', k: number): number {
  const given = JSON.stringify({ engine, k, iterations, workers: 2, files });
  const { status, stdout, stderr } = spawnSync(python, [program, given], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${python} ended with ${status}: ${stderr}`);
  return Number(stdout);
}

const has = (module: string): boolean => spawnSync(python, ['-c', `import ${module}`]).status === 0;

async function compare(name: string, agent: AgentProcess, k: number): Promise<void> {
  if (!has('numpy')) return console.log(`${name}: ${python} has no numpy`);
  const common = { unit: UNIT, samples: SAMPLES, measure: () => trained(agent, k), details: () => ({ ...details, k }) };
  await benchmark({
    ...common,
    name: `${name}-k${k}`,
    baselineName: "numpy partial sums (dislib's body), 2 processes",
    baseline: () => plain('partial-sums', k),
  });
  if (!has('sklearn')) return console.log(`${name}: ${python} has no scikit-learn`);
  await benchmark({
    ...common,
    name: `${name}-k${k}-lloyd`,
    baselineName: 'scikit-learn Lloyd, 2 threads',
    baseline: () => plain('lloyd', k),
  });
}

const start = (name: string, cpus: number): Promise<AgentProcess> =>
  startAgentProcess({ name, cpus, appPath, onLine: (line, stream) => stream === 'stderr' && console.error(line) });

async function onTwoSlots(): Promise<void> {
  await using two = await start('two', 2);
  await compare('kmeans', two, 8);
  await compare('kmeans', two, 64);
  await using one = await start('one', 1);
  await benchmark({
    name: 'kmeans-slots',
    unit: UNIT,
    samples: SAMPLES,
    baselineName: 'the same on one slot',
    measure: () => trained(two, 8),
    baseline: () => trained(one, 8),
    details: () => ({ ...details, k: 8 }),
  });
}

async function onFourAgents(): Promise<void> {
  await using opened = new AsyncDisposableStack();
  const first = opened.use(await start('agent1', 1));
  for (const name of ['agent2', 'agent3', 'agent4']) {
    await addResources(first.client, localPeer(opened.use(await start(name, 1)), 1));
  }
  await compare('kmeans-agents', first, 8);
}

await onTwoSlots();
await onFourAgents();
