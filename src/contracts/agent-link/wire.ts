/** Reading and writing of protobuf's wire format, for the few messages that are hot. */
import { type DescMessage, fromBinary, type MessageShape } from '@bufbuild/protobuf';
import { RuntimeError } from '../../common/errors.ts';
import { Column } from './columns.ts';

export const WIRE_VARINT = 0;
export const WIRE_FIXED64 = 1;
export const WIRE_BYTES = 2;
export const WIRE_FIXED32 = 5;

const TWO_32 = 2 ** 32;

export const invalidFrame = (reason: string): RuntimeError => new RuntimeError('ERR_FRAME_INVALID', { reason });

/** Bytes of `value` as a varint. */
export function varintSize(value: number): number {
  let size = 1;
  for (let rest = value; rest >= 128; rest = Math.floor(rest / 128)) size += 1;
  return size;
}

/** Bytes of a length-delimited field with a number below 16 (one byte of tag) or below 2,048 (two). */
export function fieldSize(field: number, length: number): number {
  return length === 0 ? 0 : varintSize(field << 3) + varintSize(length) + length;
}

/** As `fieldSize`, for an entry of a repeated message field, which is written also when empty. */
export const messageSize = (field: number, length: number): number =>
  length === 0 ? varintSize(field << 3) + 1 : fieldSize(field, length);

/** A message of the generated code; what it throws becomes ERR_FRAME_INVALID. */
export function readMessage<Schema extends DescMessage>(schema: Schema, bytes: Uint8Array): MessageShape<Schema> {
  try {
    return fromBinary(schema, bytes);
  } catch (error) {
    throw error instanceof RuntimeError ? error : invalidFrame(`${schema.name}: ${String(error)}`);
  }
}

export class WireWriter extends Column {
  varint(value: number): void {
    let rest = value;
    while (rest >= 128) {
      this.#byte((rest % 128) | 128);
      rest = Math.floor(rest / 128);
    }
    this.#byte(rest);
  }

  /** A field of unsigned integers; absent when 0, as in proto3. */
  uint(field: number, value: number): void {
    if (value === 0) return;
    this.varint(field << 3);
    this.varint(value);
  }

  header(field: number, length: number): void {
    this.varint((field << 3) | WIRE_BYTES);
    this.varint(length);
  }

  /** A length-delimited field; absent when empty. */
  field(field: number, bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.message(field, bytes);
  }

  /** As `field`, also when empty: an entry of a repeated field or a member of a oneof. */
  message(field: number, bytes: Uint8Array): void {
    this.header(field, bytes.length);
    this.raw(bytes);
  }

  raw(bytes: Uint8Array): void {
    const at = this.extend(bytes.length);
    this.buffer.set(bytes, at);
  }

  #byte(value: number): void {
    const at = this.extend(1);
    this.buffer[at] = value;
  }

  column(field: number, column: Column): void {
    if (column.size > 0) this.field(field, column.bytes());
  }

  /** A copy of what was written; the writer is empty again. */
  take(): Buffer {
    const taken = Buffer.allocUnsafeSlow(this.size);
    this.buffer.copy(taken, 0, 0, this.size);
    this.clear();
    return taken;
  }
}

/** Cursor over the fields of one message. Every read is checked against its end: the bytes come from a peer. */
export class WireReader {
  field = 0;
  wire = 0;
  readonly #bytes: Uint8Array;
  #at: number;
  readonly #end: number;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#at = 0;
    this.#end = bytes.length;
  }

  /** Moves to the next field: false at the end of the message. */
  next(): boolean {
    if (this.#at >= this.#end) return false;
    const tag = this.varint();
    this.field = Math.floor(tag / 8);
    this.wire = tag % 8;
    if (this.field === 0) throw invalidFrame('field number 0');
    return true;
  }

  varint(): number {
    let value = 0;
    let scale = 1;
    for (let count = 0; count < 10; count++) {
      if (this.#at >= this.#end) throw invalidFrame('a number is cut short');
      const byte = this.#bytes[this.#at++] as number;
      value += (byte & 127) * scale;
      if (byte < 128) return checkSafe(value);
      scale *= 128;
    }
    throw invalidFrame('a number is longer than 64 bits');
  }

  /** The field as an unsigned integer. */
  uint(): number {
    if (this.wire !== WIRE_VARINT) throw invalidFrame(`field ${this.field} is not a number`);
    return this.varint();
  }

  /** The field's bytes, where they lie in the message. */
  bytes(): Uint8Array {
    if (this.wire !== WIRE_BYTES) throw invalidFrame(`field ${this.field} is not length-delimited`);
    const length = this.varint();
    const start = this.#at;
    if (length > this.#end - start) throw invalidFrame(`field ${this.field} is cut short`);
    this.#at = start + length;
    return this.#bytes.subarray(start, this.#at);
  }

  /** A packed column of elements of `width` bytes. */
  packed(width: number): Uint8Array {
    const bytes = this.bytes();
    if (bytes.length % width !== 0) throw invalidFrame(`column ${this.field} ends inside an element`);
    return bytes;
  }

  /** Fields of later versions of the protocol. */
  skip(): void {
    if (this.wire === WIRE_VARINT) this.varint();
    else if (this.wire === WIRE_BYTES) this.bytes();
    else if (this.wire === WIRE_FIXED64) this.#advance(8);
    else if (this.wire === WIRE_FIXED32) this.#advance(4);
    else throw invalidFrame(`field ${this.field} has wire type ${this.wire}`);
  }

  #advance(count: number): void {
    if (count > this.#end - this.#at) throw invalidFrame(`field ${this.field} is cut short`);
    this.#at += count;
  }
}

function checkSafe(value: number): number {
  if (value >= Number.MAX_SAFE_INTEGER + 1 || value >= TWO_32 * TWO_32) throw invalidFrame('a number is above 2^53');
  return value;
}
