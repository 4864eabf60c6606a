import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type PeerEndpoint, startPeerEndpoint } from '../../src/agent/peer/endpoint.ts';
import { Applications } from '../../src/agent/runtime/applications.ts';
import { JobLogs } from '../../src/agent/runtime/job-logs.ts';
import { Nodes } from '../../src/agent/runtime/nodes.ts';
import { Recorder } from '../../src/agent/runtime/recorder.ts';
import { RuntimeBackend } from '../../src/agent/runtime/runtime-backend.ts';
import { createClock } from '../../src/common/clock.ts';
import type { ErrorInfo } from '../../src/common/errors.ts';
import { type Logger, silentLogger } from '../../src/common/logger.ts';
import type { ApplicationId, StartApplication } from '../../src/contracts/agent/model.ts';
import type { LinkTiming } from '../../src/offloader/grpc-agent/link-client.ts';
import type { LinkSecurity } from '../../src/offloader/grpc-agent/security.ts';
import { LocalNode } from '../../src/offloader/local/local-node.ts';
import { RestAdaptor } from '../../src/offloader/rest/adaptor.ts';
import { RemoteCalls } from '../../src/offloader/rest/remote-calls.ts';
import { createDataMover, type NodeDataMover } from '../../src/runtime/data/data-mover.ts';
import { tlsTransport } from '../../src/runtime/data/data-transport.ts';
import { createObjectStore, type SlabStore } from '../../src/runtime/data/object-store.ts';
import { Dispatcher } from '../../src/runtime/dispatcher.ts';
import { createThreadExecutor } from '../../src/runtime/executor/thread-executor.ts';
import type { AgentIdentity, NodeContext } from '../../src/runtime/ports.ts';
import { createCore } from '../../src/runtime/scheduler/scheduler.ts';
import { createTestAgent } from './agent-app.ts';
import { openPart, partClosed, untilEmpty } from './leftovers.ts';
import { aResource } from './scheduler-case.ts';
import { tempDir } from './temp-dir.ts';

const source = join(import.meta.dirname, '../../src');

export interface TestAgentOptions {
  readonly name: string;
  readonly cpus: number;
  /** Folder of the programs. */
  readonly codePath: string;
  readonly storeBytes?: number;
  /** Default true. */
  readonly checkInputs?: boolean;
  readonly software?: readonly string[];
  /** For its files, removed by whoever made it; default one of its own. */
  readonly folder?: string;
  /** Of the link; default any. */
  readonly port?: number;
  readonly timing?: Partial<LinkTiming>;
  readonly security?: LinkSecurity;
  readonly logger?: Logger;
  /** It also calls agents over REST: it listens for the ends of its calls. */
  readonly rest?: boolean;
  /** Folder with the bundle that hosts get over SSH. */
  readonly bundle?: string;
}

export interface AddOptions {
  readonly units?: number;
  readonly adaptor?: string;
  readonly properties?: Readonly<Record<string, string>>;
}

/** What a test asks of an agent, in this process or another, to see that nothing is left. */
export interface AgentState {
  readonly versions: number;
  readonly pinned: number;
  readonly links: readonly { readonly name: string; readonly calls: number; readonly versions: number }[];
  readonly bytesIn: number;
  readonly bytesOut: number;
  /** Open connections of the data port. */
  readonly connectionsIn: number;
}

export interface StartOptions {
  readonly module?: string;
  /** The main itself may run on any node; default: on the agent that was asked. */
  readonly anywhere?: boolean;
}

/** A whole agent without REST, put together from the real parts as the composition root does, on free ports. */
export class TestAgent implements AsyncDisposable {
  readonly name: string;
  readonly store: SlabStore;
  readonly mover: NodeDataMover;
  readonly dispatcher: Dispatcher;
  readonly peers: PeerEndpoint;
  readonly nodes: Nodes;
  readonly backend: RuntimeBackend;
  readonly folder: string;
  readonly #cleanup: AsyncDisposableStack;

  private constructor(parts: Parts, cleanup: AsyncDisposableStack) {
    this.name = parts.dispatcher.identity.name;
    this.store = parts.store;
    this.mover = parts.mover;
    this.dispatcher = parts.dispatcher;
    this.peers = parts.peers;
    this.nodes = parts.nodes;
    this.backend = parts.backend;
    this.folder = parts.folder;
    this.#cleanup = cleanup;
  }

  static start(options: TestAgentOptions): Promise<TestAgent> {
    return openPart(async () => {
      await using opened = new AsyncDisposableStack();
      const parts = await startParts(options, opened);
      return new TestAgent(parts, opened.move());
    });
  }

  get port(): number {
    return this.peers.port;
  }

  /** Adds a node to the pool of this one. Without `units`: as many as it says it has. */
  async add(name: string, port: number, options: AddOptions = {}): Promise<void> {
    const { units, adaptor = 'grpc-agent' } = options;
    const processors = units === undefined ? [] : [{ name: 'MainProcessor', type: 'CPU' as const, units }];
    const properties = { Host: '127.0.0.1', Port: String(port), ...options.properties };
    await this.nodes.add({
      name,
      adaptor,
      description: { processors },
      projectProperties: {},
      resourceProperties: properties,
    });
  }

  start(
    methodName: string,
    args: readonly (string | number)[] = [],
    options: StartOptions = {},
  ): Promise<ApplicationId> {
    const request: StartApplication = {
      language: 'JS',
      className: options.module ?? 'program.ts',
      methodName,
      hasResult: true,
      parameters: args.map((value, index) => ({
        index,
        direction: 'IN',
        type: typeof value === 'number' ? 'DOUBLE_T' : 'STRING_T',
        stream: 'UNSPECIFIED',
        value: { form: 'element', value },
      })),
      results: [],
      ...(options.anywhere === true ? {} : { constraints: HERE }),
    };
    return this.backend.startApplication(request, {});
  }

  /** Status of the application when it has ended. */
  ended(id: ApplicationId): Promise<string> {
    return new Promise((resolve) => {
      const stop = this.backend.subscribe(id, 0, (events) => {
        for (const event of events) {
          if (event.type !== 'status' || event.view.status === 'accepted' || event.view.status === 'running') continue;
          queueMicrotask(() => stop());
          resolve(event.view.status);
        }
      });
    });
  }

  /** Result of the application, or an error with its `status` and `info`. */
  async result(id: ApplicationId): Promise<unknown> {
    const status = await this.ended(id);
    if (status !== 'completed') throw new ApplicationFailed(status, this.backend.application(id)?.error);
    return (await this.backend.result(id))[0]?.value;
  }

  async call(
    methodName: string,
    args: readonly (string | number)[] = [],
    options: StartOptions = {},
  ): Promise<unknown> {
    return this.result(await this.start(methodName, args, options));
  }

  state(): AgentState {
    const { versions, pinned } = this.store.stats();
    const { bytesIn, bytesOut, connectionsIn } = this.mover.stats();
    return { versions, pinned, links: this.peers.service.links, bytesIn, bytesOut, connectionsIn };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await using closing = new AsyncDisposableStack();
    closing.defer(partClosed);
    closing.use(this.#cleanup);
    await untilEmpty(this.name, () => this.store.stats());
  }
}

/** REST cannot say this: whoever asks an agent leaves the place to it. */
const HERE = { processors: [], isLocal: true };

export class ApplicationFailed extends Error {
  readonly status: string;
  readonly info: ErrorInfo | undefined;

  constructor(status: string, info: ErrorInfo | undefined) {
    super(info?.message ?? status);
    this.status = status;
    this.info = info;
  }
}

type Parts = Pick<TestAgent, 'store' | 'mover' | 'dispatcher' | 'peers' | 'nodes' | 'backend' | 'folder'>;

async function startParts(options: TestAgentOptions, opened: AsyncDisposableStack): Promise<Parts> {
  const { name, logger = silentLogger, security = {} } = options;
  const folder = options.folder ?? opened.use(tempDir(`agent-${name}`)).path;
  const limitBytes = options.storeBytes ?? 256 * 2 ** 20;
  const store = opened.use(createObjectStore({ limitBytes, spillDirectory: join(folder, 'spill') }));
  const incarnation = randomUUID();
  const { tls } = security;
  const mover = opened.use(
    await createDataMover({
      store,
      name,
      incarnation,
      filesDirectory: join(folder, 'files'),
      log: logger,
      ...(tls === undefined
        ? {}
        : {
            transport: tlsTransport({
              tls,
              server: { requestCert: true, rejectUnauthorized: true },
              admit: ({ authorized }) => authorized,
            }),
          }),
    }),
  );
  const self: AgentIdentity = { name, incarnation, host: '127.0.0.1', dataPort: mover.port };
  const logs = new JobLogs(join(folder, 'logs'), false);
  const recorder = new Recorder(10_000, logs);
  const dispatcher = new Dispatcher({
    core: createCore(),
    store,
    mover,
    identity: self,
    clock: createClock(),
    logger,
    observer: recorder,
    onFatal: (error) => {
      throw error;
    },
  });
  const peers = await openPeers(dispatcher, options);
  const context: NodeContext = {
    self,
    store,
    mover,
    sources: dispatcher.sources.bind(dispatcher),
    bytes: dispatcher.bytes.bind(dispatcher),
  };
  const applications = new Applications(dispatcher, 100);
  const remoteCalls = new RemoteCalls();
  let callbackUrl = '';
  const rest = new RestAdaptor({ calls: remoteCalls, callbackUrl: () => callbackUrl, ...restTiming(options.timing) });
  const nodes = new Nodes(dispatcher, context, [peers.adaptor, peers.workers, peers.ssh, rest], logger);
  recorder.bind(dispatcher, applications, nodes);
  addSelf(dispatcher, nodes, context, options, folder);
  const close = async (): Promise<void> => {
    await peers[Symbol.asyncDispose]();
    nodes.close();
    await dispatcher.close();
  };
  const backend = new RuntimeBackend({
    dispatcher,
    applications,
    nodes,
    recorder,
    logs,
    remoteCalls,
    drainMs: 0,
    close,
  });
  if (options.rest === true) callbackUrl = await listenForEnds(backend, opened);
  opened.defer(() => backend.shutdown('end of the test'));
  return { store, mover, dispatcher, peers, nodes, backend, folder };
}

const restTiming = ({ heartbeatMs, deadlineMs }: Partial<LinkTiming> = {}) => ({
  ...(heartbeatMs === undefined ? {} : { intervalMs: heartbeatMs }),
  ...(deadlineMs === undefined ? {} : { deadlineMs }),
});

/** Base URL of a REST interface over the backend. */
async function listenForEnds(backend: RuntimeBackend, opened: AsyncDisposableStack): Promise<string> {
  const { app } = opened.use(await createTestAgent({ backend }));
  return `${await app.listen({ host: '127.0.0.1', port: 0 })}/`;
}

function openPeers(dispatcher: Dispatcher, options: TestAgentOptions): Promise<PeerEndpoint> {
  const { logger = silentLogger, security = {}, timing = {}, name, cpus } = options;
  return startPeerEndpoint({
    runtime: {
      self: dispatcher.identity,
      store: dispatcher.store,
      mover: dispatcher.mover,
      openScope: dispatcher.openScope.bind(dispatcher),
    },
    describe: () => dispatcher.core.resources().find((one) => one.self)?.description ?? aResource(name, cpus),
    logger,
    host: '127.0.0.1',
    port: options.port ?? 0,
    security,
    timing,
    ssh: { codePaths: [options.codePath], ...(options.bundle === undefined ? {} : { bundle: options.bundle }) },
  });
}

function addSelf(
  dispatcher: Dispatcher,
  nodes: Nodes,
  context: NodeContext,
  options: TestAgentOptions,
  folder: string,
): void {
  const { name, cpus, codePath, checkInputs = true, software } = options;
  const { resource, watcher } = dispatcher.reserveNode();
  const local = { ...context, openScope: dispatcher.openScope.bind(dispatcher), workingDir: join(folder, 'tasks') };
  const node = new LocalNode(
    aResource(name, cpus, software === undefined ? {} : { software }),
    local,
    watcher,
    (host) => [
      createThreadExecutor(host, {
        slots: cpus,
        codePaths: [codePath],
        publicEntry: pathToFileURL(join(source, 'index.ts')).href,
        workerEntry: join(source, 'runtime/executor/worker-entry.ts'),
        checkInputs,
        graceMs: 100,
      }),
    ],
  );
  nodes.addSelf(node.description);
  dispatcher.attach(resource, node);
}
