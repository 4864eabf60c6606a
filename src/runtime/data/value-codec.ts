/**
 * One value as one contiguous range of bytes; the layout is in value-format.ts.
 *
 * What travels: everything `structuredClone` takes except class instances, which need `serializable`. Numbers, strings,
 * bigints, null, undefined, plain objects (own enumerable string keys), arrays (holes arrive as undefined), Map, Set,
 * Date, RegExp, Error and its built-in subclasses with stack, cause and own properties, typed arrays, Buffers,
 * ArrayBuffers, DataViews. Cycles arrive as cycles. In a value without cycles an object that is met twice arrives as two
 * objects. Functions, symbols, promises, WeakMaps and instances of unregistered classes are ERR_VALUE_UNSERIALIZABLE.
 */
import { RuntimeError } from '../../common/errors.ts';
import { FORM, FRAME_ENTRY_BYTES, FRAME_HEADER_BYTES } from './value-format.ts';
import { describeProblem } from './value-problem.ts';
import { type BufferResolver, copyOf, Malformed, type RefResolver, ValueReader } from './value-reader.ts';
import { type RefLookup, Unserializable, ValueWriter } from './value-writer.ts';

export type { RefLookup } from './value-writer.ts';

/** A value of another language: passed on as it is, opened only by the workers of that language. */
export class OpaqueValue {
  readonly language: 'PYTHON';
  /** With the form byte. */
  readonly bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.language = 'PYTHON';
    this.bytes = bytes;
  }
}

export interface EncodeOptions {
  /** The access that stands for an object, or -1: for argument lists. */
  readonly refs?: RefLookup;
  /** Ask `refs` for plain objects and arrays too, not only for instances of classes. */
  readonly everyObject?: boolean;
}

export interface DecodeOptions {
  /**
   * False: typed arrays, Buffers and DataViews are views on the given bytes (which may lie in shared memory) wherever
   * they are aligned, and must not be written to. True: they own their memory.
   */
  readonly copy: boolean;
  readonly resolveRef?: RefResolver;
}

/** A value that has been measured and can be written once, before the next value is measured. */
export interface MeasuredValue {
  readonly byteLength: number;
  encodeInto(target: Uint8Array, start?: number): void;
}

/** Thrown by a `refs` callback to stop encoding; reaches the caller as it is. */
export class EncodingStopped extends Error {}

let shared: ValueWriter | undefined = new ValueWriter();

/** Size first, then bytes: to reserve room in shared memory for the value and write it there without a copy between. */
export function measure(value: unknown, options: EncodeOptions = {}): MeasuredValue {
  if (value instanceof OpaqueValue) return measuredBytes(value.bytes);
  const writer = new ValueWriter();
  const byteLength = measured(writer, value, options);
  return { byteLength, encodeInto: (target, start) => writer.copyTo(target, start) };
}

/** The value in an array of its own. */
export function encode(value: unknown, options: EncodeOptions = {}): Uint8Array<ArrayBuffer> {
  if (value instanceof OpaqueValue) return copyOf(value.bytes);
  // A class's own `encode` may end up here again while the shared writer is in use.
  const writer = shared ?? new ValueWriter();
  shared = undefined;
  try {
    const bytes = new Uint8Array(measured(writer, value, options));
    writer.copyTo(bytes);
    return bytes;
  } finally {
    writer.reset();
    shared = writer;
  }
}

/** Measures with a writer of the caller's, with errors that name the path. */
export function measured(writer: ValueWriter, value: unknown, options: EncodeOptions): number {
  try {
    return writer.measure(value, options.refs, options.everyObject);
  } catch (error) {
    if (error instanceof RuntimeError || error instanceof EncodingStopped) throw error;
    const { path, what } = describeProblem(value, error, options.refs);
    const cause = error instanceof Unserializable ? {} : { cause: error };
    throw new RuntimeError('ERR_VALUE_UNSERIALIZABLE', { path, what }, cause);
  }
}

/** The value in these bytes, which may be a view on shared memory. Throws ERR_VALUE_MALFORMED. */
export function decode(bytes: Uint8Array, options: DecodeOptions): unknown {
  try {
    return decodeForm(bytes, options);
  } catch (error) {
    if (error instanceof RuntimeError) throw error;
    throw new RuntimeError('ERR_VALUE_MALFORMED', { reason: (error as Error).message }, { cause: error });
  }
}

function decodeForm(bytes: Uint8Array, options: DecodeOptions): unknown {
  switch (bytes[0]) {
    case FORM.PLAIN:
      return new ValueReader(unshared(bytes), 1, options.resolveRef, undefined).readAll();
    case FORM.FRAMED:
      return decodeFramed(bytes, options);
    case FORM.RAW:
      return options.copy ? copyOf(bytes.subarray(1)) : bytes.subarray(1);
    case FORM.PYTHON:
      return new OpaqueValue(options.copy ? copyOf(bytes) : bytes);
    default:
      throw new Malformed(bytes.length === 0 ? 'it is empty' : `form ${bytes[0]} means nothing`);
  }
}

function decodeFramed(bytes: Uint8Array, options: DecodeOptions): unknown {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const headLength = view.getUint32(4, true);
  const headOffset = view.getUint32(8, true);
  const count = view.getUint32(12, true);
  if (headOffset + headLength > bytes.length) throw new Malformed('its head ends after it');
  const head = unshared(bytes.subarray(headOffset, headOffset + headLength));
  const { copy } = options;
  const buffers: BufferResolver = (index) => {
    if (index >= count) throw new Malformed(`it has no buffer ${index}`);
    const entry = FRAME_HEADER_BYTES + index * FRAME_ENTRY_BYTES;
    const from = view.getFloat64(entry, true);
    const length = view.getFloat64(entry + 8, true);
    if (!(from >= 0 && length >= 0 && from + length <= bytes.length))
      throw new Malformed(`buffer ${index} lies outside`);
    return copy ? copyOf(bytes.subarray(from, from + length)) : bytes.subarray(from, from + length);
  };
  return new ValueReader(head, 0, options.resolveRef, buffers).readAll();
}

function unshared(bytes: Uint8Array): Uint8Array {
  return bytes.buffer instanceof ArrayBuffer ? bytes : copyOf(bytes);
}

function measuredBytes(bytes: Uint8Array): MeasuredValue {
  return { byteLength: bytes.length, encodeInto: (target, start) => target.set(bytes, start) };
}
