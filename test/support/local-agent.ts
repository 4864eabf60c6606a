import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Applications } from '../../src/agent/runtime/applications.ts';
import { JobLogs } from '../../src/agent/runtime/job-logs.ts';
import { Nodes } from '../../src/agent/runtime/nodes.ts';
import { Recorder } from '../../src/agent/runtime/recorder.ts';
import { RuntimeBackend } from '../../src/agent/runtime/runtime-backend.ts';
import { createClock } from '../../src/common/clock.ts';
import { silentLogger } from '../../src/common/logger.ts';
import type { ApplicationId, StartApplication } from '../../src/contracts/agent/model.ts';
import { LocalNode } from '../../src/offloader/local/local-node.ts';
import { createObjectStore, type SlabStore } from '../../src/runtime/data/object-store.ts';
import { Dispatcher } from '../../src/runtime/dispatcher.ts';
import { createPythonExecutor } from '../../src/runtime/executor/python-executor.ts';
import { createThreadExecutor } from '../../src/runtime/executor/thread-executor.ts';
import type { DataMover } from '../../src/runtime/ports.ts';
import { createCore } from '../../src/runtime/scheduler/scheduler.ts';
import { partClosed, partOpened, untilEmpty } from './leftovers.ts';
import { aResource } from './scheduler-case.ts';

const source = join(import.meta.dirname, '../../src');

/** A data port without peers: one machine needs no other, so whatever asks it to pull is a defect. */
const noPeers: DataMover = {
  port: 0,
  alias: () => undefined,
  resolve: () => undefined,
  pull: (_version, _kind, _sources, done) =>
    done({ error: { code: 'ERR_DATA_MISSING', message: 'there is no other node' } }),
  cancelPull: () => undefined,
  ticket: () => '',
  linkKey: () => '',
  stats: () => ({ bytesIn: 0, bytesOut: 0, pulls: 0, failures: 0 }),
  [Symbol.asyncDispose]: () => Promise.resolve(),
};

export interface LocalAgentOptions {
  readonly cpus: number;
  readonly codePath: string;
  /** Module whose functions are started; default program.ts. */
  readonly module?: string;
  /** Default 4 for each CPU. */
  readonly maxThreads?: number;
  readonly checkInputs?: boolean;
  /** Of the functions that are started; default JS. */
  readonly language?: 'JS' | 'PYTHON';
  readonly interpreter?: string;
  readonly maxHeapMb?: number;
  /** Default 256 MiB. */
  readonly storeBytes?: number;
}

/** An agent of one machine, put together from the real parts, without REST. Closing it fails when anything is left. */
export class LocalAgent implements AsyncDisposable {
  readonly store: SlabStore;
  readonly dispatcher: Dispatcher;
  readonly backend: RuntimeBackend;
  readonly folder = mkdtempSync(join(tmpdir(), 'mk-agent-'));
  readonly #module: string;
  readonly #language: 'JS' | 'PYTHON';

  constructor(options: LocalAgentOptions) {
    partOpened();
    this.store = createObjectStore({ limitBytes: options.storeBytes ?? 256 * 2 ** 20 });
    this.#module = options.module ?? 'program.ts';
    this.#language = options.language ?? 'JS';
    const logs = new JobLogs(this.folder, false);
    const recorder = new Recorder(10_000, logs);
    const identity = { name: 'self', incarnation: 'test', host: '127.0.0.1', dataPort: 0 };
    this.dispatcher = new Dispatcher({
      core: createCore(),
      store: this.store,
      mover: noPeers,
      identity,
      clock: createClock(),
      logger: silentLogger,
      observer: recorder,
      onFatal: (error) => {
        throw error;
      },
    });
    const { dispatcher, store } = this;
    const context = {
      self: identity,
      store,
      mover: noPeers,
      sources: dispatcher.sources.bind(dispatcher),
      openScope: dispatcher.openScope.bind(dispatcher),
      workingDir: this.folder,
    };
    const applications = new Applications(dispatcher, 100);
    const nodes = new Nodes(dispatcher, context, [], silentLogger);
    recorder.bind(dispatcher, applications, nodes);
    const { resource, watcher } = dispatcher.reserveNode();
    const node = new LocalNode(aResource('self', options.cpus), context, watcher, (host) => [
      createThreadExecutor(host, {
        slots: options.cpus,
        codePaths: [options.codePath],
        publicEntry: pathToFileURL(join(source, 'index.ts')).href,
        workerEntry: join(source, 'runtime/executor/worker-entry.ts'),
        checkInputs: options.checkInputs ?? true,
        ...(options.maxThreads === undefined ? {} : { maxThreads: options.maxThreads }),
        ...(options.maxHeapMb === undefined ? {} : { maxHeapMb: options.maxHeapMb }),
        graceMs: 100,
      }),
      createPythonExecutor(host, {
        slots: options.cpus,
        codePaths: [options.codePath],
        node: 'self',
        graceMs: 100,
        ...(options.interpreter === undefined ? {} : { interpreter: options.interpreter }),
      }),
    ]);
    nodes.addSelf(node.description);
    dispatcher.attach(resource, node);
    const close = () => dispatcher.close();
    this.backend = new RuntimeBackend({ dispatcher, applications, nodes, recorder, logs, drainMs: 0, close });
  }

  start(methodName: string, args: readonly (string | number)[] = []): Promise<ApplicationId> {
    const request: StartApplication = {
      language: this.#language,
      className: this.#module,
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

  async call(methodName: string, args: readonly (string | number)[] = []): Promise<unknown> {
    const id = await this.start(methodName, args);
    const status = await this.ended(id);
    if (status !== 'completed')
      throw Object.assign(new Error(this.backend.application(id)?.error?.message), { status });
    return (await this.backend.result(id))[0]?.value;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await using closing = new AsyncDisposableStack();
    closing.defer(partClosed);
    closing.defer(() => rmSync(this.folder, { recursive: true, force: true }));
    closing.use(this.store);
    closing.defer(() => this.backend.shutdown('end of the test'));
    await untilEmpty('self', () => this.store.stats());
  }
}
