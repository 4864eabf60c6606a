import { renameSync, statSync, unlinkSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { RuntimeError } from '../../common/errors.ts';
import { type Logger, silentLogger } from '../../common/logger.ts';
import type { DatumKind } from '../model/access.ts';
import type { VersionId } from '../model/ids.ts';
import type { ObjectStore, Reservation, StoredValue, StoreStats } from '../ports.ts';
import { createProcessFolder, type ProcessFolder } from './process-folder.ts';
import type { Block } from './region-allocator.ts';
import { SlabMemory } from './slab-memory.ts';
import { openSpillFile, type SpillFile } from './spill-file.ts';
import { type Entry, newEntry, VersionTable } from './store-entry.ts';

export interface ObjectStoreOptions {
  /** Most bytes of shared memory. */
  readonly limitBytes: number;
  /** Where values go that memory has no room for; absent: nowhere, the store is full sooner. */
  readonly spillDirectory?: string;
  /** Default: 90 % of what is free on that disk at the start. */
  readonly spillLimitBytes?: number;
  /** Share of the limit that is kept free, or free at once, by writing to disk in the background. Default 1/8; 0: off. */
  readonly writeAhead?: number;
  readonly log?: Logger;
}

/** Where a value can be read from without bringing it back into memory. Pinned until `release`. */
export type ReadableContent =
  | StoredValue
  | { readonly in: 'spill'; readonly fd: number; readonly position: number; readonly length: number };

export interface StoreReport {
  readonly version: VersionId;
  readonly bytes: number;
  readonly kind: DatumKind;
  readonly pins: number;
  readonly where: 'memory' | 'slab' | 'slab and disk' | 'spilled' | 'file';
  /** Files and directories. */
  readonly path?: string;
}

/** The object store of one process, with what the data plane and the inspection endpoints need beyond the port. */
export interface SlabStore extends ObjectStore {
  /** `reserve`, or a wait for room: rejects with ERR_STORE_FULL after `timeoutMs`. First come, first served. */
  reserveLater(bytes: number, timeoutMs: number): Promise<Reservation>;
  /** As `acquire`, but a spilled value stays on the disk. */
  open(version: VersionId): ReadableContent | undefined;
  /** Told of every `free`, also of versions that are not held. */
  onFree(listener: (version: VersionId) => void): void;
  report(): IterableIterator<StoreReport>;
}

export function createObjectStore(options: ObjectStoreOptions): SlabStore {
  const log = options.log ?? silentLogger;
  if (options.spillDirectory === undefined) return new LocalStore(options, log, undefined, undefined);
  const folder = createProcessFolder(options.spillDirectory, log);
  return new LocalStore(options, log, folder, openSpillFile(folder.path, options.spillLimitBytes, log));
}

interface Waiter {
  readonly bytes: number;
  readonly resolve: (reservation: Reservation) => void;
  readonly reject: (error: unknown) => void;
  readonly timer: NodeJS.Timeout;
}

const DEFAULT_WRITE_AHEAD = 1 / 8;

class LocalStore implements SlabStore {
  readonly #memory: SlabMemory;
  readonly #folder: ProcessFolder | undefined;
  readonly #spill: SpillFile | undefined;
  readonly #log: Logger;
  readonly #table = new VersionTable();
  /** Open reservations by offset. */
  readonly #reservations = new Map<number, Block<Entry>>();
  readonly #waiters: Waiter[] = [];
  readonly #freeListeners: ((version: VersionId) => void)[] = [];
  readonly #removals = new Set<Promise<void>>();
  #inlineBytes = 0;
  #pinned = 0;
  #removed = 0;
  #serving = false;

  constructor(
    options: ObjectStoreOptions,
    log: Logger,
    folder: ProcessFolder | undefined,
    spill: SpillFile | undefined,
  ) {
    this.#log = log;
    this.#folder = folder;
    this.#spill = spill;
    this.#memory = new SlabMemory({
      limitBytes: options.limitBytes,
      spill,
      writeAhead: options.writeAhead ?? DEFAULT_WRITE_AHEAD,
      log,
      onRoom: () => this.#serveWaiters(),
    });
  }

  putInline(version: VersionId, bytes: Uint8Array): void {
    this.#inlineBytes += bytes.length;
    this.#install(newEntry(version, { in: 'memory', bytes }, bytes.length));
  }

  putFile(version: VersionId, path: string, length: number, owned: boolean, encoded = false): void {
    const value = encoded ? ({ in: 'file', path, length, encoded } as const) : ({ in: 'file', path, length } as const);
    this.#install(newEntry(version, value, length, owned));
  }

  reserve(bytes: number): Reservation {
    const { slab } = this.#memory;
    if (bytes === 0) return { slab, offset: 0, length: 0 };
    const block = this.#memory.allocate(bytes);
    this.#reservations.set(block.start, block);
    return { slab, offset: block.start, length: bytes };
  }

  reserveLater(bytes: number, timeoutMs: number): Promise<Reservation> {
    return new Promise((resolve, reject) => {
      if (this.#waiters.length === 0) {
        const reservation = this.#tryReserve(bytes, reject);
        if (reservation !== undefined) return resolve(reservation);
        if (bytes > this.#memory.limitBytes) return;
      }
      const timer = setTimeout(() => this.#giveUp(waiter), timeoutMs);
      const waiter: Waiter = { bytes, resolve, reject, timer };
      this.#waiters.push(waiter);
    });
  }

  seal(version: VersionId, reservation: Reservation, length = reservation.length): void {
    if (length > reservation.length)
      throw internal(`seal of ${length} bytes in a reservation of ${reservation.length}`);
    const block = this.#closeReservation(reservation);
    if (block === undefined || length === 0) {
      if (block !== undefined) this.#memory.discard(block);
      this.putInline(version, new Uint8Array(0));
      return;
    }
    const entry = newEntry(version, undefined, length);
    this.#memory.install(entry, block);
    this.#install(entry);
  }

  discard(reservation: Reservation): void {
    const block = this.#closeReservation(reservation);
    if (block !== undefined) this.#memory.discard(block);
    this.#serveWaiters();
  }

  has(version: VersionId): boolean {
    return this.#table.get(version) !== undefined;
  }

  size(version: VersionId): number {
    return this.#table.get(version)?.length ?? 0;
  }

  acquire(version: VersionId): StoredValue | undefined {
    const entry = this.#table.get(version);
    if (entry === undefined) return undefined;
    if (entry.value === undefined) this.#memory.load(entry);
    this.#pin(entry);
    return entry.value;
  }

  open(version: VersionId): ReadableContent | undefined {
    const entry = this.#table.get(version);
    if (entry === undefined) return undefined;
    this.#pin(entry);
    if (entry.value !== undefined) return entry.value;
    const { extent, length } = entry;
    if (extent === undefined || this.#spill === undefined) throw internal(`version ${version} is nowhere`);
    return { in: 'spill', fd: this.#spill.fd, position: extent.start, length };
  }

  release(version: VersionId): void {
    const entry = this.#table.getPinned(version);
    if (entry === undefined || entry.pins === 0) throw internal(`release of version ${version}, which is not pinned`);
    entry.pins -= 1;
    if (entry.pins > 0) return;
    this.#pinned -= 1;
    if (entry.ghosts !== undefined) for (const ghost of entry.ghosts) this.#drop(ghost);
    entry.ghosts = undefined;
    if (entry.freed) {
      this.#table.remove(entry);
      this.#drop(entry);
    } else {
      this.#memory.retire(entry);
    }
    this.#serveWaiters();
  }

  free(version: VersionId): void {
    const entry = this.#table.get(version);
    for (const listener of this.#freeListeners) listener(version);
    if (entry === undefined) return;
    if (entry.pins > 0) {
      entry.freed = true;
      this.#table.setAside(entry);
      return;
    }
    this.#table.remove(entry);
    this.#drop(entry);
    this.#serveWaiters();
  }

  onFree(listener: (version: VersionId) => void): void {
    this.#freeListeners.push(listener);
  }

  stats(): StoreStats {
    return {
      versions: this.#table.size,
      pinned: this.#pinned,
      inlineBytes: this.#inlineBytes,
      regionBytes: this.#memory.usedBytes,
      slabBytes: this.#memory.peakBytes,
      spilledBytes: this.#spill?.usedBytes ?? 0,
    };
  }

  *report(): IterableIterator<StoreReport> {
    for (const entry of this.#table.entries()) {
      const { version, length: bytes, pins, value } = entry;
      if (value?.in !== 'file') yield { version, bytes, kind: 'value', pins, where: placeOf(entry) };
      else yield { version, bytes, kind: kindOf(value.path), pins, where: 'file', path: value.path };
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { timer, reject } of this.#waiters.splice(0)) {
      clearTimeout(timer);
      reject(internal('the object store has been closed'));
    }
    for (const entry of this.#table.entries()) if (entry.owned) this.#removeFile(entry);
    await Promise.all(this.#removals);
    await this.#spill?.[Symbol.asyncDispose]();
    await this.#folder?.[Symbol.asyncDispose]();
  }

  #pin(entry: Entry): void {
    entry.pins += 1;
    if (entry.pins > 1) return;
    this.#pinned += 1;
    this.#memory.engage(entry);
  }

  /**
   * Puts the entry into the table. An older content of the version lives on until its last pin goes. Of two versions of
   * one row the older is dead: its value came late, from an attempt that nobody waits for.
   */
  #install(entry: Entry): void {
    const previous = this.#table.getPinned(entry.version);
    if (previous !== undefined) this.#supersede(previous, entry);
    const other = this.#table.usurped(entry.version);
    if (other !== undefined && other.version > entry.version) {
      this.#log.debug({ version: entry.version }, 'dropped a value that came after its version was freed');
      this.#drop(entry);
      return;
    }
    if (other !== undefined) this.free(other.version);
    this.#table.put(entry);
    if (entry.pins === 0) this.#memory.retire(entry);
  }

  #supersede(previous: Entry, entry: Entry): void {
    this.#table.remove(previous);
    if (previous.pins === 0) {
      this.#drop(previous);
      return;
    }
    entry.pins = previous.pins;
    entry.ghosts = [...(previous.ghosts ?? []), previous];
  }

  #drop(entry: Entry): void {
    if (entry.value?.in === 'memory') this.#inlineBytes -= entry.length;
    if (entry.value?.in === 'file' && entry.owned) this.#removeFile(entry);
    this.#memory.drop(entry);
  }

  #removeFile({ value, version }: Entry): void {
    if (value?.in !== 'file') return;
    const { path } = value;
    try {
      unlinkSync(path);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'EISDIR' || code === 'EPERM') this.#removeDirectory(path);
      else if (code !== 'ENOENT') this.#log.warn({ path, version, error: String(error) }, 'cannot delete a file');
    }
  }

  /** Out of the way at once, so that the name can be used again; gone in the background. */
  #removeDirectory(path: string): void {
    this.#removed += 1;
    const aside = `${path}.freed-${process.pid}-${this.#removed}`;
    try {
      renameSync(path, aside);
    } catch (error) {
      this.#log.warn({ path, error: String(error) }, 'cannot delete a directory');
      return;
    }
    const removal = rm(aside, { recursive: true, force: true })
      .catch((error: unknown) => this.#log.warn({ path, error: String(error) }, 'cannot delete a directory'))
      .finally(() => this.#removals.delete(removal));
    this.#removals.add(removal);
  }

  /** Undefined for an empty reservation, which holds nothing. */
  #closeReservation({ offset, length }: Reservation): Block<Entry> | undefined {
    if (length === 0) return undefined;
    const block = this.#reservations.get(offset);
    if (block === undefined) throw internal(`no reservation at ${offset}`);
    this.#reservations.delete(offset);
    return block;
  }

  #serveWaiters(): void {
    if (this.#serving) return;
    this.#serving = true;
    while (this.#waiters.length > 0) {
      const waiter = this.#waiters[0] as Waiter;
      const reservation = this.#tryReserve(waiter.bytes, () => undefined);
      if (reservation === undefined) break;
      this.#waiters.shift();
      clearTimeout(waiter.timer);
      waiter.resolve(reservation);
    }
    this.#serving = false;
  }

  #tryReserve(bytes: number, tooLarge: (error: unknown) => void): Reservation | undefined {
    try {
      return this.reserve(bytes);
    } catch (error) {
      if (bytes > this.#memory.limitBytes) tooLarge(error);
      return undefined;
    }
  }

  #giveUp(waiter: Waiter): void {
    this.#waiters.splice(this.#waiters.indexOf(waiter), 1);
    try {
      waiter.resolve(this.reserve(waiter.bytes));
    } catch (error) {
      waiter.reject(error);
    }
    this.#serveWaiters();
  }
}

const internal = (reason: string): RuntimeError => new RuntimeError('ERR_INTERNAL', { reason });

function placeOf(entry: Entry): StoreReport['where'] {
  if (entry.value?.in === 'memory') return 'memory';
  if (entry.block === undefined) return 'spilled';
  return entry.extent === undefined ? 'slab' : 'slab and disk';
}

function kindOf(path: string): DatumKind {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ? 'directory' : 'file';
}
