import { registrationOf } from './serializable.ts';
import {
  alignBuffer,
  FORM,
  FRAME_ENTRY_BYTES,
  FRAME_HEADER_BYTES,
  MAX_DEPTH,
  PACKED_NUMBERS_FROM,
  SMALL_BUFFER_BYTES,
  TAG,
  UNTRACKED_BYTES,
  UNTRACKED_DEPTH,
  viewKindOf,
} from './value-format.ts';

/** Thrown inside the writer only; value-codec turns it into an error that names the path. */
export class Unserializable extends Error {}

/** Deeper or larger than an untracked head may be: written again with numbered objects. */
class NeedsTracking extends Error {}

/** Gives the access index that stands for an object in an argument list, or -1. */
export type RefLookup = (value: object) => number;

const noRefs: RefLookup = () => -1;
const INITIAL_BYTES = 4096;
/** A scratch buffer larger than this is dropped after use. */
const KEPT_BYTES = 1024 * 1024;

/**
 * Writes one value at a time: `measure` fills the head and collects the buffers, then `copyTo` lays them out. The head
 * lives in a scratch buffer until the next `measure`.
 */
export class ValueWriter {
  #bytes = new Uint8Array(INITIAL_BYTES);
  #view = new DataView(this.#bytes.buffer);
  #text = Buffer.from(this.#bytes.buffer);
  #at = 0;
  #depth = 0;
  #limit = UNTRACKED_DEPTH;
  #seen: Map<object, number> | undefined;
  #buffers: Uint8Array[] = [];
  #refs: RefLookup = noRefs;
  #everyObject = false;

  /**
   * Encoded size of `value`. `refs` is asked for every instance of a class and, with `everyObject`, for every object.
   */
  measure(value: unknown, refs: RefLookup = noRefs, everyObject = false): number {
    this.#refs = refs;
    this.#everyObject = everyObject;
    try {
      this.#start(undefined, UNTRACKED_DEPTH);
      this.#write(value);
    } catch (error) {
      if (!(error instanceof NeedsTracking)) throw error;
      this.#start(new Map(), MAX_DEPTH);
      this.#tag(TAG.TRACKED, 0);
      this.#write(value);
    }
    return this.byteLength;
  }

  get byteLength(): number {
    if (this.#buffers.length === 0) return 1 + this.#at;
    return this.#layout((_offset) => undefined);
  }

  /** The buffers of the measured value in table order: for callers that have laid one of them out already. */
  get buffers(): readonly Uint8Array[] {
    return this.#buffers;
  }

  get headLength(): number {
    return this.#at;
  }

  /** Writes the measured value to `target` from `start` on. */
  copyTo(target: Uint8Array, start = 0): void {
    if (this.#buffers.length === 0) {
      target[start] = FORM.PLAIN;
      copySmall(this.#bytes, this.#at, target, start + 1);
      return;
    }
    const offsets: number[] = [];
    this.#layout((offset) => offsets.push(offset));
    this.copyHead(target, start, offsets);
    for (let i = 0; i < offsets.length; i++) target.set(this.#buffers[i]!, start + offsets[i]!);
  }

  /** Frame header, table and head only, with the buffers where `offsets` says. */
  copyHead(target: Uint8Array, start: number, offsets: readonly number[]): void {
    const headOffset = FRAME_HEADER_BYTES + offsets.length * FRAME_ENTRY_BYTES;
    const view = new DataView(target.buffer, target.byteOffset + start);
    view.setUint32(0, FORM.FRAMED, true);
    view.setUint32(4, this.#at, true);
    view.setUint32(8, headOffset, true);
    view.setUint32(12, offsets.length, true);
    for (let i = 0; i < offsets.length; i++) {
      const entry = FRAME_HEADER_BYTES + i * FRAME_ENTRY_BYTES;
      view.setFloat64(entry, offsets[i]!, true);
      view.setFloat64(entry + 8, this.#buffers[i]!.byteLength, true);
    }
    copySmall(this.#bytes, this.#at, target, start + headOffset);
  }

  /** Lets go of the last value. */
  reset(): void {
    if (this.#buffers.length > 0) this.#buffers = [];
    this.#seen = undefined;
    this.#refs = noRefs;
    if (this.#bytes.length > KEPT_BYTES) this.#resize(INITIAL_BYTES, 0);
  }

  /** Total size; `place` gets the offset of each buffer. */
  #layout(place: (offset: number) => void): number {
    let end = FRAME_HEADER_BYTES + this.#buffers.length * FRAME_ENTRY_BYTES + this.#at;
    for (const buffer of this.#buffers) {
      const offset = alignBuffer(end);
      place(offset);
      end = offset + buffer.byteLength;
    }
    return end;
  }

  #start(seen: Map<object, number> | undefined, limit: number): void {
    this.#at = 0;
    this.#depth = 0;
    this.#limit = limit;
    this.#seen = seen;
    if (this.#buffers.length > 0) this.#buffers = [];
  }

  #write(value: unknown): void {
    switch (typeof value) {
      case 'number':
        this.#number(value);
        return;
      case 'string':
        this.#string(value);
        return;
      case 'object':
        if (value === null) this.#byte(0xc0);
        else this.#object(value);
        return;
      case 'boolean':
        this.#byte(value ? 0xc3 : 0xc2);
        return;
      case 'undefined':
        this.#tag(TAG.UNDEFINED, 0);
        return;
      case 'bigint':
        this.#bigint(value);
        return;
      case 'function':
        throw new Unserializable(`function ${value.name || '(anonymous)'}`);
      default:
        throw new Unserializable(String(value as symbol));
    }
  }

  #object(value: object): void {
    const prototype: unknown = Object.getPrototypeOf(value);
    const plain = prototype === Object.prototype || prototype === Array.prototype || prototype === null;
    if (!plain || this.#everyObject) {
      const index = this.#refs(value);
      if (index >= 0) {
        this.#tag(TAG.REF, 0);
        this.#unsigned(index);
        return;
      }
    }
    if (this.#seen !== undefined && this.#again(this.#seen, value)) return;
    if (++this.#depth > this.#limit) this.#tooDeep();
    if (prototype === Object.prototype || prototype === null) this.#record(value as Record<string, unknown>);
    else if (prototype === Array.prototype) this.#array(value as unknown[]);
    else this.#special(value, prototype as object);
    this.#depth--;
  }

  #again(seen: Map<object, number>, value: object): boolean {
    const number = seen.get(value);
    if (number === undefined) {
      seen.set(value, seen.size);
      return false;
    }
    this.#tag(TAG.SEEN, 0);
    this.#unsigned(number);
    return true;
  }

  #tooDeep(): never {
    if (this.#seen === undefined) throw new NeedsTracking();
    throw new Unserializable(`nesting deeper than ${MAX_DEPTH}`);
  }

  #record(value: Record<string, unknown>): void {
    const keys = Object.keys(value);
    this.#header(keys.length, 0x80, 0xde);
    for (const key of keys) {
      this.#string(key);
      this.#write(value[key]);
    }
  }

  #array(value: readonly unknown[]): void {
    const length = value.length;
    if (length >= PACKED_NUMBERS_FROM && this.#numbers(value)) return;
    this.#header(length, 0x90, 0xdc);
    for (let i = 0; i < length; i++) this.#write(value[i]);
  }

  /** One block for an array of nothing but numbers: no tag for each element. */
  #numbers(value: readonly unknown[]): boolean {
    const length = value.length;
    this.#reserve(length * 8 + 16);
    const padding = (8 - ((this.#at + 7) & 7)) & 7;
    const from = this.#at + 7 + padding;
    const block = new Float64Array(this.#bytes.buffer, from, length);
    for (let i = 0; i < length; i++) {
      const element = value[i];
      if (typeof element !== 'number') return false;
      block[i] = element;
    }
    this.#byte(0xc9);
    this.#view.setUint32(this.#at, 1 + padding + length * 8);
    this.#bytes[this.#at + 4] = TAG.NUMBERS;
    this.#bytes[this.#at + 5] = padding;
    this.#at = from + length * 8;
    return true;
  }

  #special(value: object, prototype: object): void {
    const kind = viewKindOf(prototype);
    if (kind !== undefined) this.#buffer(value as ArrayBufferView | ArrayBuffer, kind);
    else if (value instanceof Map) this.#map(value);
    else if (value instanceof Set) this.#set(value);
    else if (value instanceof Date) this.#date(value);
    else if (value instanceof Error) this.#error(value);
    else if (value instanceof RegExp) {
      this.#tag(TAG.REGEXP, 0);
      this.#write([value.source, value.flags]);
    } else this.#instance(value, prototype);
  }

  #instance(value: object, prototype: object): void {
    const registration = registrationOf(prototype);
    if (registration === undefined) {
      if (isPlainOfAnotherRealm(value, prototype)) {
        if (Array.isArray(value)) this.#array(value);
        else this.#record(value as Record<string, unknown>);
        return;
      }
      const name = (prototype.constructor as { name?: string } | undefined)?.name;
      throw new Unserializable(`an instance of ${name || 'an unnamed class'}`);
    }
    this.#tag(TAG.INSTANCE, 0);
    this.#string(registration.name);
    this.#write(registration.encode(value));
  }

  #map(value: ReadonlyMap<unknown, unknown>): void {
    this.#tag(TAG.MAP, 0);
    this.#header(value.size * 2, 0x90, 0xdc);
    for (const [key, entry] of value) {
      this.#write(key);
      this.#write(entry);
    }
  }

  #set(value: ReadonlySet<unknown>): void {
    this.#tag(TAG.SET, 0);
    this.#header(value.size, 0x90, 0xdc);
    for (const entry of value) this.#write(entry);
  }

  #date(value: Date): void {
    this.#reserve(10);
    this.#bytes[this.#at] = 0xd7;
    this.#bytes[this.#at + 1] = TAG.DATE;
    this.#view.setFloat64(this.#at + 2, value.getTime());
    this.#at += 10;
  }

  #error(value: Error): void {
    const properties: Record<string, unknown> = { ...value };
    if (Object.hasOwn(value, 'cause')) properties['cause'] = value.cause;
    if (value instanceof AggregateError) properties['errors'] = value.errors;
    this.#tag(TAG.ERROR, 0);
    this.#header(4, 0x90, 0xdc);
    this.#string(String(value.name));
    this.#string(String(value.message));
    this.#write(typeof value.stack === 'string' ? value.stack : undefined);
    this.#record(properties);
  }

  #buffer(value: ArrayBufferView | ArrayBufferLike, kind: number): void {
    const bytes = ArrayBuffer.isView(value)
      ? new Uint8Array(value.buffer, value.byteOffset, value.byteLength)
      : new Uint8Array(value);
    if (bytes.length > SMALL_BUFFER_BYTES) {
      this.#tag(TAG.BUFFER, kind);
      this.#unsigned(this.#buffers.push(bytes) - 1);
      return;
    }
    this.#ext(TAG.SMALL_BUFFER, bytes.length + 1);
    this.#byte(kind);
    this.#append(bytes);
  }

  #bigint(value: bigint): void {
    if (BigInt.asIntN(64, value) === value) {
      this.#reserve(9);
      this.#bytes[this.#at] = 0xd3;
      this.#view.setBigInt64(this.#at + 1, value);
      this.#at += 9;
      return;
    }
    const digits = Buffer.from((value < 0n ? -value : value).toString(16), 'latin1');
    this.#ext(TAG.BIGINT, digits.length + 1);
    this.#byte(value < 0n ? 1 : 0);
    this.#append(digits);
  }

  #number(value: number): void {
    this.#reserve(9);
    const bytes = this.#bytes;
    // -0 is equal to 0 but is not an integer on the wire.
    if ((value | 0) !== value || (value === 0 && 1 / value < 0)) {
      bytes[this.#at] = 0xcb;
      this.#view.setFloat64(this.#at + 1, value);
      this.#at += 9;
    } else if (value >= -32 && value < 128) {
      bytes[this.#at++] = value & 0xff;
    } else if (value >= -32768 && value < 32768) {
      bytes[this.#at] = 0xd1;
      bytes[this.#at + 1] = (value >> 8) & 0xff;
      bytes[this.#at + 2] = value & 0xff;
      this.#at += 3;
    } else {
      bytes[this.#at] = 0xd2;
      this.#view.setInt32(this.#at + 1, value);
      this.#at += 5;
    }
  }

  /** A count or an index: never negative, below 2 ** 32. */
  #unsigned(value: number): void {
    this.#reserve(5);
    if (value < 128) {
      this.#bytes[this.#at++] = value;
      return;
    }
    this.#bytes[this.#at] = 0xce;
    this.#view.setUint32(this.#at + 1, value);
    this.#at += 5;
  }

  #string(value: string): void {
    const length = value.length;
    if (length < 32) {
      this.#reserve(33);
      const bytes = this.#bytes;
      const from = this.#at + 1;
      let i = 0;
      for (; i < length; i++) {
        const code = value.charCodeAt(i);
        if (code > 127) break;
        bytes[from + i] = code;
      }
      if (i === length) {
        bytes[this.#at] = 0xa0 | length;
        this.#at = from + length;
        return;
      }
    }
    this.#longString(value);
  }

  #longString(value: string): void {
    if (!value.isWellFormed()) {
      const units = Buffer.from(value, 'utf16le');
      this.#ext(TAG.UTF16, units.length);
      this.#append(units);
      return;
    }
    this.#reserve(value.length * 3 + 5);
    const from = this.#at + 5;
    const length = this.#text.write(value, from, 'utf8');
    this.#bytes[this.#at] = 0xdb;
    this.#view.setUint32(this.#at + 1, length);
    this.#at = from + length;
  }

  /** Header of an array or map: short form below 16 entries, else 16 or 32 bits. */
  #header(length: number, short: number, long: number): void {
    this.#reserve(5);
    if (length < 16) {
      this.#bytes[this.#at++] = short | length;
    } else if (length < 65_536) {
      this.#bytes[this.#at] = long;
      this.#view.setUint16(this.#at + 1, length);
      this.#at += 3;
    } else {
      this.#bytes[this.#at] = long + 1;
      this.#view.setUint32(this.#at + 1, length);
      this.#at += 5;
    }
  }

  #ext(tag: number, length: number): void {
    this.#reserve(6);
    this.#bytes[this.#at] = 0xc9;
    this.#view.setUint32(this.#at + 1, length);
    this.#bytes[this.#at + 5] = tag;
    this.#at += 6;
  }

  #tag(tag: number, payload: number): void {
    this.#reserve(3);
    this.#bytes[this.#at] = 0xd4;
    this.#bytes[this.#at + 1] = tag;
    this.#bytes[this.#at + 2] = payload;
    this.#at += 3;
  }

  #byte(value: number): void {
    this.#reserve(1);
    this.#bytes[this.#at++] = value;
  }

  #append(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.#at);
    this.#at += bytes.length;
  }

  #reserve(more: number): void {
    const needed = this.#at + more;
    if (needed > this.#bytes.length) this.#grow(needed);
  }

  #grow(needed: number): void {
    if (this.#seen === undefined && this.#at > UNTRACKED_BYTES) throw new NeedsTracking();
    this.#resize(Math.max(needed, this.#bytes.length * 2), this.#at);
  }

  #resize(size: number, keep: number): void {
    const bytes = new Uint8Array(Math.ceil(size / 8) * 8);
    if (keep > 0) bytes.set(this.#bytes.subarray(0, keep));
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer);
    this.#text = Buffer.from(bytes.buffer);
  }
}

/** An object literal or array made in another V8 context. */
function isPlainOfAnotherRealm(value: object, prototype: object): boolean {
  return Array.isArray(value)
    ? prototype.constructor.name === 'Array'
    : Object.getPrototypeOf(prototype) === null && Object.prototype.toString.call(value) === '[object Object]';
}

/** `set` costs more than the copy for a few bytes. */
function copySmall(source: Uint8Array, length: number, target: Uint8Array, at: number): void {
  if (length > 64) {
    target.set(source.subarray(0, length), at);
    return;
  }
  for (let i = 0; i < length; i++) target[at + i] = source[i]!;
}
