import { generationOf, indexOf, MAX_ROWS, makeId, NONE } from './ids.ts';

/** Ids stay safe integers: 26 bits of index and 27 of generation. */
const GENERATIONS = 2 ** 27;

export type Column = Uint8Array | Uint16Array | Int32Array | Uint32Array | Float64Array;

/** The same column with room for `capacity` rows. */
export function grown<C extends Column>(column: C, capacity: number): C {
  const larger = new (column.constructor as new (length: number) => C)(capacity);
  larger.set(column as never);
  return larger;
}

/**
 * Row numbers of a table whose columns are typed arrays. Numbers are recycled, newest first so that the hot rows stay in
 * the cache; ids carry the generation and are not. A subclass holds the columns and enlarges them in `resize`.
 */
export abstract class Rows {
  capacity: number;
  /** Rows in use. */
  live = 0;
  /** Rows ever used: every row in use lies below. */
  high = 0;
  #generation: Uint32Array;
  #used: Uint8Array;
  #free: Int32Array;
  #freeCount = 0;

  constructor(capacity: number) {
    this.capacity = capacity;
    this.#generation = new Uint32Array(capacity);
    this.#used = new Uint8Array(capacity);
    this.#free = new Int32Array(capacity);
  }

  protected abstract resize(capacity: number): void;

  /** The columns of a recycled row hold what they held: the caller sets all of them. */
  allocate(): number {
    const row = this.#freeCount > 0 ? this.#free[--this.#freeCount]! : this.#next();
    this.#used[row] = 1;
    this.live += 1;
    return row;
  }

  release(row: number): void {
    this.#used[row] = 0;
    this.#generation[row] = (this.#generation[row]! + 1) % GENERATIONS;
    this.#free[this.#freeCount++] = row;
    this.live -= 1;
  }

  isUsed(row: number): boolean {
    return this.#used[row] === 1;
  }

  idOf(row: number): number {
    const generation = this.#generation[row]!;
    return generation === 0 ? row : makeId(row, generation);
  }

  /** NONE when the row has been recycled since, or never was. */
  rowOf(id: number): number {
    const row = indexOf(id);
    if (row >= this.high || this.#used[row] === 0) return NONE;
    return this.#generation[row] === generationOf(id) ? row : NONE;
  }

  #next(): number {
    const row = this.high++;
    if (row < this.capacity) return row;
    if (row >= MAX_ROWS) throw new RangeError(`more than ${MAX_ROWS} rows`);
    const capacity = Math.min(MAX_ROWS, this.capacity * 2);
    this.#generation = grown(this.#generation, capacity);
    this.#used = grown(this.#used, capacity);
    this.#free = grown(this.#free, capacity);
    this.capacity = capacity;
    this.resize(capacity);
    return row;
  }
}
