import { join } from 'node:path';
import { type RunningProcess, startProcess } from '../../scripts/process.ts';
import { openPart, partClosed } from './leftovers.ts';

const cli = join(import.meta.dirname, '../../src/cli/main.ts');

export interface WorkerProcessOptions {
  readonly name: string;
  readonly cpus: number;
  readonly codePath: string;
  readonly port?: number;
  readonly storeBytes?: number;
}

/** `metakernel worker` as a user starts it, on free ports unless one is asked for. It ends when this process does. */
export class WorkerProcess implements AsyncDisposable {
  readonly #process: RunningProcess;
  readonly port: number;

  private constructor(process: RunningProcess, port: number) {
    this.#process = process;
    this.port = port;
  }

  static start(options: WorkerProcessOptions): Promise<WorkerProcess> {
    return openPart(() => WorkerProcess.#start(options));
  }

  static async #start(options: WorkerProcessOptions): Promise<WorkerProcess> {
    const { name, cpus, codePath, port = 0, storeBytes } = options;
    const store = storeBytes === undefined ? [] : ['--store-limit-bytes', String(storeBytes)];
    const ports = ['--grpc-port', String(port), '--data-port', '0'];
    const flags = [
      '--name',
      name,
      '--cpus',
      String(cpus),
      '--app-path',
      codePath,
      '--log-level',
      'warn',
      ...ports,
      ...store,
    ];
    const said = Promise.withResolvers<string>();
    const running = startProcess(
      process.execPath,
      [
        '--conditions=source',
        '--disable-warning=ExperimentalWarning',
        cli,
        'worker',
        ...flags,
        '--json',
        '--exit-with-parent',
      ],
      { watch: 'stdin', onLine: (line, stream) => (stream === 'stdout' ? said.resolve(line) : console.error(line)) },
    );
    const ended = running.exited.then(({ code }) => Promise.reject(new Error(`the worker ended with ${String(code)}`)));
    const line = await Promise.race([said.promise, ended]);
    ended.catch(() => undefined);
    return new WorkerProcess(running, (JSON.parse(line) as { grpcPort: number }).grpcPort);
  }

  get pid(): number {
    return this.#process.pid;
  }

  /** It has no interface that could tell. */
  state(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  kill(signal: NodeJS.Signals): void {
    this.#process.kill(signal);
  }

  async killed(): Promise<void> {
    if (this.#process.exit() === undefined) this.#process.kill('SIGKILL');
    await this.#process.exited;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#process[Symbol.asyncDispose]();
    await partClosed();
  }
}
