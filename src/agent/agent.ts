/** Puts an agent together: runtime, links to other agents, data port, REST interface. The one composition root. */
import { randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClock } from '../common/clock.ts';
import { toErrorInfo } from '../common/errors.ts';
import type { Logger } from '../common/logger.ts';
import { LocalNode } from '../offloader/local/local-node.ts';
import { RestAdaptor } from '../offloader/rest/adaptor.ts';
import { RemoteCalls } from '../offloader/rest/remote-calls.ts';
import { createDataMover, type NodeDataMover } from '../runtime/data/data-mover.ts';
import { createObjectStore, type SlabStore } from '../runtime/data/object-store.ts';
import { createProcessFolder } from '../runtime/data/process-folder.ts';
import { Dispatcher } from '../runtime/dispatcher.ts';
import { hasEngine } from '../runtime/executor/binary/container.ts';
import { createProgramExecutor } from '../runtime/executor/binary/program-executor.ts';
import { findInterpreter } from '../runtime/executor/python/interpreter.ts';
import { createPythonExecutor } from '../runtime/executor/python-executor.ts';
import { createThreadExecutor } from '../runtime/executor/thread-executor.ts';
import type { ResourceDescription } from '../runtime/model/resource.ts';
import type { AgentIdentity, Executor, ExecutorHost, NodeContext } from '../runtime/ports.ts';
import { createCore } from '../runtime/scheduler/scheduler.ts';
import { closedScopes } from './closed-scope.ts';
import type { AgentConfig } from './config/config.ts';
import { writeProfile } from './config/profile-file.ts';
import { type PeerEndpoint, startPeerEndpoint } from './peer/endpoint.ts';
import { ApplicationJournal } from './runtime/application-journal.ts';
import { Applications } from './runtime/applications.ts';
import { JobLogs } from './runtime/job-logs.ts';
import { Nodes } from './runtime/nodes.ts';
import { Recorder } from './runtime/recorder.ts';
import { RuntimeBackend } from './runtime/runtime-backend.ts';
import { StateDirectory } from './runtime/state-directory.ts';
import { type AgentSecurity, openSecurity } from './security/agent-security.ts';
import { dataTransport } from './security/data-transport.ts';
import { linkService } from './security/link-access.ts';
import { type RestServer, startRestServer } from './server.ts';
import { addPool } from './start-pool.ts';

export interface AgentOptions {
  readonly config: AgentConfig;
  readonly logger: Logger;
  /** Lines for stdout: scripts wait for some of them. */
  readonly print: (line: string) => void;
  /** A bug of ours broke the core: the process cannot go on. */
  readonly onFatal: (error: unknown) => void;
  /** False: a worker, whose tasks may not submit tasks. Default true. */
  readonly nestedTasks?: boolean;
}

export interface Agent extends AsyncDisposable {
  readonly url: string;
  readonly restPort: number;
  readonly grpcPort: number;
  readonly dataPort: number;
  /** Resolves when a request has stopped the agent. */
  readonly stopped: Promise<void>;
}

/** Attempts that the timeline keeps. */
const TIMELINE_SIZE = 100_000;

/** Everything that was opened, closed again in reverse: also when a later part fails to start. */
export async function startAgent(options: AgentOptions): Promise<Agent> {
  await using opened = new AsyncDisposableStack();
  const parts = await startParts(options, opened);
  const rest = await startRest(options, parts);
  opened.use(rest.server);
  parts.callback.port = rest.server.port;
  // Only now does somebody listen for how they end.
  for (const earlier of parts.journal?.resume() ?? []) {
    options.logger.info({ application: earlier.id }, 'resuming an application of an earlier life');
    await parts.applications.resume(earlier);
  }
  const ending = new AbortController();
  const { config, logger } = options;
  addPool(config.pool, { add: (node) => parts.backend.addResource(node), logger, signal: ending.signal });
  const resources = opened.move();
  return {
    url: rest.server.url,
    restPort: rest.server.port,
    grpcPort: parts.peers.port,
    dataPort: parts.mover.port,
    stopped: rest.stopped,
    [Symbol.asyncDispose]: async () => {
      ending.abort();
      await parts.backend.shutdown('its process ends');
      if (config.outputProfile !== undefined) keepProfile(config.outputProfile, parts.backend, logger);
      await resources.disposeAsync();
    },
  };
}

function keepProfile(path: string, backend: RuntimeBackend, logger: Logger): void {
  try {
    writeFileSync(path, writeProfile(backend.name, backend.stats().coreElements));
  } catch (error) {
    logger.error({ path, error: String(error) }, 'the profile could not be written');
  }
}

/** Everything of an agent but its REST interface. */
export interface AgentParts {
  readonly backend: RuntimeBackend;
  readonly applications: Applications;
  readonly journal: ApplicationJournal | undefined;
  readonly peers: PeerEndpoint;
  readonly mover: NodeDataMover;
  readonly workingDir: string;
  readonly security: AgentSecurity;
  /** Where other agents tell the ends of calls; known when the REST interface listens. */
  readonly callback: { port: number };
}

export async function startParts(
  options: Omit<AgentOptions, 'print'>,
  opened: AsyncDisposableStack,
): Promise<AgentParts> {
  const { config, logger } = options;
  const folder = opened.use(createProcessFolder(config.workingDir ?? join(tmpdir(), 'metakernel'), logger));
  const store = opened.use(
    createObjectStore({ limitBytes: config.storeLimitBytes, spillDirectory: join(folder.path, 'spill'), log: logger }),
  );
  const security = openSecurity(config, logger, opened);
  const incarnation = randomUUID();
  const mover = opened.use(await openDataPort(config, { store, incarnation, security, logger, folder: folder.path }));
  const identity = { name: config.name, incarnation, host: config.advertiseHost, dataPort: mover.port };
  const logs = new JobLogs(config.logDir ?? join(folder.path, 'logs'), config.debug);
  const recorder = new Recorder(TIMELINE_SIZE, logs);
  const journal = openJournal(config, store, logger);
  if (journal !== undefined) opened.use(journal);
  const dispatcher = new Dispatcher({
    core: createCore({
      policy: config.scheduler,
      reportCompleted: journal !== undefined,
      ...(config.profiles === undefined ? {} : { profiles: config.profiles }),
    }),
    store,
    mover,
    identity,
    clock: createClock(),
    logger,
    observer: recorder,
    ...(journal === undefined ? {} : { journal }),
    onFatal: options.onFatal,
  });
  const peers = opened.use(await openPeers(config, dispatcher, identity, security, logger));
  const context = nodeContext(dispatcher, identity);
  const applications = new Applications(dispatcher, config.keptApplications, journal);
  const remoteCalls = new RemoteCalls();
  const callback = { port: config.restPort };
  const rest = restAdaptor(config, remoteCalls, security, callback);
  const nodes = new Nodes(dispatcher, context, [peers.adaptor, peers.workers, peers.ssh, rest], logger);
  recorder.bind(dispatcher, applications, nodes);
  addSelf(options, dispatcher, nodes, context, folder.path);
  const close = async (): Promise<void> => {
    await peers[Symbol.asyncDispose]();
    nodes.close();
    await dispatcher.close();
  };
  const { drainMs } = config;
  const stopping = (): void => journal?.keepAll();
  const backend = new RuntimeBackend({
    dispatcher,
    applications,
    nodes,
    recorder,
    logs,
    remoteCalls,
    drainMs,
    stopping,
    close,
  });
  opened.defer(() => backend.shutdown('its process ends'));
  return { backend, applications, journal, peers, mover, workingDir: folder.path, callback, security };
}

function restAdaptor(
  { advertiseHost, tlsKey, deadlineMs }: AgentConfig,
  calls: RemoteCalls,
  security: AgentSecurity,
  callback: { readonly port: number },
): RestAdaptor {
  const scheme = tlsKey === undefined ? 'http' : 'https';
  const host = advertiseHost.includes(':') ? `[${advertiseHost}]` : advertiseHost;
  return new RestAdaptor({ calls, security, deadlineMs, callbackUrl: () => `${scheme}://${host}:${callback.port}/` });
}

function openJournal({ stateDir }: AgentConfig, store: SlabStore, logger: Logger): ApplicationJournal | undefined {
  return stateDir === undefined ? undefined : new ApplicationJournal(new StateDirectory(stateDir), store, logger);
}

interface DataPortParts {
  readonly store: SlabStore;
  readonly incarnation: string;
  readonly security: AgentSecurity;
  readonly logger: Logger;
  readonly folder: string;
}

function openDataPort(
  config: AgentConfig,
  { store, incarnation, security, logger, folder }: DataPortParts,
): Promise<NodeDataMover> {
  return createDataMover({
    store,
    name: config.name,
    incarnation,
    host: config.host,
    port: config.dataPort,
    filesDirectory: join(folder, 'files'),
    sharedDirectories: config.sharedPath,
    log: logger,
    ...dataTransport(security),
  });
}

function openPeers(
  config: AgentConfig,
  dispatcher: Dispatcher,
  self: AgentIdentity,
  security: AgentSecurity,
  logger: Logger,
): Promise<PeerEndpoint> {
  const { host, grpcPort: port, heartbeatMs, deadlineMs } = config;
  return startPeerEndpoint({
    runtime: {
      self,
      store: dispatcher.store,
      mover: dispatcher.mover,
      openScope: dispatcher.openScope.bind(dispatcher),
    },
    describe: () => ownDescription(dispatcher, config),
    logger,
    host,
    port,
    security,
    service: linkService(security, config.maxFrameBytes),
    timing: { heartbeatMs, deadlineMs },
    ssh: { codePaths: config.appPath },
  });
}

/** As the core has it now: `addResources` on its own name changes it. */
const ownDescription = ({ core }: Dispatcher, config: AgentConfig): ResourceDescription =>
  core.resources().find((resource) => resource.self)?.description ?? describeSelf(config);

function nodeContext(dispatcher: Dispatcher, self: AgentIdentity): NodeContext {
  const { store, mover } = dispatcher;
  return { self, store, mover, sources: dispatcher.sources.bind(dispatcher), bytes: dispatcher.bytes.bind(dispatcher) };
}

function addSelf(
  { config, logger, nestedTasks = true }: Omit<AgentOptions, 'print'>,
  dispatcher: Dispatcher,
  nodes: Nodes,
  context: NodeContext,
  folder: string,
): void {
  const { resource, watcher } = dispatcher.reserveNode();
  const openScope = nestedTasks ? dispatcher.openScope.bind(dispatcher) : closedScopes(config.name, context.store);
  const local = { ...context, openScope, workingDir: join(folder, 'tasks') };
  const description = { ...describeSelf(config), nestedTasks };
  const node = new LocalNode(description, local, watcher, (host) => [
    createThreadExecutor(host, {
      slots: config.cpus,
      maxThreads: config.maxThreads,
      codePaths: config.appPath,
      checkInputs: config.checkInputs,
      node: config.name,
    }),
    createPythonExecutor(host, {
      slots: config.cpus,
      codePaths: config.appPath,
      interpreter: config.python,
      nodes: () => dispatcher.core.resources().length,
      node: config.name,
      log: logger,
      ...(config.virtualenv === undefined ? {} : { virtualenv: config.virtualenv }),
      ...(config.shmDir === undefined ? {} : { sharedDir: config.shmDir }),
    }),
    ...(config.programs ? [programExecutor(config, host)] : []),
  ]);
  nodes.addSelf(node.description);
  dispatcher.attach(resource, node);
}

const hasPython = ({ python, virtualenv }: AgentConfig): boolean =>
  findInterpreter({ interpreter: python, ...(virtualenv === undefined ? {} : { virtualenv }) }) !== undefined;

const programExecutor = (config: AgentConfig, host: ExecutorHost): Executor =>
  createProgramExecutor(host, {
    slots: config.cpus,
    codePaths: config.appPath,
    directories: [...config.appPath, ...config.dataPath],
    environment: config.environment,
    containerOptions: config.containerOptions,
    node: config.name,
  });

/** CONTAINER only with an engine: then such tasks are sent to nodes that have one. */
function languagesOf(config: AgentConfig): readonly string[] {
  const { programs, environment } = config;
  return [
    'JS',
    ...(hasPython(config) ? ['PYTHON'] : []),
    ...(programs ? ['BINARY'] : []),
    ...(programs && hasEngine(environment['PATH'] ?? '') ? ['CONTAINER'] : []),
  ];
}

function describeSelf(config: AgentConfig): ResourceDescription {
  const { name, cpus, gpus, fpgas, memory, storage, software } = config;
  return {
    name,
    scheme: 'local',
    processors: [
      { name: 'MainProcessor', type: 'CPU', units: cpus },
      ...(gpus === 0 ? [] : [{ name: 'gpu', type: 'GPU' as const, units: gpus }]),
      ...(fpgas === 0 ? [] : [{ name: 'FPGA', type: 'FPGA' as const, units: fpgas }]),
    ],
    ...(memory === undefined ? {} : { memoryGb: memory }),
    ...(storage === undefined ? {} : { storageGb: storage }),
    ...(software.length === 0 ? {} : { software }),
    languages: languagesOf(config),
  };
}

async function startRest(
  options: AgentOptions,
  parts: AgentParts,
): Promise<{ server: RestServer; stopped: Promise<void> }> {
  const { config, logger, print } = options;
  const stopped = Promise.withResolvers<void>();
  const server = await startRestServer({
    config,
    backend: parts.backend,
    logger,
    print,
    onStopped: stopped.resolve,
    directories: [parts.workingDir],
    security: parts.security,
  });
  return { server, stopped: stopped.promise };
}

/** For logs of what cannot go on. */
export const describeFatal = (error: unknown): object => ({ error: toErrorInfo(error) });
