import type { KeyObject } from 'node:crypto';
import { isSealedBy } from './seal.ts';
import {
  ANSWER_BYTES,
  type Answer,
  CHUNK_HEADER_BYTES,
  decodeAnswer,
  decodeChunkHeader,
  decodeGreeting,
  decodeRefusal,
  GREETING_BYTES,
  invalidFrame,
  type RefusalText,
} from './wire.ts';

export type ContentAnswer = Extract<Answer, { type: 'content' }>;

/** Takes one answer. A promise makes the connection wait; its rejection ends the connection. */
export interface AnswerHandler {
  /** Set before the answer begins. */
  readonly sealKey: KeyObject;
  begin(answer: ContentAnswer): Promise<void> | undefined;
  /** Where the bytes of a chunk go, before they are known to be good. */
  buffer(offset: number, length: number): Uint8Array;
  /** The bytes there are good. */
  good(offset: number, length: number): Promise<void> | undefined;
  corrupt(offset: number): void;
  refused(text: RefusalText): void;
  /** All of it has been good. The connection can take the next request. */
  complete(): void;
}

/**
 * What a reader gets from a holder, as a machine that says where the next bytes go: `target()` is filled, `advance(n)`
 * tells how far. Bytes of values are thus read straight to where they will stay. Throws ERR_FRAME_INVALID; then the
 * connection is of no use any more.
 */
export class AnswerReader {
  nonce: Uint8Array | undefined;
  readonly #scratch = new Uint8Array(ANSWER_BYTES);
  #target: Uint8Array;
  #filled = 0;
  #next: () => Promise<void> | undefined;
  #handler: AnswerHandler | undefined;
  #answer: ContentAnswer | undefined;
  /** Start and tag of the chunk that is due. */
  #offset = 0;
  #tag: Uint8Array = this.#scratch;
  /** Bytes that the tag of the first chunk covers besides its own. */
  #answerBytes: Uint8Array | undefined;

  constructor(onGreeting: () => void) {
    this.#target = this.#scratch.subarray(0, GREETING_BYTES);
    this.#next = () => {
      this.nonce = decodeGreeting(this.#target);
      this.#expectAnswer();
      onGreeting();
      return undefined;
    };
  }

  get busy(): boolean {
    return this.#handler !== undefined;
  }

  /** The next answer is for this one. */
  expect(handler: AnswerHandler): void {
    this.#handler = handler;
  }

  target(): Uint8Array {
    return this.#filled === 0 ? this.#target : this.#target.subarray(this.#filled);
  }

  /** A promise: nothing may be read before it resolves. */
  advance(bytes: number): Promise<void> | undefined {
    this.#filled += bytes;
    return this.#filled < this.#target.length ? undefined : this.#next();
  }

  #expectBytes(target: Uint8Array, next: () => Promise<void> | undefined): void {
    this.#target = target;
    this.#filled = 0;
    this.#next = next;
  }

  #expectAnswer(): void {
    this.#expectBytes(this.#scratch.subarray(0, ANSWER_BYTES), () => {
      const handler = this.#handler;
      if (handler === undefined) throw invalidFrame('an answer that nobody asked for');
      const answer = decodeAnswer(this.#target);
      if (answer.type === 'refusal') return this.#expectRefusal(answer.length, handler);
      this.#answer = answer;
      this.#answerBytes = this.#target.slice();
      this.#offset = answer.offset;
      this.#expectChunkHeader(answer, handler);
      return handler.begin(answer);
    });
  }

  #expectRefusal(length: number, handler: AnswerHandler): undefined {
    this.#expectBytes(new Uint8Array(length), () => {
      const text = decodeRefusal(this.#target);
      this.#end();
      handler.refused(text);
      return undefined;
    });
  }

  #expectChunkHeader({ size, chunkBytes }: ContentAnswer, handler: AnswerHandler): void {
    const length = Math.min(chunkBytes, size - this.#offset);
    this.#expectBytes(this.#scratch.subarray(0, CHUNK_HEADER_BYTES), () => {
      this.#tag = decodeChunkHeader(this.#target, length);
      this.#expectBytes(handler.buffer(this.#offset, length), () => this.#chunkRead(length, handler));
      return length === 0 ? this.#next() : undefined;
    });
  }

  #chunkRead(length: number, handler: AnswerHandler): Promise<void> | undefined {
    const answer = this.#answer as ContentAnswer;
    const bytes = this.#target;
    const offset = this.#offset;
    const parts = this.#answerBytes === undefined ? [bytes] : [this.#answerBytes, bytes];
    if (!isSealedBy(this.#tag, handler.sealKey, offset, parts)) {
      handler.corrupt(offset);
      throw invalidFrame(`the bytes at ${offset} do not match their checksum`);
    }
    this.#answerBytes = undefined;
    this.#offset += length;
    if (this.#offset < answer.size) {
      this.#expectChunkHeader(answer, handler);
      return handler.good(offset, length);
    }
    this.#end();
    const written = handler.good(offset, length);
    if (written === undefined) handler.complete();
    return written?.then(() => handler.complete());
  }

  #end(): void {
    this.#handler = undefined;
    this.#answer = undefined;
    this.#expectAnswer();
  }
}
