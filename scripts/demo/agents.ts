import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { AgentClient } from '../../src/cli/client.ts';
import { type ProcessOptions, type RunningProcess, startProcess } from '../process.ts';

const root = join(import.meta.dirname, '../..');
const HOST = '127.0.0.1';
const START_MS = 60_000;

type OnLine = NonNullable<ProcessOptions['onLine']>;

/** How an agent is started: it prints where it listens as JSON, and ends when its standard input is closed. */
export interface AgentCommand {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly onLine?: OnLine;
}

/** What an agent says of itself when it has started. */
export interface AgentAddress {
  readonly name: string;
  readonly pid: number;
  readonly url: string;
  readonly grpcPort: number;
}

export interface StartedAgent extends AsyncDisposable {
  readonly address: AgentAddress;
  readonly exited: RunningProcess['exited'];
}

/** Ends when it answers; rejects with what it said last when it ended instead. */
export async function startAgentCommand({ name, command, args, onLine }: AgentCommand): Promise<StartedAgent> {
  const started = Promise.withResolvers<AgentAddress>();
  const said: string[] = [];
  const process = startProcess(command, args, {
    watch: 'stdin',
    onLine: (line, stream) => {
      if (line.startsWith('{"name"')) started.resolve(JSON.parse(line) as AgentAddress);
      else onLine?.(line, stream);
      if (said.push(line) > 20) said.shift();
    },
  });
  const timer = setTimeout(() => started.reject(new Error(`agent ${name} did not start in time`)), START_MS);
  void process.exited.then(
    ({ code }) => started.reject(new Error(`agent ${name} ended with ${code} at its start: ${said.join('\n')}`)),
    started.reject,
  );
  try {
    const address = await started.promise;
    return { address, exited: process.exited, [Symbol.asyncDispose]: process[Symbol.asyncDispose] };
  } catch (error) {
    await process[Symbol.asyncDispose]();
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

export interface AgentOptions {
  readonly name: string;
  readonly cpus: number;
  readonly appPath: string;
  /** The agent link and the data port come right after it; absent: free ports. */
  readonly restPort?: number;
  /** Default: the launcher of this checkout. */
  readonly program?: readonly [command: string, ...args: string[]];
  readonly onLine?: OnLine;
}

/** An agent as a process of its own on this machine. It does not outlive us. */
export interface AgentProcess extends AsyncDisposable {
  readonly name: string;
  readonly pid: number;
  readonly grpcPort: number;
  readonly client: AgentClient;
  readonly exited: RunningProcess['exited'];
}

export async function startAgentProcess(options: AgentOptions): Promise<AgentProcess> {
  const { name, onLine, program = [join(root, 'bin/metakernel')] } = options;
  const [command, ...before] = program;
  const args = [...before, 'agent', 'start', ...flagsOf(options)];
  const agent = await startAgentCommand({ name, command, args, ...(onLine === undefined ? {} : { onLine }) });
  const { pid, grpcPort, url } = agent.address;
  const client = new AgentClient({ url, token: undefined });
  return { name, pid, grpcPort, client, exited: agent.exited, [Symbol.asyncDispose]: agent[Symbol.asyncDispose] };
}

function flagsOf({ name, cpus, appPath, restPort }: AgentOptions): string[] {
  const ports = restPort === undefined ? [0, 0, 0] : [restPort, restPort + 1, restPort + 2];
  return [
    ...commonFlags(name, cpus),
    `--host=${HOST}`,
    `--app-path=${appPath}`,
    `--rest-port=${ports[0]}`,
    `--grpc-port=${ports[1]}`,
    `--data-port=${ports[2]}`,
  ];
}

export const commonFlags = (name: string, cpus: number): string[] => [
  '--json',
  '--exit-with-parent',
  `--name=${name}`,
  `--cpus=${cpus}`,
  '--log-level=warn',
  // Nobody is left to wait for what still runs when we end.
  '--drain-ms=0',
];

/** Where an agent's link is reached, and how much it offers. */
export interface Peer {
  readonly name: string;
  readonly host: string;
  readonly grpcPort: number;
  readonly cpus: number;
}

export const localPeer = ({ name, grpcPort }: AgentProcess, cpus: number): Peer => ({
  name,
  host: HOST,
  grpcPort,
  cpus,
});

/** `PUT /COMPSs/addResources`, with the adaptor by the name that COMPSs has for it. */
export async function addResources(client: AgentClient, { name, host, grpcPort, cpus }: Peer): Promise<void> {
  const body = {
    name,
    adaptor: 'es.bsc.compss.agent.comm.CommAgentAdaptor',
    description: { processors: [{ name: 'MainProcessor', units: cpus }] },
    resourcesConf: [
      { Name: 'Host', Value: host },
      { Name: 'Port', Value: String(grpcPort) },
    ],
  };
  await client.request('/COMPSs/addResources', { method: 'PUT', body });
}

/** CPU units of each agent when so many share this machine. */
export const cpusEach = (agents: number): number => Math.max(1, Math.floor(availableParallelism() / agents));

/** Warnings of an agent, under its name; what it says of requests is left out. */
export const errorsOf =
  (name: string): OnLine =>
  (line, stream) => {
    if (stream === 'stderr') console.error(`${name}: ${line}`);
  };

/** Waits for all of them, so that none is left starting behind an error. */
export async function allOrFirstError<T>(promises: readonly Promise<T>[]): Promise<T[]> {
  await Promise.allSettled(promises);
  return Promise.all(promises);
}
