/** Numbers that look random and are the same for the same seed: xorshift over 32 bits (Marsaglia 2003, period 2^128 - 1). */
export class Random {
  #x: number;
  #y = 362_436_069;
  #z = 521_288_629;
  #w = 88_675_123;

  constructor(seed: number) {
    this.#x = (Math.imul(seed | 0, 2_654_435_761) ^ 123_456_789) >>> 0 || 1;
    // The first numbers of neighbouring seeds are alike.
    for (let skipped = 0; skipped < 16; skipped++) this.#next();
  }

  #next(): number {
    const mixed = this.#x ^ (this.#x << 11);
    this.#x = this.#y;
    this.#y = this.#z;
    this.#z = this.#w;
    this.#w = (this.#w ^ (this.#w >>> 19) ^ (mixed ^ (mixed >>> 8))) >>> 0;
    return this.#w;
  }

  /** From 0 to below 1. */
  fraction(): number {
    return this.#next() / 2 ** 32;
  }

  /** A whole number from 0 to below `limit`. */
  below(limit: number): number {
    return Math.floor(this.fraction() * limit);
  }

  /** Between `1 - spread` and `1 + spread`, evenly. */
  around(value: number, spread: number): number {
    return spread === 0 ? value : value * (1 + spread * (2 * this.fraction() - 1));
  }
}
