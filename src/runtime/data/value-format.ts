/**
 * The byte layout of one value. The first byte says which of the forms it has:
 *
 * - PLAIN: a MessagePack head from byte 1 to the end.
 * - FRAMED: a head with buffers out of band. `u8 form, u8[3] zero, u32 head length, u32 head offset, u32 buffer count`,
 *   then for each buffer `f64 offset, f64 byte length` (from byte 0), then head and buffers wherever the table says.
 *   Buffers written here start at multiples of 64, so that a typed array can be a view on them. Little-endian.
 * - RAW: the rest is bytes and decodes to a Uint8Array.
 * - PYTHON: the rest belongs to the Python workers (pickle 5 and its buffers). Never opened here.
 *
 * The head is MessagePack, so that other languages can read it: objects are maps with string keys. What MessagePack does
 * not have is a tag (`0xd4, tag, payload`) in front of a MessagePack value, or an ext of its own.
 */
export const FORM = { PLAIN: 1, FRAMED: 2, RAW: 3, PYTHON: 4 } as const;

export const TAG = {
  UNDEFINED: 0,
  /** Followed by the index of an access: the place of a datum in an argument list. */
  REF: 1,
  /** Payload: index into VIEW_KINDS; followed by an index into the buffer table. */
  BUFFER: 2,
  /** Ext: kind and the bytes of a small view. */
  SMALL_BUFFER: 3,
  /** Followed by an array of keys and values in turn. */
  MAP: 4,
  SET: 5,
  /** Followed by [name, message, stack, properties]. */
  ERROR: 6,
  REGEXP: 7,
  /** Ext of eight bytes: milliseconds as float64. */
  DATE: 8,
  /** Ext: sign (0 or 1) and hexadecimal digits of the magnitude, beyond 64 bits. */
  BIGINT: 9,
  /** Followed by the registered name of the class, then by what its `encode` gave. */
  INSTANCE: 10,
  /** In a tracked head: followed by the number of an object that came before. */
  SEEN: 11,
  /** In front of the whole head: objects are numbered in the order in which they begin, and may be SEEN again. */
  TRACKED: 12,
  /** Ext: the float64s of an array of numbers, after padding (first payload byte is its length) to a multiple of 8. */
  NUMBERS: 13,
  /** Ext: UTF-16 code units of a string with lone surrogates, which UTF-8 cannot hold. */
  UTF16: 14,
} as const;

/** Everything that has bytes of its own; the position is the wire number. */
export const VIEW_KINDS = [
  Int8Array,
  Uint8Array,
  Uint8ClampedArray,
  Int16Array,
  Uint16Array,
  Int32Array,
  Uint32Array,
  Float32Array,
  Float64Array,
  BigInt64Array,
  BigUint64Array,
  Buffer,
  DataView,
  ArrayBuffer,
  SharedArrayBuffer,
] as const;

const KIND_BY_PROTOTYPE = new Map<unknown, number>(VIEW_KINDS.map((view, kind) => [view.prototype, kind]));

/** Wire number of a buffer or view by its exact class; undefined for anything else, subclasses included. */
export const viewKindOf = (prototype: unknown): number | undefined => KIND_BY_PROTOTYPE.get(prototype);

export const FRAME_HEADER_BYTES = 16;
export const FRAME_ENTRY_BYTES = 16;
export const BUFFER_ALIGNMENT = 64;
/** Views up to this size lie in the head and are copied when decoded. */
export const SMALL_BUFFER_BYTES = 256;
/** Arrays of numbers from this length on are written as one block. */
export const PACKED_NUMBERS_FROM = 16;

export const alignBuffer = (offset: number): number => Math.ceil(offset / BUFFER_ALIGNMENT) * BUFFER_ALIGNMENT;

/** Deepest nesting before objects are numbered (which cycles need), and deepest at all. */
export const UNTRACKED_DEPTH = 200;
export const MAX_DEPTH = 2000;
/** Head bytes before objects are numbered, so that shared parts cannot grow a value without bound. */
export const UNTRACKED_BYTES = 16 * 1024 * 1024;
