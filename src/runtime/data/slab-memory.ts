import { RuntimeError } from '../../common/errors.ts';
import type { Logger } from '../../common/logger.ts';
import { IdleList } from './idle-list.ts';
import { type Block, cheapestWindow, RegionAllocator } from './region-allocator.ts';
import type { SpillFile } from './spill-file.ts';
import type { Entry } from './store-entry.ts';

export interface SlabMemoryOptions {
  readonly limitBytes: number;
  readonly spill: SpillFile | undefined;
  /** Share of the limit that write-behind keeps free or free at once. */
  readonly writeAhead: number;
  readonly log: Logger;
  /** Room may have been made. */
  readonly onRoom: () => void;
}

const WRITES_AT_ONCE = 2;
/** After a refused write the disk is left alone for so long. */
const WRITE_PAUSE_MS = 1_000;
const SMALLEST_SLAB = 64 * 2 ** 20;

/**
 * The shared memory of the store and who lies where. One SharedArrayBuffer of the whole limit, made at first use: the
 * system gives it pages as they are touched, any value fits that fits the limit, and nothing depends on V8 freeing shared
 * buffers, which it does not do under pressure. See docs/adr/one-slab.md.
 */
export class SlabMemory {
  readonly #allocator: RegionAllocator<Entry>;
  readonly #options: SlabMemoryOptions;
  #slab: SharedArrayBuffer | undefined;
  /** Unpinned values with a copy on the spill disk, and without. */
  readonly #clean = new IdleList();
  readonly #dirty = new IdleList();
  readonly #writing = new Set<Entry>();
  #writes = 0;
  #pausedUntil = 0;

  constructor(options: SlabMemoryOptions) {
    this.#options = options;
    this.#allocator = new RegionAllocator(options.limitBytes);
  }

  get usedBytes(): number {
    return this.#allocator.usedBytes;
  }

  /** The most that was ever in use: what the process may hold of the slab. */
  get peakBytes(): number {
    return this.#allocator.peak;
  }

  get limitBytes(): number {
    return this.#allocator.capacity;
  }

  get slab(): SharedArrayBuffer {
    this.#slab ??= this.#makeSlab();
    return this.#slab;
  }

  /** Throws ERR_STORE_FULL. */
  allocate(bytes: number): Block<Entry> {
    if (this.#slab === undefined) this.#slab = this.#makeSlab();
    const block = this.#allocator.allocate(bytes) ?? this.#makeRoom(bytes);
    this.#writeBehind();
    return block;
  }

  discard(block: Block<Entry>): void {
    this.#allocator.release(block);
  }

  /** The block becomes the content of the entry, cut to its length. */
  install(entry: Entry, block: Block<Entry>): void {
    this.#allocator.shrink(block, entry.length);
    this.#place(entry, block);
  }

  /** The entry has been pinned: it stays where it is. */
  engage(entry: Entry): void {
    entry.list?.remove(entry);
  }

  /** Nobody has the entry pinned. */
  retire(entry: Entry): void {
    if (entry.block === undefined || entry.writing !== 0) return;
    (entry.extent === undefined ? this.#dirty : this.#clean).add(entry);
    this.#writeBehind();
  }

  /** Brings a spilled value back; throws ERR_STORE_FULL or ERR_DATA_UNREADABLE, and then nothing has changed. */
  load(entry: Entry): void {
    const { spill } = this.#options;
    if (entry.extent === undefined || spill === undefined) return;
    const block = this.allocate(entry.length);
    try {
      spill.readSync(entry.extent, new Uint8Array(this.slab, block.start, entry.length));
    } catch (cause) {
      this.#allocator.release(block);
      throw new RuntimeError('ERR_DATA_UNREADABLE', { version: entry.version, reason: String(cause) }, { cause });
    }
    this.#place(entry, block);
  }

  /** The entry is gone: its memory and its room on the disk are free. */
  drop(entry: Entry): void {
    entry.list?.remove(entry);
    this.#abandonWrite(entry);
    if (entry.block !== undefined) this.#allocator.release(entry.block);
    if (entry.extent !== undefined) this.#options.spill?.free(entry.extent);
    entry.block = undefined;
    entry.extent = undefined;
  }

  #makeSlab(): SharedArrayBuffer {
    for (let bytes = this.#allocator.capacity; ; bytes /= 2) {
      try {
        const slab = new SharedArrayBuffer(bytes);
        if (bytes < this.#allocator.capacity) {
          this.#options.log.warn({ limitBytes: this.limitBytes, bytes }, 'the system refuses a slab of the limit');
          this.#allocator.capacity = bytes;
        }
        return slab;
      } catch (cause) {
        if (bytes / 2 < SMALLEST_SLAB) throw new RuntimeError('ERR_STORE_FULL', this.#fullDetails(0, ''), { cause });
      }
    }
  }

  #place(entry: Entry, block: Block<Entry>): void {
    block.owner = entry;
    entry.block = block;
    entry.value = { in: 'slab', slab: this.slab, offset: block.start, length: entry.length };
  }

  /** Takes idle values away, oldest first, until enough is free; then moves others aside if it is free in pieces. */
  #makeRoom(bytes: number): Block<Entry> {
    if (bytes > this.limitBytes) throw this.#full(bytes, 'it is larger than the whole store');
    while (!this.#allocator.fits(bytes)) {
      if (!this.#evictOne()) throw this.#full(bytes, this.#spillRefusal());
      const block = this.#allocator.allocate(bytes);
      if (block !== undefined) return block;
    }
    const block = this.#compact(bytes);
    if (block === undefined) throw this.#full(bytes, 'pinned values leave no room in one piece');
    return block;
  }

  #evictOne(): boolean {
    const clean = this.#clean.oldest;
    if (clean !== undefined) {
      this.#unload(clean);
      return true;
    }
    for (let victim = this.#dirty.oldest; victim !== undefined; victim = victim.newer)
      if (this.#spillNow(victim)) return true;
    for (const victim of this.#writing) {
      if (victim.pins > 0 || !this.#spillNow(victim)) continue;
      return true;
    }
    return false;
  }

  /** Writes the value out while the caller waits. */
  #spillNow(entry: Entry): boolean {
    const extent = this.#options.spill?.writeSync(this.#bytesOf(entry));
    if (extent === undefined) return false;
    entry.extent = extent;
    this.#abandonWrite(entry);
    this.#unload(entry);
    return true;
  }

  /** A write-behind of the entry that is under way goes on for nothing: the memory it reads may change. */
  #abandonWrite(entry: Entry): void {
    entry.writing = 0;
    this.#writing.delete(entry);
  }

  #unload(entry: Entry): void {
    entry.list?.remove(entry);
    if (entry.block !== undefined) this.#allocator.release(entry.block);
    entry.block = undefined;
    entry.value = undefined;
  }

  /** Empties the cheapest stretch of memory that is long enough. */
  #compact(bytes: number): Block<Entry> | undefined {
    const allocator = this.#allocator;
    const window = cheapestWindow(allocator, bytes, isIdle);
    if (window === undefined) return undefined;
    const held = window.filter((block) => block.free);
    for (const block of held) allocator.take(block);
    const capacity = allocator.capacity;
    allocator.capacity = allocator.tail; // the tail may be part of the window: nothing moves there
    const moved = window.every((block) => {
      if (block.owner === undefined) return true;
      if (!this.#moveAway(block.owner)) return false;
      block.owner = undefined;
      held.push(block);
      return true;
    });
    allocator.capacity = capacity;
    for (const block of held) allocator.release(block);
    return moved ? allocator.allocate(bytes) : undefined;
  }

  /** To another place in memory, else to the disk. Its old block stays taken. */
  #moveAway(entry: Entry): boolean {
    const from = entry.block as Block<Entry>;
    const target = this.#allocator.allocate(entry.length);
    if (target === undefined) entry.extent ??= this.#options.spill?.writeSync(this.#bytesOf(entry));
    if (target === undefined && entry.extent === undefined) return false;
    this.#abandonWrite(entry);
    entry.list?.remove(entry);
    if (target !== undefined) {
      new Uint8Array(this.slab).copyWithin(target.start, from.start, from.start + entry.length);
      this.#place(entry, target);
      (entry.extent === undefined ? this.#dirty : this.#clean).add(entry);
      return true;
    }
    entry.block = undefined;
    entry.value = undefined;
    return true;
  }

  /** Copies the oldest values to the disk before memory runs out, so that `allocate` seldom waits for the disk. */
  #writeBehind(): void {
    const { spill, writeAhead } = this.#options;
    if (spill === undefined || writeAhead === 0) return;
    const wanted = this.limitBytes * writeAhead;
    for (let entry = this.#dirty.oldest; entry !== undefined; entry = this.#dirty.oldest) {
      const ready = this.limitBytes - this.usedBytes + this.#clean.bytes;
      if (ready >= wanted || this.#writing.size >= WRITES_AT_ONCE || performance.now() < this.#pausedUntil) return;
      this.#writeOut(entry, spill);
    }
  }

  #writeOut(entry: Entry, spill: SpillFile): void {
    this.#writes += 1;
    const number = this.#writes;
    entry.list?.remove(entry);
    entry.writing = number;
    this.#writing.add(entry);
    spill.write(this.#bytesOf(entry), (extent) => {
      if (entry.writing !== number) {
        if (extent !== undefined) spill.free(extent);
      } else {
        entry.writing = 0;
        entry.extent = extent;
        this.#writing.delete(entry);
        if (extent === undefined) this.#pausedUntil = performance.now() + WRITE_PAUSE_MS;
        if (entry.pins === 0) this.retire(entry);
        this.#options.onRoom();
      }
      this.#writeBehind();
    });
  }

  #bytesOf(entry: Entry): Uint8Array {
    return new Uint8Array(this.slab, entry.block?.start, entry.length);
  }

  #spillRefusal(): string {
    const { spill } = this.#options;
    if (this.#dirty.oldest === undefined && this.#writing.size === 0) return 'all of it is in use';
    if (spill === undefined) return 'there is no spill directory';
    return `the spill disk takes no more: ${spill.refusal ?? 'it is full'}`;
  }

  #full(bytes: number, reason: string): RuntimeError {
    return new RuntimeError('ERR_STORE_FULL', this.#fullDetails(bytes, reason));
  }

  #fullDetails(bytes: number, reason: string): Record<string, string | number> {
    let idleBytes = this.#clean.bytes + this.#dirty.bytes;
    for (const entry of this.#writing) if (entry.pins === 0) idleBytes += entry.block?.length ?? 0;
    return {
      bytes,
      reason: reason === '' ? 'the system gives no shared memory' : reason,
      limitBytes: this.limitBytes,
      pinnedBytes: this.usedBytes - idleBytes,
      spilledBytes: this.#options.spill?.usedBytes ?? 0,
    };
  }
}

const isIdle = (entry: Entry): boolean => entry.list !== undefined || (entry.writing !== 0 && entry.pins === 0);
