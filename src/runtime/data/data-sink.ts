import type { VersionId } from '../model/ids.ts';
import { INLINE_BYTES, type Reservation } from '../ports.ts';
import type { SlabStore } from './object-store.ts';

/** Where the bytes of one pull go. Filled from front to back; nobody sees them before `finish`. */
export interface DataSink {
  readonly size: number;
  /** Makes room. Rejects when there is none. */
  prepare(): Promise<void> | undefined;
  /** Room for the chunk at `offset`; the last one that was given is reused when it was not kept. */
  buffer(offset: number, length: number): Uint8Array;
  /** The chunk is good. A promise: the next one has to wait. */
  keep(offset: number, length: number): Promise<void> | undefined;
  /** Puts the whole into the store. */
  finish(): Promise<void> | undefined;
  /** Gives everything back; the end of it is waited for at close. */
  discard(): Promise<void> | undefined;
}

/** A value: straight into the slab, or onto the heap when it is small. */
export class MemorySink implements DataSink {
  readonly size: number;
  readonly #store: SlabStore;
  readonly #version: VersionId;
  readonly #roomWaitMs: number;
  #bytes: Uint8Array = new Uint8Array(0);
  #reservation: Reservation | undefined;
  #discarded = false;

  constructor(store: SlabStore, version: VersionId, size: number, roomWaitMs: number) {
    this.#store = store;
    this.#version = version;
    this.size = size;
    this.#roomWaitMs = roomWaitMs;
  }

  prepare(): Promise<void> | undefined {
    if (this.size <= INLINE_BYTES) {
      this.#bytes = new Uint8Array(this.size);
      return undefined;
    }
    return this.#store.reserveLater(this.size, this.#roomWaitMs).then((reservation) => {
      if (this.#discarded) return this.#store.discard(reservation);
      this.#reservation = reservation;
      this.#bytes = new Uint8Array(reservation.slab, reservation.offset, reservation.length);
    });
  }

  buffer(offset: number, length: number): Uint8Array {
    return this.#bytes.subarray(offset, offset + length);
  }

  keep(): undefined {
    return undefined;
  }

  finish(): undefined {
    if (this.#reservation === undefined) this.#store.putInline(this.#version, this.#bytes);
    else this.#store.seal(this.#version, this.#reservation);
    return undefined;
  }

  discard(): undefined {
    this.#discarded = true;
    if (this.#reservation !== undefined) this.#store.discard(this.#reservation);
    return undefined;
  }
}
