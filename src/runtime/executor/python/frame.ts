/**
 * Frames between the executor and its Python processes: `u32 length`, then `f64 number of words`, the words as float64,
 * then bytes. Python reads all words of a frame with one call; numbers hold every id exactly. Little-endian.
 */
const LENGTH_BYTES = 4;
const HEAD_BYTES = LENGTH_BYTES + 8;
/** A frame above this is no frame of ours: something else writes to the socket. */
const MAX_FRAME_BYTES = 2 ** 30;
const FIRST_WORDS = 256;
const FIRST_BYTES = 4096;
const NO_BYTES = new Uint8Array(0);

export class FrameWriter {
  #words = new Float64Array(FIRST_WORDS);
  #wordCount = 0;
  #bytes = new Uint8Array(FIRST_BYTES);
  #byteCount = 0;

  get empty(): boolean {
    return this.#wordCount === 0;
  }

  word(value: number): void {
    if (this.#wordCount === this.#words.length) {
      const words = new Float64Array(this.#words.length * 2);
      words.set(this.#words);
      this.#words = words;
    }
    this.#words[this.#wordCount++] = value;
  }

  bytes(content: Uint8Array): void {
    const { length } = content;
    this.word(length);
    const needed = this.#byteCount + length;
    if (needed > this.#bytes.length) this.#grow(needed);
    this.#bytes.set(content, this.#byteCount);
    this.#byteCount = needed;
  }

  text(content: string): void {
    this.bytes(Buffer.from(content, 'utf8'));
  }

  /** The frame with its length, and an empty writer. */
  take(): Uint8Array {
    const wordBytes = this.#wordCount * 8;
    const frame = new Uint8Array(HEAD_BYTES + wordBytes + this.#byteCount);
    const head = new DataView(frame.buffer);
    head.setUint32(0, frame.length - LENGTH_BYTES, true);
    head.setFloat64(LENGTH_BYTES, this.#wordCount, true);
    frame.set(new Uint8Array(this.#words.buffer, 0, wordBytes), HEAD_BYTES);
    frame.set(this.#bytes.subarray(0, this.#byteCount), HEAD_BYTES + wordBytes);
    this.#wordCount = 0;
    this.#byteCount = 0;
    return frame;
  }

  #grow(needed: number): void {
    const bytes = new Uint8Array(Math.max(needed, this.#bytes.length * 2));
    bytes.set(this.#bytes.subarray(0, this.#byteCount));
    this.#bytes = bytes;
  }
}

/** One frame without its length, in memory of its own: what is read from it may be kept. */
export class FrameReader {
  readonly #words: Float64Array;
  readonly #buffer: ArrayBuffer;
  readonly #end: number;
  #wordAt = 1;
  #byteAt: number;

  constructor(buffer: ArrayBuffer) {
    const count = new Float64Array(buffer, 0, 1)[0]!;
    this.#words = new Float64Array(buffer, 0, 1 + count);
    this.#buffer = buffer;
    this.#end = 1 + count;
    this.#byteAt = this.#end * 8;
  }

  get done(): boolean {
    return this.#wordAt >= this.#end;
  }

  word(): number {
    const value = this.#words[this.#wordAt++];
    if (value === undefined) throw new Error('a record ends too early');
    return value;
  }

  words(count: number): number[] {
    const from = this.#wordAt;
    this.#wordAt += count;
    return [...this.#words.subarray(from, this.#wordAt)];
  }

  /** A view on the frame: it keeps the whole frame alive. */
  view(): Uint8Array<ArrayBuffer> {
    const length = this.word();
    if (length === 0) return NO_BYTES;
    const from = this.#byteAt;
    this.#byteAt = from + length;
    return new Uint8Array(this.#buffer, from, length);
  }

  /** In memory of their own. */
  bytes(): Uint8Array<ArrayBuffer> {
    const length = this.word();
    const from = this.#byteAt;
    this.#byteAt = from + length;
    return new Uint8Array(this.#buffer.slice(from, from + length));
  }

  text(): string {
    return Buffer.from(this.view()).toString('utf8');
  }
}

/** Cuts a stream into frames; each byte is copied once. */
export class FrameSplitter {
  readonly #frame: (frame: ArrayBuffer) => void;
  readonly #head = new Uint8Array(LENGTH_BYTES);
  #headBytes = 0;
  #body: Uint8Array<ArrayBuffer> | undefined;
  #bodyBytes = 0;

  constructor(frame: (frame: ArrayBuffer) => void) {
    this.#frame = frame;
  }

  /** Throws when what comes is no frame. */
  push(chunk: Uint8Array): void {
    for (let at = 0; at < chunk.length; )
      at += this.#body === undefined ? this.#readHead(chunk, at) : this.#readBody(chunk, at);
  }

  #readHead(chunk: Uint8Array, at: number): number {
    const take = Math.min(LENGTH_BYTES - this.#headBytes, chunk.length - at);
    this.#head.set(chunk.subarray(at, at + take), this.#headBytes);
    this.#headBytes += take;
    if (this.#headBytes === LENGTH_BYTES) {
      const length = new DataView(this.#head.buffer).getUint32(0, true);
      if (length < 8 || length > MAX_FRAME_BYTES) throw new Error(`a frame of ${length} bytes is none`);
      this.#headBytes = 0;
      this.#body = new Uint8Array(length);
      this.#bodyBytes = 0;
    }
    return take;
  }

  #readBody(chunk: Uint8Array, at: number): number {
    const body = this.#body!;
    const take = Math.min(body.length - this.#bodyBytes, chunk.length - at);
    body.set(chunk.subarray(at, at + take), this.#bodyBytes);
    this.#bodyBytes += take;
    if (this.#bodyBytes === body.length) {
      this.#body = undefined;
      this.#frame(body.buffer);
    }
    return take;
  }
}
