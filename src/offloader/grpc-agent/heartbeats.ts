import { Worker } from 'node:worker_threads';
import { RuntimeError } from '../../common/errors.ts';
import type {
  FromHeartbeats,
  GoneEvidence,
  HeartbeatOptions,
  HeartbeatWorkerData,
  ToHeartbeats,
  WatchTarget,
} from './heartbeat-messages.ts';

export interface WatchListener {
  /** Once. */
  gone(reason: string, evidence: GoneEvidence): void;
  lag?(lagMs: number): void;
}

/** How often the main thread shows that its event loop turns. */
const PULSE_MS = 50;

/**
 * Heartbeats of this process, in a thread of their own: asks the peers that are watched, answers those that ask, and tells
 * when one that is expected to ask has fallen silent. One for each agent, shared by all its links.
 */
export class Heartbeats implements AsyncDisposable {
  /** Where pings are answered. */
  readonly port: number;
  readonly #worker: Worker;
  readonly #pulse: NodeJS.Timeout;
  readonly #watched = new Map<number, WatchListener>();
  readonly #expected = new Map<number, () => void>();
  #next = 0;
  #closed = false;

  /** Use `startHeartbeats`. */
  constructor(worker: Worker, port: number, pulse: NodeJS.Timeout) {
    this.#worker = worker;
    this.port = port;
    this.#pulse = pulse;
    worker.on('message', (message: FromHeartbeats) => this.#take(message));
    worker.on('error', (error) => this.#failed(error.message));
  }

  /** Returns how to stop. Links that are watched keep the process alive by themselves; this thread does not. */
  watch(target: WatchTarget, listener: WatchListener): () => void {
    const id = this.#next++;
    this.#watched.set(id, listener);
    this.#tell({ type: 'watch', id, target });
    return () => {
      if (this.#watched.delete(id)) this.#tell({ type: 'unwatch', id });
    };
  }

  /** `silent` runs once when the link's caller has not asked for `silenceMs`. Returns how to stop. */
  expect(linkId: string, silenceMs: number, silent: () => void): () => void {
    const id = this.#next++;
    this.#expected.set(id, silent);
    this.#tell({ type: 'expect', id, linkId, silenceMs });
    return () => {
      if (this.#expected.delete(id)) this.#tell({ type: 'unexpect', id });
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    clearInterval(this.#pulse);
    this.#watched.clear();
    this.#expected.clear();
    await this.#worker.terminate();
  }

  #tell(message: ToHeartbeats): void {
    if (!this.#closed) this.#worker.postMessage(message);
  }

  #take(message: FromHeartbeats): void {
    switch (message.type) {
      case 'gone': {
        const listener = this.#watched.get(message.id);
        this.#watched.delete(message.id);
        listener?.gone(message.reason, message.evidence);
        break;
      }
      case 'lag':
        this.#watched.get(message.id)?.lag?.(message.lagMs);
        break;
      case 'silent': {
        const silent = this.#expected.get(message.id);
        this.#expected.delete(message.id);
        silent?.();
        break;
      }
      case 'listening':
      case 'failed':
        break;
    }
  }

  /** A bug of ours: without heartbeats nothing may be taken for gone, the streams alone decide. */
  #failed(reason: string): void {
    this.#closed = true;
    clearInterval(this.#pulse);
    process.emitWarning(`heartbeat thread ended: ${reason}`, { code: 'ERR_INTERNAL' });
  }
}

/** Throws ERR_PORT_UNAVAILABLE when the address cannot be bound. */
export async function startHeartbeats(options: HeartbeatOptions): Promise<Heartbeats> {
  const shared = new SharedArrayBuffer(8);
  const turned = new BigInt64Array(shared);
  const turn = (): void => void Atomics.store(turned, 0, process.hrtime.bigint());
  turn();
  const workerData: HeartbeatWorkerData = { ...options, pulse: shared, pulseMs: PULSE_MS };
  const worker = new Worker(threadEntry(), { workerData, name: 'heartbeats' });
  const port = await listening(worker, options);
  worker.unref();
  const pulse = setInterval(turn, PULSE_MS);
  pulse.unref();
  return new Heartbeats(worker, port, pulse);
}

/** Beside this module, as source or as a bundled entry. */
const threadEntry = (): URL =>
  new URL(import.meta.url.endsWith('.ts') ? './heartbeat-thread.ts' : './heartbeat-thread.js', import.meta.url);

function listening(worker: Worker, { host, port }: HeartbeatOptions): Promise<number> {
  return new Promise((resolve, reject) => {
    const refuse = (reason: string): void => {
      void worker.terminate();
      reject(new RuntimeError('ERR_PORT_UNAVAILABLE', { address: `${host}:${port}`, reason }));
    };
    worker.once('error', (error) => refuse(error.message));
    worker.once('message', (message: FromHeartbeats) => {
      if (message.type === 'listening') resolve(message.port);
      else refuse(message.type === 'failed' ? message.reason : 'it did not start');
    });
  });
}
