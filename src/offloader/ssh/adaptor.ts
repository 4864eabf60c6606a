import { RuntimeError } from '../../common/errors.ts';
import type { Logger } from '../../common/logger.ts';
import type { Welcome } from '../../contracts/gen/agent_pb.ts';
import type { ResourceDescription } from '../../runtime/model/resource.ts';
import type { Adaptor, NodeContext, NodeHandle, NodeWatcher } from '../../runtime/ports.ts';
import { GrpcAgentAdaptor, type GrpcAgentOptions } from '../grpc-agent/adaptor.ts';
import type { LinkTunnel } from '../grpc-agent/link-client.ts';
import { Bundles } from './bundle.ts';
import { SshConnection } from './connection.ts';
import { prepareHost } from './remote-host.ts';
import { RemoteWorker } from './remote-worker.ts';
import { parseSshSpec, type SshSpec, textOf } from './spec.ts';
import { Tunnel } from './tunnel.ts';

export interface SshOptions {
  /** Folder with the bundle that hosts get; default: that of this program. */
  readonly bundle?: string;
  /** Folders with the code of tasks. */
  readonly codePaths: readonly string[];
}

export interface SshAdaptorOptions extends SshOptions {
  readonly link: Omit<GrpcAgentOptions, 'security'>;
  readonly logger: Logger;
}

const LOOPBACK = '127.0.0.1';

/**
 * Hosts with nothing but sshd and Node.js: the worker and the code of tasks are copied there, the worker is started and
 * ends with the connection. Its ports are those of its loopback address; the link of agents leads through the connection.
 */
export class SshAdaptor implements Adaptor<SshSpec> {
  readonly scheme = 'ssh';
  readonly aliases = ['es.bsc.compss.gat.master.GATAdaptor', 'es.bsc.compss.gos.master.GOSAdaptor'];
  readonly #options: SshAdaptorOptions;
  readonly #bundles: Bundles;

  constructor(options: SshAdaptorOptions) {
    this.#options = options;
    const { bundle, codePaths } = options;
    this.#bundles = new Bundles({ codePaths, ...(bundle === undefined ? {} : { folder: bundle }) });
  }

  parseSpec(name: string, properties: Readonly<Record<string, string>>): SshSpec {
    return parseSshSpec(name, properties);
  }

  async connect(
    spec: SshSpec,
    description: ResourceDescription,
    context: NodeContext,
    watcher: NodeWatcher,
    signal: AbortSignal,
  ): Promise<NodeHandle> {
    await using opened = new AsyncDisposableStack();
    const connection = opened.use(await SshConnection.open(spec, signal));
    const host = await prepareHost(connection, spec, this.#bundles);
    const worker = opened.use(await RemoteWorker.start(connection, spec, host));
    const tunnel = opened.use(new Tunnel(connection));
    const { ports, dataPort } = await openPorts(tunnel, worker, spec, context);
    const link = new GrpcAgentAdaptor({ ...this.#options.link, security: { token: worker.token } });
    const resources = opened.move();
    const ways: LinkTunnel = {
      translate: (welcome) => translate(welcome, ports),
      [Symbol.asyncDispose]: () => resources.disposeAsync(),
    };
    const port = ports.get(worker.listening.grpcPort) ?? 0;
    const target = { scheme: 'grpc-agent', name: spec.name, host: LOOPBACK, port, tunnel: ways } as const;
    const told = once(watcher);
    try {
      const seen = seenFromThere(context, dataPort);
      const node = await link.connect(target, { ...description, nestedTasks: false }, seen, told, signal);
      void worker.ended.then((reason) => told.lost(`the worker on ${textOf(spec.address)}: ${reason}`));
      this.#options.logger.info({ node: spec.name, pid: worker.listening.pid }, 'a worker was started over SSH');
      return node;
    } catch (error) {
      await resources.disposeAsync();
      throw error;
    }
  }
}

/** The worker's ports as ports here, and the port there that leads to the data of this agent. */
async function openPorts(
  tunnel: Tunnel,
  { listening }: RemoteWorker,
  spec: SshSpec,
  { self }: NodeContext,
): Promise<{ ports: ReadonlyMap<number, number>; dataPort: number }> {
  const ports = new Map<number, number>();
  for (const port of [listening.grpcPort, listening.dataPort, listening.heartbeatPort]) {
    ports.set(port, await tunnel.forward(port));
  }
  try {
    return { ports, dataPort: await tunnel.reverse(self.dataPort, self.host) };
  } catch (error) {
    const reason = `sshd there forwards no ports (AllowTcpForwarding): ${(error as Error).message}`;
    throw new RuntimeError('ERR_SSH_WORKER', { host: textOf(spec.address), reason }, { cause: error });
  }
}

const translate = (welcome: Welcome, ports: ReadonlyMap<number, number>): Welcome => ({
  ...welcome,
  host: LOOPBACK,
  dataPort: ports.get(welcome.dataPort) ?? 0,
  heartbeatPort: ports.get(welcome.heartbeatPort) ?? 0,
});

/** From there nothing but this agent can be reached; what others hold comes through it. */
function seenFromThere(context: NodeContext, dataPort: number): NodeContext {
  const self = { ...context.self, host: LOOPBACK, dataPort };
  return {
    ...context,
    self,
    sources: (version, reader) =>
      context
        .sources(version, reader)
        .filter(({ node }) => node === self.name)
        .map((source) => ({ ...source, host: LOOPBACK, port: dataPort })),
  };
}

/** The link and the worker's process may both tell that it is gone. */
function once(watcher: NodeWatcher): NodeWatcher {
  let told = false;
  return {
    ...watcher,
    lost: (reason) => {
      if (!told) watcher.lost(reason);
      told = true;
    },
  };
}
