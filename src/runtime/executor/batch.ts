/**
 * Many small messages in one ArrayBuffer, transferred between threads with one `postMessage`: numbers in a Float64Array
 * (they hold every id exactly), bytes after them. Writer and reader go over both in the same order.
 *
 * Layout: `f64 number of words`, the words, the bytes.
 */
const INITIAL_WORDS = 512;
const INITIAL_BYTES = 4096;
const NO_BYTES = new Uint8Array(0);

export class BatchWriter {
  #words = new Float64Array(INITIAL_WORDS);
  #wordCount = 0;
  #bytes = new Uint8Array(INITIAL_BYTES);
  #byteCount = 0;

  get empty(): boolean {
    return this.#wordCount === 0;
  }

  /** Bytes the batch would have: the flush threshold looks at it. */
  get size(): number {
    return this.#wordCount * 8 + this.#byteCount;
  }

  word(value: number): void {
    if (this.#wordCount === this.#words.length) this.#growWords();
    this.#words[this.#wordCount++] = value;
  }

  /** Length and content. */
  bytes(content: Uint8Array): void {
    const { length } = content;
    this.word(length);
    this.#reserve(length);
    if (length > 32) this.#bytes.set(content, this.#byteCount);
    else for (let i = 0; i < length; i++) this.#bytes[this.#byteCount + i] = content[i]!;
    this.#byteCount += length;
  }

  text(content: string): void {
    this.bytes(Buffer.from(content, 'utf8'));
  }

  /** Room for `length` bytes that the caller writes at once, `offset` bytes into the returned array. */
  room(length: number): { readonly target: Uint8Array; readonly offset: number } {
    this.word(length);
    this.#reserve(length);
    const offset = this.#byteCount;
    this.#byteCount += length;
    return { target: this.#bytes, offset };
  }

  /** The batch, and an empty writer. */
  take(): ArrayBuffer {
    const buffer = new ArrayBuffer(8 + this.#wordCount * 8 + this.#byteCount);
    const words = new Float64Array(buffer, 0, 1 + this.#wordCount);
    words[0] = this.#wordCount;
    words.set(this.#words.subarray(0, this.#wordCount), 1);
    if (this.#byteCount > 0) {
      new Uint8Array(buffer, words.byteLength).set(this.#bytes.subarray(0, this.#byteCount));
    }
    this.#wordCount = 0;
    this.#byteCount = 0;
    return buffer;
  }

  #growWords(): void {
    const words = new Float64Array(this.#words.length * 2);
    words.set(this.#words);
    this.#words = words;
  }

  #reserve(more: number): void {
    const needed = this.#byteCount + more;
    if (needed <= this.#bytes.length) return;
    const bytes = new Uint8Array(Math.max(needed, this.#bytes.length * 2));
    bytes.set(this.#bytes.subarray(0, this.#byteCount));
    this.#bytes = bytes;
  }
}

export class BatchReader {
  readonly #words: Float64Array;
  readonly #buffer: ArrayBuffer;
  readonly #all: Uint8Array;
  #wordAt = 1;
  #byteAt: number;
  readonly #end: number;

  constructor(buffer: ArrayBuffer) {
    const count = new Float64Array(buffer, 0, 1)[0]!;
    this.#words = new Float64Array(buffer, 0, 1 + count);
    this.#buffer = buffer;
    this.#all = new Uint8Array(buffer);
    this.#end = 1 + count;
    this.#byteAt = this.#end * 8;
  }

  get done(): boolean {
    return this.#wordAt >= this.#end;
  }

  word(): number {
    return this.#words[this.#wordAt++]!;
  }

  /** A view on the batch: it keeps the whole batch alive. */
  view(): Uint8Array<ArrayBuffer> {
    const length = this.word();
    if (length === 0) return NO_BYTES;
    const from = this.#byteAt;
    this.#byteAt = from + length;
    return new Uint8Array(this.#buffer, from, length);
  }

  /** The bytes in memory of their own. */
  bytes(): Uint8Array<ArrayBuffer> {
    const length = this.word();
    const from = this.#byteAt;
    this.#byteAt = from + length;
    // Up to 64 bytes V8 keeps on its own heap: no backing store is made.
    const copy = new Uint8Array(length);
    if (length > 64) copy.set(new Uint8Array(this.#buffer, from, length));
    else for (let i = 0; i < length; i++) copy[i] = this.#all[from + i]!;
    return copy;
  }

  text(): string {
    const length = this.word();
    const from = this.#byteAt;
    this.#byteAt = from + length;
    return Buffer.from(this.#buffer, from, length).toString('utf8');
  }
}
