/**
 * `make demo-python`: four agents as processes on this machine, three of them added to the first, and the k-means training
 * of `examples/python/train.py` started on it. Exit code 0 only when every agent ran tasks and the centres are those of a
 * plain Python run. POINTS, DIMENSIONS and PYTHON (an interpreter with numpy) are read from the environment.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type RunningProcess, startProcess } from './process.ts';

const AGENTS = 4;
const HOST = '127.0.0.1';
const root = join(import.meta.dirname, '..');
const examples = join(root, 'examples/python');
const bindings = join(root, 'bindings/python');
const command = join(root, 'bin/metakernel');

interface Agent {
  readonly name: string;
  readonly url: string;
  readonly grpcPort: number;
  readonly process: RunningProcess;
}

/** The first interpreter that has numpy. */
function findPython(): string {
  for (const python of [process.env['PYTHON'], 'python3', '/usr/bin/python3']) {
    if (python === undefined) continue;
    try {
      execFileSync(python, ['-c', 'import numpy'], { stdio: 'ignore' });
      return python;
    } catch {
      // the next one may have it
    }
  }
  throw new Error('no Python with numpy was found: name one in PYTHON, or install python3-numpy');
}

/** Writes the data set once; it is kept for the next run. */
function dataset(python: string): readonly string[] {
  const points = process.env['POINTS'] ?? '100000';
  const dimensions = process.env['DIMENSIONS'] ?? '100';
  const data = resolve(root, 'data');
  mkdirSync(data, { recursive: true });
  const folder = join(data, `dataset_${points}_${dimensions}`);
  if (!existsSync(join(folder, '3_2.npy'))) {
    const args = [join(examples, 'make_dataset.py'), data, '--points', points, '--dimensions', dimensions];
    execFileSync(python, args, { stdio: ['ignore', 'ignore', 'inherit'] });
  }
  const names = readdirSync(folder).filter((name) => name.endsWith('.npy'));
  return names.sort().map((name) => join(folder, name));
}

async function startAgent(name: string, python: string): Promise<Agent> {
  const address = Promise.withResolvers<Omit<Agent, 'process'>>();
  const ports = ['--rest-port=0', '--grpc-port=0', '--data-port=0'];
  const flags = [`--name=${name}`, '--cpus=1', `--app-path=${examples}`, `--python=${python}`, '--drain-ms=0'];
  const common = ['agent', 'start', '--json', '--exit-with-parent', '--log-level=warn'];
  const child = startProcess(command, [...common, ...ports, ...flags], {
    watch: 'stdin',
    onLine: (line, stream) => {
      if (line.startsWith('{"name"')) address.resolve(JSON.parse(line) as Omit<Agent, 'process'>);
      else if (stream === 'stderr') console.error(`${name}: ${line}`);
    },
  });
  void child.exited.then(({ code }) => address.reject(new Error(`agent ${name} ended with ${code} at its start`)));
  return { ...(await address.promise), process: child };
}

async function put(agent: Agent, path: string, body: object): Promise<void> {
  const headers = { 'content-type': 'application/json' };
  const answer = await fetch(agent.url + path, { method: 'PUT', headers, body: JSON.stringify(body) });
  if (!answer.ok) throw new Error(`${agent.name} answered ${path} with ${answer.status}: ${await answer.text()}`);
}

const addTo = (first: Agent, other: Agent): Promise<void> =>
  put(first, '/COMPSs/addResources', {
    name: other.name,
    adaptor: 'es.bsc.compss.agent.comm.CommAgentAdaptor',
    description: { processors: [{ name: 'MainProcessor', units: 1 }] },
    resourcesConf: [
      { Name: 'Host', Value: HOST },
      { Name: 'Port', Value: String(other.grpcPort) },
    ],
  });

async function run(program: string, args: readonly string[], env: NodeJS.ProcessEnv = process.env): Promise<string[]> {
  const lines: string[] = [];
  await using child = startProcess(program, args, {
    cwd: examples,
    env,
    watch: 'guard',
    onLine: (line, stream) => {
      if (stream === 'stdout') lines.push(line);
      else console.error(line);
    },
  });
  const { code } = await child.exited;
  if (code !== 0) throw new Error(`${program} ended with ${code}: ${lines.join('\n')}`);
  return lines;
}

async function tasksByNode(agent: Agent): Promise<Readonly<Record<string, number>>> {
  const answer = await fetch(`${agent.url}/COMPSs/applications`);
  const { applications } = (await answer.json()) as { applications: { completedByNode: Record<string, number> }[] };
  return applications[0]?.completedByNode ?? {};
}

/** The lines that say what was found, not how long it took. */
const found = (lines: readonly string[]): string | undefined => lines.find((line) => line.startsWith('checksum'));

async function demo(): Promise<number> {
  const python = findPython();
  const files = dataset(python);
  const names = files.map((file) => `@${file}`).join(',');
  await using opened = new AsyncDisposableStack();
  const agents: Agent[] = [];
  for (let index = AGENTS; index > 0; index--) {
    // The last to start is the first to stop: it would report the others as lost.
    agents.unshift(await startAgent(`agent${index}`, python));
    opened.use(agents[0]!.process);
  }
  const [first, ...others] = agents;
  for (const other of others) await addTo(first!, other);
  console.log(`${files.length} fragments, ${AGENTS} agents of one unit`);
  const call = ['call', '--agent', first!.url, '--lang', 'PYTHON', '--text', '--output', '--quiet', 'train', 'train'];
  const distributed = await run(command, [...call, names]);
  const counts = await tasksByNode(first!);
  await opened.disposeAsync();
  const plain = await run(python, ['train.py', names], { ...process.env, PYTHONPATH: bindings, OMP_NUM_THREADS: '1' });
  return report(counts, distributed, plain);
}

function report(
  counts: Readonly<Record<string, number>>,
  distributed: readonly string[],
  plain: readonly string[],
): number {
  for (const line of distributed.filter((one) => /^(trained|checksum)/.test(one))) console.log(`agents: ${line}`);
  for (const line of plain.filter((one) => /^(trained|checksum)/.test(one))) console.log(`plain:  ${line}`);
  const names = Array.from({ length: AGENTS }, (_, index) => `agent${index + 1}`);
  for (const name of names) console.log(`${name}: ${counts[name] ?? 0} tasks`);
  const everywhere = names.every((name) => (counts[name] ?? 0) > 0);
  const same = found(plain) !== undefined && found(plain) === found(distributed);
  console.log(everywhere ? 'every agent ran tasks' : 'NOT every agent ran tasks');
  console.log(same ? 'the centres are those of the plain run' : 'the centres are NOT those of the plain run');
  return everywhere && same ? 0 : 1;
}

process.exitCode = await demo();
