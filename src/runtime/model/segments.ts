import { grown } from './rows.ts';

/** Runs of Int32 cells, rounded up to a power of two and recycled by size: the variable part of a row. */
export class Segments {
  cells = new Int32Array(4096);
  #top = 0;
  readonly #free: number[][] = Array.from({ length: 32 }, () => []);

  /** Offset of the first of `size` cells; their content is undefined. */
  allocate(size: number): number {
    const order = orderOf(size);
    const recycled = this.#free[order]!.pop();
    if (recycled !== undefined) return recycled;
    const offset = this.#top;
    this.#top += 1 << order;
    if (this.#top > this.cells.length) {
      let capacity = this.cells.length * 2;
      while (capacity < this.#top) capacity *= 2;
      this.cells = grown(this.cells, capacity);
    }
    return offset;
  }

  release(offset: number, size: number): void {
    this.#free[orderOf(size)]!.push(offset);
  }
}

const orderOf = (size: number): number => (size <= 1 ? 0 : 32 - Math.clz32(size - 1));
