import { NONE } from './ids.ts';

const PAGE_BITS = 6;
const PAGE = 1 << PAGE_BITS;

interface Page {
  readonly cells: number[];
  used: number;
}

/**
 * Integers by dense rising keys, most of which are dropped again: a page goes when its last value does. Used for
 * names that submitters count up (handles, submission indexes).
 */
export class PagedInts {
  readonly #pages = new Map<number, Page>();
  /** The page used last: keys come in runs. */
  #page: Page | undefined;
  #pageNumber = NONE;

  get(key: number): number {
    const page = this.#find(key >>> PAGE_BITS);
    return page === undefined ? NONE : page.cells[key & (PAGE - 1)]!;
  }

  set(key: number, value: number): void {
    const number = key >>> PAGE_BITS;
    let page = this.#find(number);
    if (page === undefined) {
      if (value === NONE) return;
      page = { cells: new Array<number>(PAGE).fill(NONE), used: 0 };
      this.#pages.set(number, page);
      this.#page = page;
      this.#pageNumber = number;
    }
    const cell = key & (PAGE - 1);
    if (page.cells[cell] === NONE) page.used += 1;
    if (value === NONE) page.used -= 1;
    page.cells[cell] = value;
    if (page.used === 0) this.#drop(number);
  }

  *entries(): IterableIterator<readonly [key: number, value: number]> {
    for (const [number, page] of this.#pages) {
      for (let cell = 0; cell < PAGE; cell++) {
        const value = page.cells[cell]!;
        if (value !== NONE) yield [number * PAGE + cell, value];
      }
    }
  }

  clear(): void {
    this.#pages.clear();
    this.#page = undefined;
    this.#pageNumber = NONE;
  }

  #find(number: number): Page | undefined {
    if (number === this.#pageNumber) return this.#page;
    const page = this.#pages.get(number);
    if (page !== undefined) {
      this.#page = page;
      this.#pageNumber = number;
    }
    return page;
  }

  #drop(number: number): void {
    this.#pages.delete(number);
    this.#page = undefined;
    this.#pageNumber = NONE;
  }
}
