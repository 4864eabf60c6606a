import { createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { RuntimeError } from '../../../common/errors.ts';
import { FrameReader, FrameSplitter } from './frame.ts';
import { FROM_PYTHON } from './records.ts';
import { PythonWorker, type WorkerEvents } from './worker.ts';
import { Zygote, type ZygoteOptions } from './zygote.ts';

export interface PoolOptions extends ZygoteOptions {
  /** For socket, control and output files. */
  readonly folder: string;
  /** Where workers write large values, in shared memory and where that is full. */
  readonly values: string;
  readonly overflow: string;
}

/** Longest path of a UNIX socket, without the closing zero. */
const MAX_SOCKET_PATH = 107;

/** The worker processes of one interpreter: forked from a zygote that is started with the first of them. */
export class WorkerPool {
  readonly #options: PoolOptions;
  readonly #events: WorkerEvents;
  readonly #failed: (reason: string) => void;
  readonly #workers = new Map<number, PythonWorker>();
  readonly #server: Server;
  readonly #socketPath: string;
  readonly #sockets = new Set<Socket>();
  #zygote: Zygote | undefined;
  #next = 0;
  /** A worker of the zygote that runs has connected. */
  #proven = false;

  /** `failed`: the interpreter cannot run workers at all. */
  constructor(options: PoolOptions, events: WorkerEvents, failed: (reason: string) => void) {
    this.#options = options;
    this.#events = events;
    this.#failed = failed;
    this.#socketPath = join(options.folder, 's');
    if (Buffer.byteLength(this.#socketPath) > MAX_SOCKET_PATH)
      throw new RuntimeError('ERR_CONFIG_INVALID', {
        key: 'shmDir',
        reason: `a socket cannot have the path ${this.#socketPath}`,
      });
    this.#server = createServer((socket) => this.#connected(socket));
    this.#server.listen(this.#socketPath);
  }

  fork(): PythonWorker {
    this.#zygote ??= this.#start();
    const zygote = this.#zygote;
    const number = this.#next++;
    const control = join(this.#options.folder, `w${number}.ctl`);
    const output = join(this.#options.folder, `w${number}`);
    const worker = new PythonWorker(number, { control, output }, zygote.signal.bind(zygote), this.#events);
    this.#workers.set(number, worker);
    zygote.fork(number, [this.#socketPath, control, output, this.#options.values, this.#options.overflow]);
    return worker;
  }

  /** A signal to the one process, not to what it has started. */
  signal(worker: PythonWorker, signal: number): void {
    this.#zygote?.signal(worker.number, signal, false);
  }

  async close(): Promise<void> {
    await this.#zygote?.close();
    for (const socket of this.#sockets) socket.destroy();
    for (const worker of this.#workers.values()) worker.exited('the executor is closing');
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  #start(): Zygote {
    this.#proven = false;
    return new Zygote(this.#options, {
      exited: (number, how) => {
        const worker = this.#workers.get(number);
        this.#workers.delete(number);
        worker?.exited(how);
      },
      gone: (reason, killed) => {
        this.#zygote = undefined;
        const workers = [...this.#workers.values()];
        this.#workers.clear();
        if (!this.#proven && !killed) this.#failed(reason);
        for (const worker of workers) worker.exited(`the zygote ended: ${reason}`);
      },
    });
  }

  /** The first frame says which worker it is. */
  #connected(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('close', () => this.#sockets.delete(socket));
    socket.on('error', () => undefined);
    let worker: PythonWorker | undefined;
    const splitter = new FrameSplitter((frame) => {
      if (worker !== undefined) {
        worker.receive(frame);
        return;
      }
      const hello = new FrameReader(frame);
      worker = hello.word() === FROM_PYTHON.HELLO ? this.#workers.get(hello.word()) : undefined;
      if (worker === undefined) {
        socket.destroy();
        return;
      }
      this.#proven = true;
      socket.removeListener('data', first);
      worker.attach(socket, splitter);
    });
    const first = (chunk: Uint8Array): void => {
      try {
        splitter.push(chunk);
      } catch {
        socket.destroy();
      }
    };
    socket.on('data', first);
  }
}
