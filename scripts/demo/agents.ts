import { join } from 'node:path';
import { AgentClient } from '../../src/cli/client.ts';
import { type ProcessOptions, type RunningProcess, startProcess } from '../process.ts';

const root = join(import.meta.dirname, '../..');
const HOST = '127.0.0.1';
const START_MS = 60_000;

export interface AgentOptions {
  readonly name: string;
  readonly cpus: number;
  readonly appPath: string;
  /** The agent link and the data port come right after it; absent: free ports. */
  readonly restPort?: number;
  /** Default: the launcher of this checkout. */
  readonly program?: readonly [command: string, ...args: string[]];
  readonly onLine?: ProcessOptions['onLine'];
}

/** An agent as a process of its own. It does not outlive us. */
export interface AgentProcess extends AsyncDisposable {
  readonly name: string;
  /** Of the agent itself. */
  readonly pid: number;
  readonly grpcPort: number;
  readonly client: AgentClient;
  readonly exited: RunningProcess['exited'];
}

interface Started {
  readonly pid: number;
  readonly url: string;
  readonly grpcPort: number;
}

/** Ends when it answers; rejects with what it said last when it ended instead. */
export async function startAgentProcess(options: AgentOptions): Promise<AgentProcess> {
  const { name, onLine } = options;
  const started = Promise.withResolvers<Started>();
  const said: string[] = [];
  const [command, ...before] = options.program ?? [join(root, 'bin/metakernel')];
  const process = startProcess(command, [...before, 'agent', 'start', '--json', ...flagsOf(options)], {
    watch: 'stdin',
    onLine: (line, stream) => {
      if (line.startsWith('{"name"')) started.resolve(JSON.parse(line) as Started);
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
    const { pid, url, grpcPort } = await started.promise;
    const client = new AgentClient({ url, token: undefined });
    return { name, pid, grpcPort, client, exited: process.exited, [Symbol.asyncDispose]: process[Symbol.asyncDispose] };
  } catch (error) {
    await process[Symbol.asyncDispose]();
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

function flagsOf({ name, cpus, appPath, restPort }: AgentOptions): string[] {
  const ports = restPort === undefined ? [0, 0, 0] : [restPort, restPort + 1, restPort + 2];
  return [
    `--name=${name}`,
    `--host=${HOST}`,
    `--cpus=${cpus}`,
    `--app-path=${appPath}`,
    `--rest-port=${ports[0]}`,
    `--grpc-port=${ports[1]}`,
    `--data-port=${ports[2]}`,
    '--log-level=warn',
    // Nobody is left to wait for what still runs when we end.
    '--drain-ms=0',
    '--exit-with-parent',
  ];
}

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
