/**
 * Sub-allocates one address space (a slab, a spill file) in granules, by size class, with coalescing. Knows nothing of
 * what lies there: `owner` is the caller's.
 *
 * Free blocks hang in one list per size class (eight classes per doubling); the part that was never used, or was freed
 * up to the end, is the tail and is taken last, so that little memory is touched as long as little is in use.
 */
export const GRANULE = 16_384;

const STEP_BITS = 3;
const STEPS = 1 << STEP_BITS;
const CLASSES = 256;
/** Blocks of the request's own class looked at before a larger class is split. */
const NEAR_FITS = 8;

export interface Block<Owner> {
  readonly start: number;
  length: number;
  owner: Owner | undefined;
  free: boolean;
  left: Block<Owner> | undefined;
  right: Block<Owner> | undefined;
  nextFree: Block<Owner> | undefined;
  prevFree: Block<Owner> | undefined;
}

export class RegionAllocator<Owner> {
  /** Bytes; may be lowered or raised at any time. */
  capacity: number;
  #tail = 0;
  #peak = 0;
  #used = 0;
  #first: Block<Owner> | undefined;
  #last: Block<Owner> | undefined;
  readonly #bins: (Block<Owner> | undefined)[] = new Array<Block<Owner> | undefined>(CLASSES).fill(undefined);
  /** Bit per class: the list is not empty. */
  readonly #filled = new Uint32Array(CLASSES / 32);

  constructor(capacity: number) {
    this.capacity = capacity - (capacity % GRANULE);
  }

  get usedBytes(): number {
    return this.#used;
  }

  /** End of the highest block in use, and the highest it ever was. */
  get tail(): number {
    return this.#tail;
  }

  get peak(): number {
    return this.#peak;
  }

  allocate(bytes: number, owner?: Owner): Block<Owner> | undefined {
    const length = roundUp(bytes);
    const block = this.#takeFree(length) ?? this.#takeTail(length);
    if (block === undefined) return undefined;
    this.#used += block.length;
    block.owner = owner;
    return block;
  }

  release(block: Block<Owner>): void {
    this.#used -= block.length;
    block.owner = undefined;
    this.#insert(this.#coalesce(block));
  }

  fits(bytes: number): boolean {
    return this.capacity - this.#used >= roundUp(bytes);
  }

  /** Takes a free block out of circulation, as it is. */
  take(block: Block<Owner>): void {
    this.#unlink(block);
    this.#used += block.length;
  }

  /** Gives the end of a block back. */
  shrink(block: Block<Owner>, bytes: number): void {
    const length = roundUp(bytes);
    if (length >= block.length) return;
    const rest = this.#split(block, length);
    this.#used -= rest.length;
    this.#insert(this.#coalesce(rest));
  }

  /** In address order, free ones too; the tail is not a block. */
  *blocks(): IterableIterator<Block<Owner>> {
    for (let block = this.#first; block !== undefined; block = block.right) yield block;
  }

  /** A free block big enough: from its own size class, or the head of the next class that has one. */
  #takeFree(length: number): Block<Owner> | undefined {
    const own = classOf(length);
    let candidate = this.#bins[own];
    for (let seen = 0; candidate !== undefined && seen < NEAR_FITS; seen += 1) {
      if (candidate.length >= length) return this.#takeBlock(candidate, length);
      candidate = candidate.nextFree;
    }
    const larger = this.#nextFilled(own + 1);
    return larger < 0 ? undefined : this.#takeBlock(this.#bins[larger] as Block<Owner>, length);
  }

  #takeBlock(block: Block<Owner>, length: number): Block<Owner> {
    this.#unlink(block);
    if (block.length > length) this.#insert(this.#split(block, length));
    return block;
  }

  #takeTail(length: number): Block<Owner> | undefined {
    if (this.#tail + length > this.capacity) return undefined;
    const block: Block<Owner> = newBlock(this.#tail, length);
    block.left = this.#last;
    if (this.#last === undefined) this.#first = block;
    else this.#last.right = block;
    this.#last = block;
    this.#tail += length;
    this.#peak = Math.max(this.#peak, this.#tail);
    return block;
  }

  /** Cuts a block; returns the right part, which is in no list. */
  #split(block: Block<Owner>, length: number): Block<Owner> {
    const rest: Block<Owner> = newBlock(block.start + length, block.length - length);
    block.length = length;
    rest.left = block;
    rest.right = block.right;
    if (block.right === undefined) this.#last = rest;
    else block.right.left = rest;
    block.right = rest;
    return rest;
  }

  #coalesce(block: Block<Owner>): Block<Owner> {
    let merged = block;
    if (merged.left?.free) {
      merged = merged.left;
      this.#unlink(merged);
      this.#swallowRight(merged);
    }
    if (merged.right?.free) {
      this.#unlink(merged.right);
      this.#swallowRight(merged);
    }
    return merged;
  }

  #swallowRight(block: Block<Owner>): void {
    const right = block.right as Block<Owner>;
    block.length += right.length;
    block.right = right.right;
    if (right.right === undefined) this.#last = block;
    else right.right.left = block;
  }

  /** Hangs a coalesced block into its list, or gives it to the tail. */
  #insert(block: Block<Owner>): void {
    if (block.right === undefined) {
      this.#tail = block.start;
      this.#last = block.left;
      if (block.left === undefined) this.#first = undefined;
      else block.left.right = undefined;
      return;
    }
    const index = classOf(block.length);
    const head = this.#bins[index];
    block.free = true;
    block.prevFree = undefined;
    block.nextFree = head;
    if (head !== undefined) head.prevFree = block;
    this.#bins[index] = block;
    this.#filled[index >>> 5] = (this.#filled[index >>> 5] as number) | (1 << (index & 31));
  }

  #unlink(block: Block<Owner>): void {
    const index = classOf(block.length);
    block.free = false;
    if (block.nextFree !== undefined) block.nextFree.prevFree = block.prevFree;
    if (block.prevFree !== undefined) block.prevFree.nextFree = block.nextFree;
    else this.#bins[index] = block.nextFree;
    if (this.#bins[index] === undefined)
      this.#filled[index >>> 5] = (this.#filled[index >>> 5] as number) & ~(1 << (index & 31));
    block.nextFree = undefined;
    block.prevFree = undefined;
  }

  /** First class from `from` on with a free block, or -1. */
  #nextFilled(from: number): number {
    for (let word = from >>> 5; word < this.#filled.length; word += 1) {
      const mask = word === from >>> 5 ? -1 << (from & 31) : -1;
      const bits = (this.#filled[word] as number) & mask;
      if (bits !== 0) return word * 32 + 31 - Math.clz32(bits & -bits);
    }
    return -1;
  }
}

/**
 * The contiguous blocks (and the tail, if need be) that make `bytes` together and hold the fewest bytes to move away;
 * undefined when blocks that may not move are in the way everywhere.
 */
export function cheapestWindow<Owner>(
  allocator: RegionAllocator<Owner>,
  bytes: number,
  movable: (owner: Owner) => boolean,
): readonly Block<Owner>[] | undefined {
  const wanted = roundUp(bytes);
  const blocks = [...allocator.blocks()];
  const tail = allocator.capacity - allocator.tail;
  let [from, span, cost] = [0, 0, 0];
  let best: readonly [cost: number, from: number, to: number] | undefined;
  const consider = (to: number, extra: number): void => {
    for (let first = blocks[from]; from < to && first !== undefined; first = blocks[from]) {
      if (span - first.length + extra < wanted) break;
      span -= first.length;
      cost -= liveBytes(first);
      from += 1;
    }
    if (span + extra >= wanted && (best === undefined || cost < best[0])) best = [cost, from, to];
  };
  for (const [index, block] of blocks.entries()) {
    if (block.free || (block.owner !== undefined && movable(block.owner))) {
      span += block.length;
      cost += liveBytes(block);
      consider(index + 1, 0);
    } else {
      [from, span, cost] = [index + 1, 0, 0];
    }
  }
  consider(blocks.length, tail);
  return best === undefined ? undefined : blocks.slice(best[1], best[2]);
}

const liveBytes = (block: Block<unknown>): number => (block.free ? 0 : block.length);

function newBlock<Owner>(start: number, length: number): Block<Owner> {
  return {
    start,
    length,
    owner: undefined,
    free: false,
    left: undefined,
    right: undefined,
    nextFree: undefined,
    prevFree: undefined,
  };
}

const roundUp = (bytes: number): number => Math.max(1, Math.ceil(bytes / GRANULE)) * GRANULE;

/** Exact up to eight granules, then eight classes per doubling; a class holds lengths from its own bound upwards. */
function classOf(length: number): number {
  const granules = length / GRANULE;
  if (granules < STEPS) return granules;
  const exponent = 31 - Math.clz32(granules);
  return (exponent - STEP_BITS + 1) * STEPS + ((granules >>> (exponent - STEP_BITS)) & (STEPS - 1));
}
