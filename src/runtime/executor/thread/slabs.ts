import { type MessagePort, receiveMessageOnPort } from 'node:worker_threads';
import { type ErrorCode, type ErrorInfo, RuntimeError } from '../../../common/errors.ts';
import { type ReserveRequest, type SlabMessage, SYNC, type ThreadReservation, type ThreadSetup } from '../protocol.ts';

/** The shared memory that this thread knows, and the way to get more of it in the middle of synchronous code. */
export class Slabs {
  readonly #known = new Map<number, SharedArrayBuffer>();
  readonly #port: MessagePort;
  readonly #state: Int32Array;
  readonly #answer: Float64Array;

  constructor(setup: ThreadSetup) {
    this.#port = setup.syncPort;
    this.#state = new Int32Array(setup.sync);
    this.#answer = new Float64Array(setup.sync, SYNC.DATA, 4);
  }

  add(message: SlabMessage): void {
    this.#known.set(message.slab, message.buffer);
  }

  get(slab: number): SharedArrayBuffer {
    const buffer = this.#known.get(slab);
    if (buffer === undefined) throw new RuntimeError('ERR_INTERNAL', { reason: `slab ${slab} was not announced` });
    return buffer;
  }

  region(slab: number, offset: number, length: number): Uint8Array {
    return new Uint8Array(this.get(slab), offset, length);
  }

  /** Blocks the thread until the store has answered. Throws ERR_STORE_FULL. */
  reserve(bytes: number): ThreadReservation {
    Atomics.store(this.#state, SYNC.STATE, SYNC.ASKED);
    this.#port.postMessage({ reserve: bytes } satisfies ReserveRequest);
    Atomics.wait(this.#state, SYNC.STATE, SYNC.ASKED);
    const refusal = this.#drain();
    if (Atomics.load(this.#state, SYNC.STATE) === SYNC.REFUSED) throw refusedBecause(refusal);
    const [id, slab, offset, length] = this.#answer as unknown as [number, number, number, number];
    return { id, slab: this.get(slab), offset, length };
  }

  /** Slabs that came with the answer; the error of a refusal. */
  #drain(): ErrorInfo | undefined {
    let refusal: ErrorInfo | undefined;
    for (let next = receiveMessageOnPort(this.#port); next !== undefined; next = receiveMessageOnPort(this.#port)) {
      const message = next.message as SlabMessage | { readonly error: ErrorInfo };
      if ('error' in message) refusal = message.error;
      else this.add(message);
    }
    return refusal;
  }
}

function refusedBecause(refusal: ErrorInfo | undefined): RuntimeError {
  const code = (refusal?.code ?? 'ERR_INTERNAL') as ErrorCode;
  return new RuntimeError(code, refusal?.details ?? { reason: 'no shared memory was given' });
}
