import { EventEmitter, on } from 'node:events';
import { createWriteStream, mkdirSync, type WriteStream } from 'node:fs';
import { join } from 'node:path';
import { type RunningProcess, startProcess } from '../../scripts/process.ts';
import { AgentClient } from '../../src/cli/client.ts';
import { CliError } from '../../src/cli/exit.ts';
import { healthBody, resourcesReply } from '../../src/contracts/agent/views.ts';
import { mountTmpfs, pause } from './commands.ts';
import { controlAddress, dataAddress, namespaceOf } from './network.ts';

const launcher = join(import.meta.dirname, '../../bin/metakernel');
const PORT = 46_101;
const DISK_BYTES = 96 * 2 ** 20;
const ANSWER_MS = 5_000;
const START_MS = 120_000;

export interface NodeFolders {
  readonly appPath: readonly string[];
  readonly scratch: string;
  readonly logs: string;
}

/** An agent in a network namespace of its own, which may be killed and started again. Node 1 is the one programs run on. */
export class ChaosNode {
  readonly n: number;
  readonly name: string;
  readonly client: AgentClient;
  /** A small file system for everything the agent writes. */
  readonly disk: string;
  readonly #folders: NodeFolders;
  readonly #log: WriteStream;
  readonly #lines = new EventEmitter<{ line: [string] }>();
  #process: RunningProcess | undefined;
  readonly diskBytes = DISK_BYTES;
  readonly restPort = PORT;
  /** How often it was started. */
  starts = 0;

  constructor(n: number, folders: NodeFolders) {
    this.n = n;
    this.name = `node${n}`;
    this.#folders = folders;
    this.client = new AgentClient({ url: `http://${controlAddress(n)}:${PORT}`, token: undefined });
    this.disk = join(folders.scratch, this.name);
    mkdirSync(this.disk);
    mountTmpfs(this.disk, DISK_BYTES / 2 ** 20);
    this.#log = createWriteStream(join(folders.logs, `${this.name}.log`));
  }

  get pid(): number | undefined {
    return this.#process?.exit() === undefined ? this.#process?.pid : undefined;
  }

  /** Ends when it answers. It may refuse to start while its disk is full. */
  async start(): Promise<void> {
    const end = performance.now() + START_MS;
    while (!(await this.#startOnce(end))) {
      if (performance.now() > end) throw new Error(`${this.name} did not start: see its log`);
      await pause(500);
    }
  }

  async #startOnce(end: number): Promise<boolean> {
    this.starts += 1;
    this.#log.write(`== start ${this.starts} at ${new Date().toISOString()}\n`);
    const args = [`--net=/run/netns/${namespaceOf(this.n)}`, launcher, 'agent', 'start', ...this.#flags()];
    const child = startProcess('nsenter', args, {
      watch: 'stdin',
      env: { ...process.env, TMPDIR: this.disk },
      onLine: (line) => {
        this.#log.write(`${line}\n`);
        this.#lines.emit('line', line);
      },
    });
    this.#process = child;
    while (child.exit() === undefined && performance.now() < end) {
      if (await this.#answers()) return true;
      await pause(100);
    }
    return false;
  }

  #flags(): string[] {
    return [
      '--json',
      '--exit-with-parent',
      `--name=${this.name}`,
      '--cpus=2',
      '--host=0.0.0.0',
      `--advertise-host=${dataAddress(this.n)}`,
      '--allowed-host=*',
      '--insecure',
      `--rest-port=${PORT}`,
      `--grpc-port=${PORT + 1}`,
      `--data-port=${PORT + 2}`,
      `--app-path=${this.#folders.appPath.join(',')}`,
      `--data-path=${this.#folders.scratch}`,
      '--store-limit-bytes=32m',
      '--log-level=info',
      '--drain-ms=2000',
      ...(this.n === 1 ? [`--state-dir=${join(this.disk, 'state')}`] : []),
    ];
  }

  async #answers(): Promise<boolean> {
    try {
      await this.client.json('/healthz', healthBody, { signal: AbortSignal.timeout(ANSWER_MS) });
      return true;
    } catch {
      return false;
    }
  }

  /** The next time that it logs this of another node. */
  async saw(message: string, node: string): Promise<void> {
    for await (const [line] of on(this.#lines, 'line') as AsyncIterable<[string]>) {
      if (line.includes(`"node":"${node}"`) && line.includes(`"msg":"${message}"`)) return;
    }
  }

  signal(signal: NodeJS.Signals): void {
    this.#process?.kill(signal);
  }

  /** SIGKILL; ends when it is gone. */
  async kill(): Promise<void> {
    this.signal('SIGKILL');
    await this.#process?.exited;
  }

  async stop(): Promise<void> {
    await this.#process?.stop();
  }
}

/** Adds what node 1 does not know, and goes on with that: it forgets its nodes when it is killed. */
export async function keepPool(nodes: readonly ChaosNode[], signal: AbortSignal): Promise<void> {
  const [first, ...helpers] = nodes;
  while (!signal.aborted) {
    const known = await poolOf(first!);
    if (known !== undefined) {
      const missing = helpers.filter(({ name }) => !known.has(name));
      await Promise.all(missing.map((node) => addNode(first!, node)));
    }
    await pause(500);
  }
}

export async function poolComplete(nodes: readonly ChaosNode[]): Promise<void> {
  for (;;) {
    const pool = await poolOf(nodes[0]!);
    if (nodes.every(({ name }) => pool?.has(name) === true && pool.get(name) !== 'connecting')) return;
    await pause(200);
  }
}

/** Names of the nodes that it knows, with their state. */
export async function poolOf({ client }: ChaosNode): Promise<Map<string, string | undefined> | undefined> {
  try {
    const signal = AbortSignal.timeout(ANSWER_MS);
    const { resources } = await client.json('/COMPSs/resources', resourcesReply, { signal });
    return new Map(resources.map(({ name, state }) => [name, state]));
  } catch {
    return undefined;
  }
}

async function addNode({ client }: ChaosNode, node: ChaosNode): Promise<void> {
  const body = {
    name: node.name,
    adaptor: 'grpc-agent',
    description: { processors: [{ name: 'MainProcessor', units: 2 }] },
    resourcesConf: [
      { Name: 'Host', Value: dataAddress(node.n) },
      { Name: 'Port', Value: String(PORT + 1) },
    ],
  };
  try {
    await client.request('/COMPSs/addResources', { method: 'PUT', body, signal: AbortSignal.timeout(ANSWER_MS) });
  } catch (error) {
    // It may be down, or cut off: tried again.
    if (!(error instanceof CliError) && (error as Error).name !== 'TimeoutError') throw error;
  }
}

const SAMPLE = /^metakernel_tasks_(?:ended|repeated)_total\{.*"(completed|rerun|recomputed)".*\} (\S+)$/;

export interface TaskFigures {
  completed: number;
  rerun: number;
  recomputed: number;
}

/** Read from what a scraper gets. */
export async function figuresOf({ client }: ChaosNode): Promise<TaskFigures | undefined> {
  try {
    const text = await client.text('/metrics', { accept: 'text/plain', signal: AbortSignal.timeout(ANSWER_MS) });
    const figures = { completed: 0, rerun: 0, recomputed: 0 };
    for (const line of text.split('\n')) {
      const [, key, value] = SAMPLE.exec(line) ?? [];
      if (key !== undefined) figures[key as keyof TaskFigures] = Number(value);
    }
    return figures;
  } catch {
    return undefined;
  }
}
