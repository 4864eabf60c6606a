import { BatchReader, BatchWriter } from '../batch.ts';

/**
 * Frames between the executor and its Python processes: `u32 length`, then a batch as batch.ts lays it out. Python reads
 * all words of a frame with one call. Little-endian.
 */
const LENGTH_BYTES = 4;
/** A frame above this is no frame of ours: something else writes to the socket. */
const MAX_FRAME_BYTES = 2 ** 30;

export class FrameWriter extends BatchWriter {
  /** The frame with its length, and an empty writer. */
  frame(): Uint8Array {
    const body = this.take();
    const frame = new Uint8Array(LENGTH_BYTES + body.byteLength);
    new DataView(frame.buffer).setUint32(0, body.byteLength, true);
    frame.set(new Uint8Array(body), LENGTH_BYTES);
    return frame;
  }
}

/** One frame without its length, in memory of its own: what is read from it may be kept. */
export class FrameReader extends BatchReader {
  /** Another program wrote it: throws when it ends too early. */
  override word(): number {
    if (this.done) throw new Error('a record ends too early');
    return super.word();
  }

  words(count: number): number[] {
    return Array.from({ length: count }, () => this.word());
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
