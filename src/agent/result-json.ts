/** Results as JSON. What JSON has no form for is written so that a person and a script can still read it. */
import { RuntimeError } from '../common/errors.ts';
import type { ResultBody } from '../contracts/agent/views.ts';
import { OpaqueValue } from '../runtime/data/value-codec.ts';
import type { ResultValue } from './backend.ts';

type ResultEntry = ResultBody['results'][number];

/** Array elements, keys and leaves of one answer; beyond that the raw bytes are the way. */
const MAX_ITEMS = 2_000_000;

export function resultEntries(values: readonly ResultValue[]): ResultEntry[] {
  const writer = new JsonWriter(MAX_ITEMS);
  return values.map((result) => {
    const { from, index, name, path, locations } = result;
    const type = typeName(result.value);
    return {
      from,
      index,
      ...(name === undefined ? {} : { name }),
      ...(type === undefined ? {} : { type }),
      ...('value' in result ? { value: writer.write(result.value) } : {}),
      ...(path === undefined ? {} : { path }),
      ...(locations === undefined ? {} : { locations: [...locations] }),
    };
  });
}

/** Class of a value that comes back from JSON as something else. */
function typeName(value: unknown): string | undefined {
  if (typeof value === 'bigint') return 'bigint';
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  const name = value.constructor?.name;
  return name === undefined || name === 'Object' ? undefined : name;
}

class JsonWriter {
  #left: number;
  readonly #limit: number;
  readonly #above = new Set<object>();

  constructor(limit: number) {
    this.#limit = limit;
    this.#left = limit;
  }

  write(value: unknown): unknown {
    this.#count(1);
    if (typeof value === 'bigint') return value.toString();
    if (typeof value === 'number') return Number.isFinite(value) ? value : String(value);
    if (typeof value === 'function' || typeof value === 'symbol') return String(value);
    if (typeof value !== 'object' || value === null) return value;
    if (this.#above.has(value)) return '[circular]';
    this.#above.add(value);
    const written = this.#writeObject(value);
    this.#above.delete(value);
    return written;
  }

  #writeObject(value: object): unknown {
    if (value instanceof OpaqueValue) return `[a value that only Python can read: ${value.bytes.byteLength} bytes]`;
    if (Array.isArray(value)) return value.map((item) => this.write(item));
    if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : value.toISOString();
    if (value instanceof Map) return [...value].map(([key, item]) => [this.write(key), this.write(item)]);
    if (value instanceof Set) return [...value].map((item) => this.write(item));
    if (value instanceof Error) return { name: value.name, message: value.message };
    if (value instanceof RegExp || value instanceof URL) return String(value);
    if (value instanceof Uint8Array && Buffer.isBuffer(value)) return this.#bytes(value);
    if (ArrayBuffer.isView(value)) return this.#view(value);
    if (value instanceof ArrayBuffer || value instanceof SharedArrayBuffer) return this.#bytes(new Uint8Array(value));
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, this.write(item)]));
  }

  #bytes(bytes: Uint8Array): string {
    this.#count(bytes.byteLength / 16);
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
  }

  #view(view: ArrayBufferView): unknown {
    if (view instanceof DataView) return this.#bytes(new Uint8Array(view.buffer, view.byteOffset, view.byteLength));
    const items = view as unknown as ArrayLike<number | bigint>;
    this.#count(items.length);
    return Array.from(items, (item) =>
      typeof item === 'bigint' ? item.toString() : Number.isFinite(item) ? item : String(item),
    );
  }

  #count(items: number): void {
    this.#left -= items;
    if (this.#left < 0) throw new RuntimeError('ERR_RESULT_TOO_LARGE', { limit: this.#limit });
  }
}

/** The bytes of a typed array or buffer, as they are in memory (little-endian). Undefined for other values. */
export function rawBytes(value: unknown): Buffer | undefined {
  if (value instanceof ArrayBuffer || value instanceof SharedArrayBuffer) return Buffer.from(value as ArrayBuffer);
  if (typeof value === 'string') return Buffer.from(value, 'utf8');
  if (!ArrayBuffer.isView(value)) return undefined;
  return Buffer.from(value.buffer as ArrayBuffer, value.byteOffset, value.byteLength);
}
