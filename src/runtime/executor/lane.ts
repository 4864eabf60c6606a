import { once } from 'node:events';
import { MessageChannel, type MessagePort, type Worker } from 'node:worker_threads';
import type { Piscina } from 'piscina';
import { toErrorInfo } from '../../common/errors.ts';
import { encode } from '../data/value-codec.ts';
import type { CoreElement, Implementation } from '../model/core-element.ts';
import type { CoreId } from '../model/ids.ts';
import type { ObjectStore, Reservation } from '../ports.ts';
import { BatchReader, BatchWriter } from './batch.ts';
import { readOutcome, type ThreadOutcome } from './outcome-record.ts';
import {
  CLAIM,
  FROM_THREAD,
  type ReserveRequest,
  RUN_FLAG,
  SLOTS,
  type SlabMessage,
  SYNC,
  type ThreadImplementation,
  type ThreadSetup,
  TO_THREAD,
} from './protocol.ts';
import type { Run } from './run.ts';
import { implementationKey, writeRun } from './run-record.ts';

/** What a lane tells the executor. Calls come in the order of the thread's records. */
export interface LaneEvents {
  started(run: Run): void;
  settled(run: Run, outcome: ThreadOutcome, ranMs: number): void;
  suspended(run: Run, received: number): void;
  output(run: Run | undefined, stream: 'stdout' | 'stderr', chunk: Uint8Array): void;
  /** A record about the scope of the attempt; reads its words. */
  scopeCall(run: Run | undefined, record: number, batch: BatchReader): void;
  /** A batch has been read to its end. */
  batchDone(lane: Lane): void;
  /** The thread has ended; nothing comes from it any more. Not after `close`. */
  gone(lane: Lane, reason: string): void;
}

export interface LaneOptions {
  readonly pool: Piscina<ThreadSetup, void>;
  readonly store: ObjectStore;
  readonly codePaths: readonly string[];
  readonly publicEntry: string;
  readonly checkInputs: boolean;
}

/** A thread as the executor sees it: what has been given to it, and the wire to it. */
export class Lane {
  readonly out = new BatchWriter();
  /** Attempts that wait for tasks of their own; attempts that did and go on, beside `given`. */
  suspended = 0;
  resumed = 0;
  ready = false;
  /** Core elements by the thread's own numbers, and the agent's numbers of them. */
  readonly elements: CoreElement[] = [];
  readonly coreIds: CoreId[] = [];
  readonly #events: LaneEvents;
  readonly #store: ObjectStore;
  readonly #pool: Piscina<ThreadSetup, void>;
  readonly #port: MessagePort;
  readonly #syncPort: MessagePort;
  readonly #claims = new Int32Array(new SharedArrayBuffer(SLOTS * Int32Array.BYTES_PER_ELEMENT));
  readonly #sync = new SharedArrayBuffer(SYNC.BYTES);
  readonly #slots: (Run | undefined)[] = [];
  readonly #freeSlots: number[] = [];
  /** Numbers on this thread: by the object that requests share, and by what it says. */
  readonly #implementations = new WeakMap<Implementation, number>();
  readonly #implementationKeys = new Map<string, number>();
  readonly #slabs: SharedArrayBuffer[] = [];
  /** Slabs that the thread knows from either port; a blocked thread reads only the synchronous one. */
  readonly #announced = [new Set<number>(), new Set<number>()] as const;
  readonly #reservations = new Map<number, Reservation>();
  readonly #abort = new AbortController();
  readonly #ended: Promise<void>;
  #nextReservation = 0;
  /** Given attempts that neither wait nor have waited, oldest first. */
  #given: Run[] = [];
  #worker: Worker | undefined;
  #state: 'open' | 'closing' | 'dying' = 'open';

  constructor(options: LaneOptions, events: LaneEvents) {
    this.#events = events;
    this.#store = options.store;
    this.#pool = options.pool;
    const main = new MessageChannel();
    const sync = new MessageChannel();
    this.#port = main.port1;
    this.#syncPort = sync.port1;
    this.#port.on('message', (batch: ArrayBuffer) => this.#receive(batch));
    this.#syncPort.on('message', (request: ReserveRequest) => this.#reserve(request.reserve));
    const setup: ThreadSetup = {
      port: main.port2,
      syncPort: sync.port2,
      sync: this.#sync,
      claims: this.#claims.buffer as SharedArrayBuffer,
      codePaths: options.codePaths,
      publicEntry: options.publicEntry,
      checkInputs: options.checkInputs,
    };
    const running = options.pool.run(setup, {
      transferList: [main.port2, sync.port2],
      signal: this.#abort.signal,
    });
    this.#ended = running.then(
      () => this.#onEnd('it closed its port'),
      (error: unknown) => this.#onError(error),
    );
  }

  /** Given attempts that have not settled and do not wait. */
  get load(): number {
    return this.#given.length;
  }

  get front(): Run | undefined {
    return this.#given[0];
  }

  get idle(): boolean {
    return this.#given.length === 0 && this.resumed === 0 && this.suspended === 0;
  }

  get residents(): number {
    return this.#given.length + this.resumed + this.suspended;
  }

  get open(): boolean {
    return this.#state === 'open';
  }

  get full(): boolean {
    return this.#slots.length >= SLOTS && this.#freeSlots.length === 0;
  }

  /** Everything on this thread that has not settled. */
  runs(): Run[] {
    return this.#slots.filter((run) => run !== undefined);
  }

  /** Puts an attempt at the end of the thread's queue; goes out with `flush`. */
  give(run: Run): void {
    const slot = this.#freeSlots.pop() ?? this.#slots.length;
    this.#slots[slot] = run;
    run.slot = slot;
    run.lane = this;
    run.state = 'given';
    this.#given.push(run);
    Atomics.store(this.#claims, slot, CLAIM.QUEUED);
    const { request } = run;
    const implementation = this.#implementation(run);
    const flags =
      (this.suspended > 0 ? RUN_FLAG.SHARE : 0) |
      (request.timeOutMs ? RUN_FLAG.ANNOUNCE : 0) |
      (request.preserveInputs ? 0 : RUN_FLAG.IN_PLACE);
    writeRun(this.out, request, { slot, implementation, flags }, this.slabNumber);
  }

  /** Takes an attempt back that has not begun. Its slot stays taken until the thread has passed over it. */
  recall(run: Run): boolean {
    const { slot } = run;
    const before = Atomics.compareExchange(this.#claims, slot, CLAIM.QUEUED, CLAIM.RECALLED);
    if (before !== CLAIM.QUEUED) return false;
    this.#slots[slot] = undefined;
    this.#leave(run);
    run.lane = undefined;
    run.state = 'queued';
    return true;
  }

  /** The thread has begun with it, as far as one can see from here. */
  hasBegun(run: Run): boolean {
    return Atomics.load(this.#claims, run.slot) === CLAIM.CLAIMED;
  }

  /** From the end of the queue: those that may still be taken back are the last. */
  lastGiven(count: number): Run[] {
    return this.#given.slice(-count).reverse();
  }

  suspend(run: Run): void {
    if (!this.#leave(run)) this.resumed -= 1;
    this.suspended += 1;
  }

  resume(): void {
    this.suspended -= 1;
    this.resumed += 1;
  }

  abort(run: Run, reason: string): void {
    this.out.word(TO_THREAD.ABORT);
    this.out.word(run.slot);
    this.out.text(reason);
  }

  flush(): void {
    if (this.out.empty) return;
    const batch = this.out.take();
    this.#port.postMessage(batch, [batch]);
  }

  /** Number of a slab on this thread, which is told about it before it can be used. */
  readonly slabNumber = (slab: SharedArrayBuffer): number => this.#announce(slab, 0);

  /** A reservation that the thread holds, which is the caller's from now on. */
  takeReservation(id: number): Reservation {
    const reservation = this.#reservations.get(id);
    if (reservation === undefined) throw new Error(`the thread names reservation ${id}, which it does not hold`);
    this.#reservations.delete(id);
    return reservation;
  }

  /** Ends the thread when it is idle. */
  async close(): Promise<void> {
    if (this.#state === 'open') {
      this.#state = 'closing';
      this.out.word(TO_THREAD.CLOSE);
      this.flush();
    }
    await this.#ended;
  }

  /** Stops the code for good. `gone` follows when the thread no longer exists. */
  kill(reason: string): void {
    if (this.#state === 'dying') return;
    this.#state = 'dying';
    const worker = this.#worker ?? this.#pool.threads.find((thread) => thread.threadId === this.#threadId);
    this.#exited = worker === undefined ? Promise.resolve() : once(worker, 'exit');
    this.#abort.abort(new Error(reason));
  }

  #exited: Promise<unknown> = Promise.resolve();
  #threadId = -1;

  async #onError(error: unknown): Promise<void> {
    const reason = this.#abort.signal.aborted ? (this.#abort.signal.reason as Error) : error;
    await this.#exited;
    this.#onEnd(reason instanceof Error ? reason.message : String(reason));
  }

  #onEnd(reason: string): void {
    const expected = this.#state === 'closing';
    this.#port.close();
    this.#syncPort.close();
    for (const reservation of this.#reservations.values()) this.#store.discard(reservation);
    this.#reservations.clear();
    if (expected && this.residents === 0) return;
    this.#state = 'dying';
    this.#events.gone(this, reason);
  }

  #implementation({ request }: Run): number {
    const known = this.#implementations.get(request.implementation);
    if (known !== undefined) return known;
    const key = implementationKey(request.signature, request.implementation);
    const index = this.#implementationKeys.get(key) ?? this.#implementationKeys.size;
    this.#implementations.set(request.implementation, index);
    if (this.#implementationKeys.has(key)) return index;
    this.#implementationKeys.set(key, index);
    const { module, method } = request.implementation;
    this.out.word(TO_THREAD.IMPLEMENTATION);
    this.out.word(index);
    this.out.bytes(encode({ signature: request.signature, module, method } satisfies ThreadImplementation));
    return index;
  }

  /** A slab message overtakes the batch that is being written, which is what it is for. */
  #announce(slab: SharedArrayBuffer, port: 0 | 1): number {
    let number = this.#slabs.indexOf(slab);
    if (number < 0) number = this.#slabs.push(slab) - 1;
    if (!this.#announced[port].has(number)) {
      this.#announced[port].add(number);
      const message: SlabMessage = { slab: number, buffer: slab };
      (port === 0 ? this.#port : this.#syncPort).postMessage(message);
    }
    return number;
  }

  #reserve(bytes: number): void {
    const state = new Int32Array(this.#sync);
    let verdict: number = SYNC.ANSWERED;
    try {
      const reservation = this.#store.reserve(bytes);
      const id = this.#nextReservation++;
      this.#reservations.set(id, reservation);
      const slab = this.#announce(reservation.slab, 1);
      new Float64Array(this.#sync, SYNC.DATA, 4).set([id, slab, reservation.offset, reservation.length]);
    } catch (error) {
      verdict = SYNC.REFUSED;
      this.#syncPort.postMessage({ error: toErrorInfo(error) });
    }
    Atomics.store(state, SYNC.STATE, verdict);
    Atomics.notify(state, SYNC.STATE);
  }

  #receive(buffer: ArrayBuffer): void {
    const batch = new BatchReader(buffer);
    while (!batch.done) this.#record(batch, batch.word());
    this.#events.batchDone(this);
  }

  #record(batch: BatchReader, record: number): void {
    switch (record) {
      case FROM_THREAD.READY:
        this.ready = true;
        this.#threadId = batch.word();
        this.#worker = this.#pool.threads.find((thread) => thread.threadId === this.#threadId);
        break;
      case FROM_THREAD.SETTLED:
        this.#settled(batch);
        break;
      case FROM_THREAD.STARTED:
        this.#events.started(this.#slots[batch.word()]!);
        break;
      case FROM_THREAD.SKIPPED:
        this.#freeSlots.push(batch.word());
        break;
      case FROM_THREAD.OUTPUT:
        this.#output(this.#slots[batch.word()], batch);
        break;
      case FROM_THREAD.STRAY_OUTPUT:
        this.#output(undefined, batch);
        break;
      case FROM_THREAD.SUSPENDED:
        this.#events.suspended(this.#slots[batch.word()]!, batch.word());
        break;
      case FROM_THREAD.DISCARD:
        this.#store.discard(this.takeReservation(batch.word()));
        break;
      default:
        this.#events.scopeCall(this.#slots[batch.word()], record, batch);
    }
  }

  #output(run: Run | undefined, batch: BatchReader): void {
    const stream = batch.word() === 1 ? 'stdout' : 'stderr';
    this.#events.output(run, stream, batch.bytes());
  }

  #settled(batch: BatchReader): void {
    const slot = batch.word();
    const { outcome, ranMs } = readOutcome(batch);
    const run = this.#slots[slot]!;
    this.#slots[slot] = undefined;
    this.#freeSlots.push(slot);
    if (run.state === 'suspended' || run.state === 'resuming') this.suspended -= 1;
    else if (!this.#leave(run)) this.resumed -= 1;
    this.#events.settled(run, outcome, ranMs);
  }

  /** False when it was not among the given: it has waited before. */
  #leave(run: Run): boolean {
    const given = this.#given;
    if (given[0] === run) {
      given.shift();
      return true;
    }
    const position = given.lastIndexOf(run);
    if (position < 0) return false;
    given.splice(position, 1);
    return true;
  }
}
