import { MessageChannel, type MessagePort } from 'node:worker_threads';
import { type ErrorInfo, toErrorInfo } from '../../common/errors.ts';
import { encode } from '../data/value-codec.ts';
import type { ExecutionRequest, ObjectStore, Reservation } from '../ports.ts';
import { BatchReader, BatchWriter } from './batch.ts';
import {
  CLAIM,
  type ReserveRequest,
  SLOTS,
  type SlabMessage,
  SYNC,
  type ThreadImplementation,
  type ThreadSetup,
  TO_THREAD,
} from './protocol.ts';
import { type RunPlace, writeRun } from './run-record.ts';

/** One number a slab, the same on all threads: slabs live as long as the store. */
export class SlabNumbers {
  readonly #numbers = new Map<SharedArrayBuffer, number>();

  of(slab: SharedArrayBuffer): number {
    let number = this.#numbers.get(slab);
    if (number === undefined) {
      number = this.#numbers.size;
      this.#numbers.set(slab, number);
    }
    return number;
  }
}

/** What a thread is started with, beyond its ports. */
export type ThreadSettings = Pick<ThreadSetup, 'codePaths' | 'publicEntry' | 'checkInputs'>;

export interface ThreadHostParts {
  readonly store: ObjectStore;
  readonly slabs: SlabNumbers;
  /** Starts the thread's one long run; ends when the thread has left or died. */
  readonly run: (setup: ThreadSetup, transfer: MessagePort[], signal: AbortSignal) => Promise<void>;
  readonly received: (batch: BatchReader) => void;
  /** The thread is gone without having been asked to leave. */
  readonly died: (reason: string) => void;
}

/**
 * The executor's end of one thread: ports, claim words, shared memory given to it. Knows nothing of what attempts mean.
 */
export class ThreadHost {
  /** Ends with the thread, however it ends. */
  readonly ended: Promise<void>;
  readonly #parts: ThreadHostParts;
  readonly #port: MessagePort;
  readonly #syncPort: MessagePort;
  readonly #syncState: Int32Array;
  readonly #syncAnswer: Float64Array;
  readonly #claims: Int32Array;
  readonly #out = new BatchWriter();
  readonly #kill = new AbortController();
  readonly #freeSlots: number[] = [];
  #slotsUsed = 0;
  /** Slabs and implementations that the thread has been told of; over each port apart, since their order differs. */
  readonly #told = new Set<number>();
  readonly #toldSync = new Set<number>();
  readonly #implementations = new Set<number>();
  readonly #reservations = new Map<number, Reservation>();
  #nextReservation = 0;
  #gone = false;

  constructor(settings: ThreadSettings, parts: ThreadHostParts) {
    this.#parts = parts;
    const [main, sync] = [new MessageChannel(), new MessageChannel()];
    this.#port = main.port1;
    this.#syncPort = sync.port1;
    const words = new SharedArrayBuffer(SYNC.BYTES);
    const claims = new SharedArrayBuffer(SLOTS * Int32Array.BYTES_PER_ELEMENT);
    this.#syncState = new Int32Array(words);
    this.#syncAnswer = new Float64Array(words, SYNC.DATA, 4);
    this.#claims = new Int32Array(claims);
    this.#port.on('message', (buffer: ArrayBuffer) => parts.received(new BatchReader(buffer)));
    this.#syncPort.on('message', (request: ReserveRequest) => this.#reserve(request.reserve));
    const setup: ThreadSetup = { ...settings, port: main.port2, syncPort: sync.port2, sync: words, claims };
    this.ended = this.#follow(parts.run(setup, [main.port2, sync.port2], this.#kill.signal));
  }

  async #follow(run: Promise<void>): Promise<void> {
    const reason = await run.then(
      () => undefined,
      (error: unknown) => (error instanceof Error ? error.message : String(error)),
    );
    this.#port.close();
    this.#syncPort.close();
    for (const reservation of this.#reservations.values()) this.#parts.store.discard(reservation);
    this.#reservations.clear();
    if (this.#gone) return;
    this.#gone = true;
    this.#parts.died(reason ?? 'the thread left by itself');
  }

  /** Undefined when the thread knows of as many attempts as it can. */
  takeSlot(): number | undefined {
    const slot = this.#freeSlots.pop() ?? (this.#slotsUsed < SLOTS ? this.#slotsUsed++ : undefined);
    if (slot !== undefined) Atomics.store(this.#claims, slot, CLAIM.QUEUED);
    return slot;
  }

  freeSlot(slot: number): void {
    Atomics.store(this.#claims, slot, CLAIM.FREE);
    this.#freeSlots.push(slot);
  }

  /** True when the thread had not begun the attempt: it will skip it. */
  recall(slot: number): boolean {
    return Atomics.compareExchange(this.#claims, slot, CLAIM.QUEUED, CLAIM.RECALLED) === CLAIM.QUEUED;
  }

  isClaimed(slot: number): boolean {
    return Atomics.load(this.#claims, slot) === CLAIM.CLAIMED;
  }

  run(request: ExecutionRequest, place: RunPlace, implementation: ThreadImplementation): void {
    if (!this.#implementations.has(place.implementation)) {
      this.#implementations.add(place.implementation);
      this.#out.word(TO_THREAD.IMPLEMENTATION);
      this.#out.word(place.implementation);
      this.#out.bytes(encode(implementation));
    }
    writeRun(this.#out, request, place, this.slabNumber);
  }

  /** Number of a slab for a record in the next batch; the thread gets to know the slab before that batch. */
  readonly slabNumber = (slab: SharedArrayBuffer): number => {
    const number = this.#parts.slabs.of(slab);
    if (!this.#told.has(number)) {
      this.#told.add(number);
      this.#port.postMessage({ slab: number, buffer: slab } satisfies SlabMessage);
    }
    return number;
  };

  /** The batch under way, for records that this class does not know. */
  get out(): BatchWriter {
    return this.#out;
  }

  abort(slot: number, reason: string): void {
    this.#out.word(TO_THREAD.ABORT);
    this.#out.word(slot);
    this.#out.bytes(encode(reason));
  }

  flush(): void {
    if (this.#out.empty || this.#gone) return;
    const batch = this.#out.take();
    this.#port.postMessage(batch, [batch]);
  }

  /** Takes over a reservation that an output or a datum has used. */
  take(id: number): Reservation | undefined {
    const reservation = this.#reservations.get(id);
    this.#reservations.delete(id);
    return reservation;
  }

  discard(id: number): void {
    const reservation = this.take(id);
    if (reservation !== undefined) this.#parts.store.discard(reservation);
  }

  /** Asks the thread to leave when it has nothing more to do. */
  close(): void {
    if (this.#gone) return;
    this.#out.word(TO_THREAD.CLOSE);
    this.flush();
    this.#gone = true;
  }

  /** Ends the thread in the middle of whatever it does; `died` is not called. */
  kill(): void {
    this.#gone = true;
    this.#kill.abort();
  }

  #reserve(bytes: number): void {
    try {
      const reservation = this.#parts.store.reserve(bytes);
      const id = this.#nextReservation++;
      this.#reservations.set(id, reservation);
      const slab = this.#parts.slabs.of(reservation.slab);
      if (!this.#toldSync.has(slab)) {
        this.#toldSync.add(slab);
        this.#syncPort.postMessage({ slab, buffer: reservation.slab } satisfies SlabMessage);
      }
      this.#syncAnswer.set([id, slab, reservation.offset, reservation.length]);
      this.#answer(SYNC.ANSWERED);
    } catch (error) {
      this.#syncPort.postMessage({ error: toErrorInfo(error) } satisfies { error: ErrorInfo });
      this.#answer(SYNC.REFUSED);
    }
  }

  #answer(state: number): void {
    Atomics.store(this.#syncState, SYNC.STATE, state);
    Atomics.notify(this.#syncState, SYNC.STATE);
  }
}
