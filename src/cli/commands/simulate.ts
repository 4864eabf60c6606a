/** What the scheduler would do: the same core under a virtual clock, with modelled nodes, links and faults. */
import type { Cluster, ModelProgram, SimulationReport } from '../../simulator/index.ts';
import type { OptionValues } from '../args.ts';
import { EXIT, usageError } from '../exit.ts';
import { bytes, duration, table } from '../format.ts';
import { type CommandContext, command, noMore } from './command.ts';

const OPTIONS = {
  graph: { kind: 'text', short: 'g', help: 'cholesky, kmeans, stencil, random, independent, chain, tree (random)' },
  tasks: { kind: 'number', short: 't', help: 'About how many tasks (10000)' },
  nodes: { kind: 'number', short: 'n', help: 'Nodes, the agent itself among them (10)' },
  slots: { kind: 'number', help: 'Slots of each node (4)' },
  speeds: { kind: 'list', help: 'Speed of a node, relative to --task-ms; several repeat over the nodes (1)' },
  taskMs: { kind: 'number', help: 'Mean run time of a task in milliseconds (10)' },
  spread: { kind: 'number', help: 'Run times lie between 1 - spread and 1 + spread of the mean (0.5)' },
  bytes: { kind: 'number', help: 'Size of what a task writes (100000)' },
  bandwidth: { kind: 'number', help: 'Bandwidth of a link in MB/s (1000)' },
  latencyMs: { kind: 'number', help: 'Latency of a link, one way, in milliseconds (0.1)' },
  lose: { kind: 'list', help: 'NODE@MS: that node dies at that time and comes back a minute after it was found dead' },
  scheduler: {
    kind: 'list',
    help: 'Placement policy: fifo, fifo-strict, lifo, locality, load-balance, weighted; several are compared (locality)',
  },
  seed: { kind: 'number', help: 'Same seed, same result (1)' },
  batchMs: { kind: 'number', help: 'The agent takes in what has happened every so many milliseconds (0: at once)' },
  check: { kind: 'switch', help: 'Check the invariants of the scheduler after every step: slow' },
} as const;
type Settings = OptionValues<typeof OPTIONS>;

const FOUND_DEAD_MS = 5_000;
const BACK_MS = 60_000;

export const simulate = command({
  usage: '',
  details: 'Runs a modelled program on a modelled cluster under the real scheduler, in virtual time.',
  options: OPTIONS,
  async run(args, context) {
    noMore(args, 0);
    const { options } = args;
    const simulator = await import('../../simulator/index.ts');
    const cluster = clusterOf(options, simulator.uniformCluster);
    const policies = options.scheduler.length === 0 ? ['locality'] : options.scheduler;
    const reports = policies.map((policy) =>
      simulator.simulate({
        program: programOf(options, simulator),
        cluster,
        core: { policy },
        batchMs: atLeast(options.batchMs, 0, 0, 'batch-ms'),
        check: options.check,
        onProgress: (submitted, ended) => show(context, policy, submitted, ended),
      }),
    );
    context.terminal.status(undefined);
    context.terminal.out(context.json ? JSON.stringify(reports) : text(reports));
    return reports.every((report) => report.failed === 0) ? EXIT.ok : EXIT.failed;
  },
});

function programOf(options: Settings, simulator: typeof import('../../simulator/index.ts')): ModelProgram {
  const name = options.graph ?? 'random';
  const { PROGRAMS, isProgramName, Random } = simulator;
  if (!isProgramName(name)) {
    throw usageError(`there is no graph ${name}; choose ${Object.keys(PROGRAMS).join(', ')}`);
  }
  return PROGRAMS[name]({
    tasks: whole(options.tasks, 10_000, 'tasks'),
    ms: atLeast(options.taskMs, 10, 0, 'task-ms'),
    spread: within(options.spread, 0.5, 'spread'),
    bytes: atLeast(options.bytes, 100_000, 0, 'bytes'),
    random: new Random(options.seed ?? 1),
  });
}

function clusterOf(options: Settings, uniform: typeof import('../../simulator/index.ts').uniformCluster): Cluster {
  const speeds = options.speeds.map(Number);
  if (!speeds.every((speed) => speed > 0)) throw usageError('--speeds takes numbers above 0');
  const cluster = uniform({
    nodes: whole(options.nodes, 10, 'nodes'),
    slots: whole(options.slots, 4, 'slots'),
    bandwidth: 1_000 * positive(options.bandwidth, 1_000, 'bandwidth'),
    latencyMs: atLeast(options.latencyMs, 0.1, 0, 'latency-ms'),
    ...(speeds.length === 0 ? {} : { speeds }),
  });
  const faults = options.lose.map((fault) => {
    const [, node, at] = /^(\d+)@(\d+(?:\.\d+)?)$/.exec(fault) ?? [];
    const index = Number(node);
    if (at === undefined || index < 1 || index >= cluster.nodes.length) {
      throw usageError(`--lose ${fault}: NODE@MS, with NODE from 1 to ${cluster.nodes.length - 1}`);
    }
    return { node: index, atMs: Number(at), detectedAfterMs: FOUND_DEAD_MS, backAfterMs: BACK_MS };
  });
  return { ...cluster, faults };
}

function atLeast(value: number | undefined, otherwise: number, least: number, name: string): number {
  const chosen = value ?? otherwise;
  if (!(chosen >= least)) throw usageError(`--${name} is at least ${least}`);
  return chosen;
}

function positive(value: number | undefined, otherwise: number, name: string): number {
  const chosen = value ?? otherwise;
  if (!(chosen > 0)) throw usageError(`--${name} is above 0`);
  return chosen;
}

function whole(value: number | undefined, otherwise: number, name: string): number {
  const chosen = value ?? otherwise;
  if (!Number.isSafeInteger(chosen) || chosen < 1) throw usageError(`--${name} is a whole number from 1`);
  return chosen;
}

function within(value: number | undefined, otherwise: number, name: string): number {
  const chosen = value ?? otherwise;
  if (!(chosen >= 0 && chosen <= 1)) throw usageError(`--${name} lies between 0 and 1`);
  return chosen;
}

function show({ terminal, quiet }: CommandContext, policy: string, submitted: number, ended: number): void {
  if (!quiet) terminal.status(`${policy}: ${ended} of ${submitted} tasks`);
}

function text(reports: readonly SimulationReport[]): string {
  const [first] = reports;
  if (first === undefined) return '';
  const head = `${first.program}: ${first.tasks} tasks on ${first.nodes} nodes with ${first.slots} slots`;
  const bound = `no schedule takes less than ${duration(first.boundMs)} (longest path ${duration(first.criticalPathMs)})`;
  const rows = reports.map((report) => [
    report.policy,
    duration(report.makespanMs),
    (report.makespanMs / report.boundMs).toFixed(2),
    `${(100 * report.utilisation).toFixed(1)} %`,
    bytes(report.bytesMoved),
    report.failed,
    report.rerun + report.recomputed,
    Math.round(report.eventsPerSecond),
    Math.round(report.decisionsPerSecond),
  ]);
  const columns = ['policy', 'makespan', 'x bound', 'used', 'moved', 'failed', 'rerun', 'events/s', 'decisions/s'];
  return [head, bound, '', table(columns, rows)].join('\n');
}
