/**
 * Bytes of the data port.
 *
 * ```
 * holder:  greeting (32): magic, version, nonce
 * reader:  request: length u32, JSON                                      one at a time
 * holder:  answer (32): type, kind, mode, size, offset, manifest, chunk   then chunks, or a refusal: JSON
 *          chunk: length u32, zero u32, tag (16), then `length` bytes
 * ```
 * Integers are big-endian. An answer has at least one chunk, and all but the last are of the announced size. The tag of
 * the first covers the answer too.
 */
import { RuntimeError } from '../../common/errors.ts';
import { DATUM_KINDS, type DatumKind } from '../model/access.ts';
import { TAG_BYTES } from './seal.ts';
import type { Presented } from './ticket.ts';

const MAGIC = 0x4d4b4450;
const VERSION = 1;
const NONCE_BYTES = 24;
export const GREETING_BYTES = 8 + NONCE_BYTES;
export const ANSWER_BYTES = 32;
export const CHUNK_HEADER_BYTES = 8 + TAG_BYTES;
export const CHUNK_BYTES = 2 ** 20;
/** Requests and refusals. A request with more keys in its ticket does not fit. */
export const TEXT_LIMIT = 64 * 1024;
export const MANIFEST_LIMIT = 64 * 2 ** 20;
const LONGEST_CHUNK = 16 * 2 ** 20;

const CONTENT = 1;
const REFUSAL = 2;

export type PullRequest = Presented;

export type Answer =
  | {
      readonly type: 'content';
      readonly kind: DatumKind;
      readonly size: number;
      /** Where the bytes start: what the reader asked for. */
      readonly offset: number;
      /** Files: permission bits. */
      readonly mode: number;
      /** Directories: the first bytes of the content name its entries. */
      readonly manifestBytes: number;
      readonly chunkBytes: number;
    }
  | { readonly type: 'refusal'; readonly length: number };

export interface RefusalText {
  readonly code: string;
  readonly message: string;
  /** The same request may work in a moment. */
  readonly busy: boolean;
}

export const invalidFrame = (reason: string): RuntimeError => new RuntimeError('ERR_FRAME_INVALID', { reason });

export function encodeGreeting(nonce: Uint8Array): Buffer {
  const bytes = Buffer.alloc(GREETING_BYTES);
  bytes.writeUInt32BE(MAGIC, 0);
  bytes.writeUInt16BE(VERSION, 4);
  bytes.set(nonce.subarray(0, NONCE_BYTES), 8);
  return bytes;
}

/** The nonce. */
export function decodeGreeting(bytes: Uint8Array): Uint8Array {
  const buffer = asBuffer(bytes);
  if (buffer.readUInt32BE(0) !== MAGIC) throw invalidFrame('this is no data port');
  const version = buffer.readUInt16BE(4);
  if (version !== VERSION) throw invalidFrame(`version ${version} of the protocol, expected ${VERSION}`);
  return bytes.slice(8, GREETING_BYTES);
}

export function encodeRequest(request: PullRequest): Buffer {
  const text = Buffer.from(JSON.stringify(request));
  if (text.length > TEXT_LIMIT) throw invalidFrame(`a request of ${text.length} bytes, at most ${TEXT_LIMIT}`);
  const bytes = Buffer.allocUnsafe(4 + text.length);
  bytes.writeUInt32BE(text.length, 0);
  bytes.set(text, 4);
  return bytes;
}

export function decodeRequest(text: Uint8Array): PullRequest {
  const { ticket, proof, request, reader, key, offset } = parseObject(text);
  if (typeof ticket !== 'string' || typeof proof !== 'string') throw invalidFrame('a request without a ticket');
  if (typeof reader !== 'string' || typeof key !== 'string') throw invalidFrame('a request without reader or key');
  if (!isCount(request) || !isCount(offset)) throw invalidFrame('a request without number or offset');
  return { ticket, proof, request, reader, key, offset };
}

export function encodeAnswer(answer: Answer): Buffer {
  const bytes = Buffer.alloc(ANSWER_BYTES);
  if (answer.type === 'refusal') {
    bytes.writeUInt8(REFUSAL, 0);
    bytes.writeUInt32BE(answer.length, 4);
    return bytes;
  }
  bytes.writeUInt8(CONTENT, 0);
  bytes.writeUInt8(DATUM_KINDS.indexOf(answer.kind), 1);
  bytes.writeUInt16BE(answer.mode, 2);
  bytes.writeBigUInt64BE(BigInt(answer.size), 8);
  bytes.writeBigUInt64BE(BigInt(answer.offset), 16);
  bytes.writeUInt32BE(answer.manifestBytes, 24);
  bytes.writeUInt32BE(answer.chunkBytes, 28);
  return bytes;
}

export function decodeAnswer(bytes: Uint8Array): Answer {
  const buffer = asBuffer(bytes);
  const type = buffer.readUInt8(0);
  if (type === REFUSAL) {
    const length = buffer.readUInt32BE(4);
    if (length === 0 || length > TEXT_LIMIT) throw invalidFrame(`a refusal of ${length} bytes`);
    return { type: 'refusal', length };
  }
  if (type !== CONTENT) throw invalidFrame(`an answer of type ${type}`);
  const kind = DATUM_KINDS[buffer.readUInt8(1)];
  if (kind === undefined) throw invalidFrame('an answer of an unknown kind');
  return {
    type: 'content',
    kind,
    mode: within(buffer.readUInt16BE(2), 0, 0o777, 'mode'),
    ...decodeLengths(buffer, kind),
    chunkBytes: within(buffer.readUInt32BE(28), 1, LONGEST_CHUNK, 'chunk size'),
  };
}

function decodeLengths(buffer: Buffer, kind: DatumKind): { size: number; offset: number; manifestBytes: number } {
  const size = within(Number(buffer.readBigUInt64BE(8)), 0, Number.MAX_SAFE_INTEGER, 'size');
  const [least, most] = kind === 'directory' ? [2, Math.min(size, MANIFEST_LIMIT)] : [0, 0];
  return {
    size,
    offset: within(Number(buffer.readBigUInt64BE(16)), 0, size, 'offset'),
    manifestBytes: within(buffer.readUInt32BE(24), least, most, 'manifest'),
  };
}

export function encodeRefusal(text: RefusalText): Buffer {
  const body = Buffer.from(JSON.stringify(text)).subarray(0, TEXT_LIMIT);
  return Buffer.concat([encodeAnswer({ type: 'refusal', length: body.length }), body]);
}

export function decodeRefusal(text: Uint8Array): RefusalText {
  const { code, message, busy } = parseObject(text);
  if (typeof code !== 'string' || typeof message !== 'string') throw invalidFrame('a refusal without code or message');
  return { code, message, busy: busy === true };
}

export function encodeChunkHeader(length: number, tag: Uint8Array): Buffer {
  const bytes = Buffer.allocUnsafe(CHUNK_HEADER_BYTES);
  bytes.writeUInt32BE(length, 0);
  bytes.writeUInt32BE(0, 4);
  bytes.set(tag, 8);
  return bytes;
}

/** Length and tag. */
export function decodeChunkHeader(bytes: Uint8Array, expected: number): Uint8Array {
  const buffer = asBuffer(bytes);
  const length = buffer.readUInt32BE(0);
  if (length !== expected || buffer.readUInt32BE(4) !== 0)
    throw invalidFrame(`a chunk of ${length} bytes where ${expected} were due`);
  return bytes.slice(8, CHUNK_HEADER_BYTES);
}

/** Cuts what a reader sends into requests. Throws ERR_FRAME_INVALID; then the connection is of no use any more. */
export class RequestDecoder {
  #held: Buffer = Buffer.alloc(0);

  push(bytes: Uint8Array): readonly PullRequest[] {
    const requests: PullRequest[] = [];
    this.#held = this.#held.length === 0 ? asBuffer(bytes) : Buffer.concat([this.#held, bytes]);
    while (this.#held.length >= 4) {
      const length = this.#held.readUInt32BE(0);
      if (length === 0 || length > TEXT_LIMIT)
        throw invalidFrame(`a request of ${length} bytes, at most ${TEXT_LIMIT}`);
      if (this.#held.length < 4 + length) break;
      requests.push(decodeRequest(this.#held.subarray(4, 4 + length)));
      this.#held = this.#held.subarray(4 + length);
    }
    return requests;
  }
}

function parseObject(text: Uint8Array): Readonly<Record<string, unknown>> {
  let parsed: unknown;
  try {
    parsed = JSON.parse(asBuffer(text).toString('utf8'));
  } catch {
    throw invalidFrame('it is not JSON');
  }
  if (typeof parsed !== 'object' || parsed === null) throw invalidFrame('it is not an object');
  return parsed as Readonly<Record<string, unknown>>;
}

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

function within(value: number, low: number, high: number, what: string): number {
  if (value < low || value > high) throw invalidFrame(`${what} ${value} is out of range`);
  return value;
}

const asBuffer = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
