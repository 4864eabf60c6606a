/**
 * Growing columns of a frame. A packed `double` or `fixed32` field of protobuf is raw little-endian memory, so a column is
 * encoded by one copy and needs no varint. Columns are reused from frame to frame: `clear` keeps the memory.
 */
const START_BYTES = 1024;

export class Column {
  buffer: Buffer = Buffer.allocUnsafeSlow(START_BYTES);
  view: DataView = new DataView(this.buffer.buffer);
  /** Bytes in use. */
  size = 0;

  clear(): void {
    this.size = 0;
  }

  bytes(): Uint8Array {
    return this.buffer.subarray(0, this.size);
  }

  /** Makes room for `more` bytes and returns where they start. May replace `buffer` and `view`: read them afterwards. */
  protected extend(more: number): number {
    const start = this.size;
    this.size = start + more;
    if (this.size > this.buffer.length) this.#grow();
    return start;
  }

  #grow(): void {
    let capacity = this.buffer.length * 2;
    while (capacity < this.size) capacity *= 2;
    const grown = Buffer.allocUnsafeSlow(capacity);
    this.buffer.copy(grown);
    this.buffer = grown;
    this.view = new DataView(grown.buffer);
  }
}

export class DoubleColumn extends Column {
  push(value: number): void {
    const at = this.extend(8);
    this.view.setFloat64(at, value, true);
  }
}

export class Fixed32Column extends Column {
  push(value: number): void {
    const at = this.extend(4);
    this.view.setUint32(at, value, true);
  }
}

export class ByteColumn extends Column {
  push(value: number): void {
    const at = this.extend(1);
    this.buffer[at] = value;
  }
}

export class BlobColumn extends Column {
  push(bytes: Uint8Array): void {
    const at = this.extend(bytes.length);
    this.buffer.set(bytes, at);
  }

  /** Returns the number of bytes written. */
  pushText(text: string): number {
    const start = this.extend(text.length * 3);
    const written = this.buffer.write(text, start);
    this.size = start + written;
    return written;
  }
}

const EMPTY = new Uint8Array(0);
const NO_BYTES = new DataView(EMPTY.buffer);

const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** A received column, read where it lies in the frame. */
export class DoubleView {
  readonly length: number;
  readonly #view: DataView;

  constructor(bytes: Uint8Array = EMPTY) {
    this.length = bytes.length / 8;
    this.#view = bytes.length === 0 ? NO_BYTES : viewOf(bytes);
  }

  at(index: number): number {
    return this.#view.getFloat64(index * 8, true);
  }
}

export class Fixed32View {
  readonly length: number;
  readonly #view: DataView;

  constructor(bytes: Uint8Array = EMPTY) {
    this.length = bytes.length / 4;
    this.#view = bytes.length === 0 ? NO_BYTES : viewOf(bytes);
  }

  at(index: number): number {
    return this.#view.getUint32(index * 4, true);
  }

  sum(): number {
    let total = 0;
    for (let index = 0; index < this.length; index++) total += this.at(index);
    return total;
  }
}
