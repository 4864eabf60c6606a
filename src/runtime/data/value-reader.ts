import { ERRORS, RuntimeError } from '../../common/errors.ts';
import { instanceOf } from './serializable.ts';
import { TAG, VIEW_KINDS } from './value-format.ts';

/** Gives the value that stands for an access of an argument list. */
export type RefResolver = (index: number) => unknown;
/** Gives the bytes of an entry of the buffer table. */
export type BufferResolver = (index: number) => Uint8Array;

/** Thrown inside the reader only: the bytes are not a value. */
export class Malformed extends Error {}

const KEY_CACHE_SIZE = 1024;
const MAX_CACHED_KEY = 24;
const keyCache: (string | undefined)[] = new Array(KEY_CACHE_SIZE).fill(undefined);

const ERROR_CLASSES: Readonly<Record<string, ErrorConstructor>> = {
  Error,
  EvalError,
  RangeError,
  ReferenceError,
  SyntaxError,
  TypeError,
  URIError,
};

/** Reads one head. Never on shared memory: the bytes must not change meanwhile. */
export class ValueReader {
  readonly #bytes: Uint8Array;
  readonly #resolveRef: RefResolver | undefined;
  readonly #resolveBuffer: BufferResolver | undefined;
  #lazyView: DataView | undefined;
  #at: number;
  #seen: unknown[] | undefined;

  constructor(bytes: Uint8Array, from: number, ref: RefResolver | undefined, buffer: BufferResolver | undefined) {
    this.#bytes = bytes;
    this.#at = from;
    this.#resolveRef = ref;
    this.#resolveBuffer = buffer;
  }

  /** The value, and nothing after it. */
  readAll(): unknown {
    const value = this.#read();
    if (this.#at !== this.#bytes.length)
      throw new Malformed(`${this.#bytes.length - this.#at} bytes too many or too few`);
    return value;
  }

  get #view(): DataView {
    this.#lazyView ??= new DataView(this.#bytes.buffer, this.#bytes.byteOffset, this.#bytes.byteLength);
    return this.#lazyView;
  }

  #read(): unknown {
    const token = this.#bytes[this.#at++];
    if (token === undefined) throw new Malformed('it ends too early');
    if (token < 0x80) return token;
    if (token >= 0xe0) return token - 0x100;
    if (token < 0x90) return this.#record(token & 0x0f);
    if (token < 0xa0) return this.#array(token & 0x0f);
    if (token < 0xc0) return this.#shortString(token & 0x1f);
    return this.#long(token);
  }

  #long(token: number): unknown {
    switch (token) {
      case 0xc0:
        return null;
      case 0xc2:
        return false;
      case 0xc3:
        return true;
      case 0xcb:
        return this.#view.getFloat64(this.#skip(8));
      case 0xcc:
        return this.#view.getUint8(this.#skip(1));
      case 0xcd:
        return this.#view.getUint16(this.#skip(2));
      case 0xce:
        return this.#view.getUint32(this.#skip(4));
      case 0xd0:
        return this.#view.getInt8(this.#skip(1));
      case 0xd1:
        return this.#view.getInt16(this.#skip(2));
      case 0xd2:
        return this.#view.getInt32(this.#skip(4));
      case 0xd3:
        return this.#view.getBigInt64(this.#skip(8));
      case 0xd4:
        return this.#tagged(this.#byte(), this.#byte());
      case 0xd7:
        return this.#ext(8);
      case 0xc9:
        return this.#ext(this.#length());
      case 0xdb:
        return this.#utf8(this.#length());
      case 0xdc:
        return this.#array(this.#view.getUint16(this.#skip(2)));
      case 0xdd:
        return this.#array(this.#length());
      case 0xde:
        return this.#record(this.#view.getUint16(this.#skip(2)));
      case 0xdf:
        return this.#record(this.#length());
      default:
        throw new Malformed(`byte 0x${token.toString(16)} at ${this.#at - 1} means nothing`);
    }
  }

  #tagged(tag: number, payload: number): unknown {
    switch (tag) {
      case TAG.UNDEFINED:
        return undefined;
      case TAG.REF:
        return this.#ref(this.#index());
      case TAG.BUFFER:
        return this.#buffer(payload);
      case TAG.MAP:
        return this.#map(this.#count());
      case TAG.SET:
        return this.#set(this.#count());
      case TAG.ERROR:
        return this.#error();
      case TAG.REGEXP:
        return this.#keep(() => {
          const [source, flags] = this.#read() as [string, string];
          return new RegExp(source, flags);
        });
      case TAG.INSTANCE:
        return this.#keep(() => instanceOf(this.#read() as string, this.#read()));
      case TAG.SEEN:
        return this.#again(this.#index());
      case TAG.TRACKED:
        this.#seen = [];
        return this.#read();
      default:
        throw new Malformed(`tag ${tag} means nothing`);
    }
  }

  #ext(length: number): unknown {
    const tag = this.#byte();
    const from = this.#skip(length);
    const data = this.#bytes.subarray(from, from + length);
    switch (tag) {
      case TAG.DATE:
        return this.#begin(new Date(this.#view.getFloat64(from)));
      case TAG.BIGINT: {
        const magnitude = BigInt(`0x${Buffer.from(data.subarray(1)).toString('latin1')}`);
        return data[0] === 1 ? -magnitude : magnitude;
      }
      case TAG.NUMBERS:
        return this.#begin(numbersOf(copyOf(data.subarray(1 + data[0]!)).buffer));
      case TAG.SMALL_BUFFER:
        return this.#begin(viewOf(data[0]!, copyOf(data.subarray(1)), true));
      case TAG.UTF16:
        return Buffer.from(data).toString('utf16le');
      default:
        throw new Malformed(`extension ${tag} means nothing`);
    }
  }

  #array(length: number): unknown[] {
    this.#plausible(length);
    const array: unknown[] = this.#begin([]);
    for (let i = 0; i < length; i++) array.push(this.#read());
    return array;
  }

  #record(length: number): Record<string, unknown> {
    const record: Record<string, unknown> = this.#begin({});
    for (let i = 0; i < length; i++) {
      const key = this.#key();
      if (key === '__proto__') {
        Object.defineProperty(record, key, {
          value: this.#read(),
          enumerable: true,
          writable: true,
          configurable: true,
        });
      } else record[key] = this.#read();
    }
    return record;
  }

  #map(length: number): Map<unknown, unknown> {
    const map = this.#begin(new Map<unknown, unknown>());
    for (let i = 0; i < length; i += 2) map.set(this.#read(), this.#read());
    return map;
  }

  #set(length: number): Set<unknown> {
    const set = this.#begin(new Set<unknown>());
    for (let i = 0; i < length; i++) set.add(this.#read());
    return set;
  }

  #error(): Error {
    const slot = this.#hold();
    this.#count();
    const name = this.#read() as string;
    const message = this.#read() as string;
    const stack = this.#read() as string | undefined;
    const error = makeError(name, message);
    this.#fill(slot, error);
    const properties = this.#properties();
    define(error, 'stack', stack);
    for (const key of Object.keys(properties)) {
      if (key === 'cause' || key === 'errors') define(error, key, properties[key]);
      else (error as unknown as Record<string, unknown>)[key] = properties[key];
    }
    if (name === 'RuntimeError' && Object.hasOwn(ERRORS, String(properties['code']))) {
      Object.setPrototypeOf(error, RuntimeError.prototype);
    }
    return error;
  }

  /** The properties of an error are a record that is not numbered. */
  #properties(): Record<string, unknown> {
    const length = this.#mapCount();
    const record: Record<string, unknown> = {};
    for (let i = 0; i < length; i++) record[this.#key()] = this.#read();
    return record;
  }

  #buffer(kind: number): unknown {
    const slot = this.#hold();
    const resolve = this.#resolveBuffer;
    const index = this.#index();
    if (resolve === undefined) throw new Malformed('it has no buffer table');
    return this.#fill(slot, viewOf(kind, resolve(index), false));
  }

  #ref(index: number): unknown {
    if (this.#resolveRef === undefined) throw new Malformed('a reference to a datum stands outside an argument list');
    return this.#resolveRef(index);
  }

  #again(number: number): unknown {
    const seen = this.#seen;
    const value = seen?.[number];
    if (value === undefined) throw new Malformed(`object ${number} is used before it is complete`);
    return value;
  }

  /** Numbers an object as the writer did: in the order in which they begin. */
  #begin<T>(value: T): T {
    this.#seen?.push(value);
    return value;
  }

  #hold(): number {
    return this.#seen === undefined ? -1 : this.#seen.push(undefined) - 1;
  }

  #fill<T>(slot: number, value: T): T {
    if (slot >= 0) this.#seen![slot] = value;
    return value;
  }

  #keep<T>(make: () => T): T {
    const slot = this.#hold();
    return this.#fill(slot, make());
  }

  #key(): string {
    const token = this.#byte();
    if (token >= 0xa0 && token < 0xc0) {
      const length = token & 0x1f;
      return length <= MAX_CACHED_KEY ? this.#cachedKey(length) : this.#shortString(length);
    }
    this.#at--;
    const key = this.#read();
    if (typeof key !== 'string') throw new Malformed('a key is not a string');
    return key;
  }

  /** Keys repeat: the same bytes give the same string without making it again. */
  #cachedKey(length: number): string {
    const bytes = this.#bytes;
    const from = this.#skip(length);
    let hash = length;
    for (let i = 0; i < length; i++) hash = (Math.imul(hash, 31) + bytes[from + i]!) | 0;
    const slot = hash & (KEY_CACHE_SIZE - 1);
    const cached = keyCache[slot];
    if (cached !== undefined && sameAscii(cached, bytes, from, length)) return cached;
    const key = shortText(bytes, from, length);
    keyCache[slot] = key;
    return key;
  }

  #shortString(length: number): string {
    return shortText(this.#bytes, this.#skip(length), length);
  }

  #utf8(length: number): string {
    const from = this.#skip(length);
    return Buffer.from(this.#bytes.buffer, this.#bytes.byteOffset + from, length).toString('utf8');
  }

  #index(): number {
    const token = this.#byte();
    return token < 0x80 ? token : this.#view.getUint32(this.#skip(4));
  }

  #count(): number {
    const token = this.#byte();
    if (token >= 0x90 && token < 0xa0) return token & 0x0f;
    if (token === 0xdc) return this.#view.getUint16(this.#skip(2));
    if (token === 0xdd) return this.#length();
    throw new Malformed('a tag is not followed by what it needs');
  }

  #mapCount(): number {
    const token = this.#byte();
    if (token >= 0x80 && token < 0x90) return token & 0x0f;
    if (token === 0xde) return this.#view.getUint16(this.#skip(2));
    if (token === 0xdf) return this.#length();
    throw new Malformed('a tag is not followed by what it needs');
  }

  #length(): number {
    return this.#view.getUint32(this.#skip(4));
  }

  #byte(): number {
    return this.#bytes[this.#skip(1)]!;
  }

  /** Moves over `length` bytes that are there. */
  #skip(length: number): number {
    const from = this.#at;
    if (length > this.#bytes.length - from) throw new Malformed('it ends too early');
    this.#at = from + length;
    return from;
  }

  /** Every element takes a byte: a false length must not allocate. */
  #plausible(length: number): void {
    if (length > this.#bytes.length - this.#at) throw new Malformed('it ends too early');
  }
}

/** Never `slice`: a Buffer's shares memory. */
export const copyOf = (bytes: Uint8Array): Uint8Array<ArrayBuffer> => new Uint8Array(bytes);

/** The view of a kind on these bytes; on a copy when they are not aligned for it or must be an ArrayBuffer. */
function viewOf(kind: number, bytes: Uint8Array, owned: boolean): unknown {
  const type = VIEW_KINDS[kind];
  if (type === undefined) throw new Malformed(`view kind ${kind} means nothing`);
  if (type === ArrayBuffer) return owned ? bytes.buffer : copyOf(bytes).buffer;
  if (type === SharedArrayBuffer) {
    const shared = new SharedArrayBuffer(bytes.byteLength);
    new Uint8Array(shared).set(bytes);
    return shared;
  }
  if (type === Buffer) return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (type === DataView) return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const size = (type as typeof Uint8Array).BYTES_PER_ELEMENT;
  if (bytes.byteLength % size !== 0) throw new Malformed('a buffer is cut within an element');
  const source = bytes.byteOffset % size === 0 ? bytes : copyOf(bytes);
  return new (type as typeof Uint8Array)(source.buffer, source.byteOffset, source.byteLength / size);
}

function makeError(name: string, message: string): Error {
  if (name === 'AggregateError') return new AggregateError([], message);
  const type = ERROR_CLASSES[name];
  if (type !== undefined) return new type(message);
  const error = new Error(message);
  define(error, 'name', name);
  return error;
}

function define(target: object, key: string, value: unknown): void {
  Object.defineProperty(target, key, { value, writable: true, configurable: true, enumerable: false });
}

function sameAscii(text: string, bytes: Uint8Array, from: number, length: number): boolean {
  if (text.length !== length) return false;
  for (let i = 0; i < length; i++) if (text.charCodeAt(i) !== bytes[from + i]) return false;
  return true;
}

function numbersOf(buffer: ArrayBuffer): number[] {
  const block = new Float64Array(buffer);
  const numbers: number[] = [];
  for (let i = 0; i < block.length; i++) numbers.push(block[i]!);
  return numbers;
}

/** Mostly ASCII and short: calls into V8 for four characters each are cheaper than one into Node for all. */
function shortText(bytes: Uint8Array, from: number, length: number): string {
  const end = from + length;
  let all = 0;
  for (let i = from; i < end; i++) all |= bytes[i]!;
  if (all > 127) return Buffer.from(bytes.buffer, bytes.byteOffset + from, length).toString('utf8');
  let text = '';
  let i = from;
  for (; i + 3 < end; i += 4) text += String.fromCharCode(bytes[i]!, bytes[i + 1]!, bytes[i + 2]!, bytes[i + 3]!);
  for (; i < end; i++) text += String.fromCharCode(bytes[i]!);
  return text;
}
