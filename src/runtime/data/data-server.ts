import { type KeyObject, randomBytes } from 'node:crypto';
import type { Server, Socket } from 'node:net';
import { type ErrorInfo, RuntimeError, toErrorInfo } from '../../common/errors.ts';
import type { Logger } from '../../common/logger.ts';
import type { VersionId } from '../model/ids.ts';
import type { DataKey } from '../ports.ts';
import { type Content, openContent } from './content.ts';
import type { DataTransport } from './data-transport.ts';
import type { SlabStore } from './object-store.ts';
import { sealOf } from './seal.ts';
import { REFUSALS, type Refusal, sealKeyOf, type TicketOffice } from './ticket.ts';
import {
  CHUNK_BYTES,
  encodeAnswer,
  encodeChunkHeader,
  encodeGreeting,
  encodeRefusal,
  type PullRequest,
  RequestDecoder,
} from './wire.ts';

export interface DataServerOptions {
  readonly host: string;
  readonly port: number;
  readonly store: SlabStore;
  readonly office: TicketOffice;
  readonly resolve: (key: DataKey) => VersionId | undefined;
  /** Brings a version here that is known and held elsewhere; false when it cannot. */
  readonly bring: (version: VersionId, reader: string) => Promise<boolean>;
  readonly transport: DataTransport;
  readonly limits: DataServerLimits;
  readonly log: Logger;
}

export interface DataServerLimits {
  readonly maxConnections: number;
  /** Answers under way to one reader. */
  readonly maxAnswersPerReader: number;
  /** Buffers for what is read from disk, over all connections. */
  readonly maxBufferBytes: number;
  /** A connection must show a good ticket within this time. */
  readonly helloMs: number;
  /** A reader that takes nothing for so long is dropped, and its pins with it. */
  readonly stallMs: number;
  /** A connection without a request for so long is closed. */
  readonly idleMs: number;
}

/** Counters, all rising. */
export interface DataServerStats {
  bytesOut: number;
  answers: number;
  malformed: number;
  stalled: number;
  readonly refused: Record<Refusal | 'busy' | 'missing', number>;
}

/** Chunks handed to the socket and not yet taken by the system. */
const WINDOW = 4;

/** The holder's side of the data port: answers requests for versions, from memory or from disk. */
export class DataServer implements AsyncDisposable {
  readonly stats: DataServerStats = {
    bytesOut: 0,
    answers: 0,
    malformed: 0,
    stalled: 0,
    refused: Object.fromEntries(
      [...REFUSALS, 'busy', 'missing'].map((name) => [name, 0]),
    ) as DataServerStats['refused'],
  };
  readonly options: DataServerOptions;
  readonly #connections = new Set<ReaderConnection>();
  readonly #server: Server;
  /** Answers under way by reader. */
  readonly #active = new Map<string, number>();
  #buffers = 0;
  readonly #spareBuffers: Uint8Array[] = [];
  readonly #bufferWaiters: (() => void)[] = [];

  constructor(options: DataServerOptions) {
    this.options = options;
    this.#server = options.transport.listen((socket) => this.#accept(socket));
    this.#server.maxConnections = options.limits.maxConnections;
  }

  get openConnections(): number {
    return this.#connections.size;
  }

  /** The port. */
  async listen(): Promise<number> {
    const { host, port } = this.options;
    await new Promise<void>((resolve, reject) => {
      const failed = (cause: Error): void =>
        reject(new RuntimeError('ERR_DATA_PORT', { host, port, reason: cause.message }, { cause }));
      this.#server.once('error', failed);
      this.#server.listen(port, host, () => {
        this.#server.off('error', failed);
        this.#server.on('error', (error) => this.options.log.warn({ error: error.message }, 'data port'));
        resolve();
      });
    });
    const address = this.#server.address();
    return typeof address === 'object' && address !== null ? address.port : port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    const ended = [...this.#connections].map((connection) => connection.close());
    await Promise.all([closed, ...ended]);
  }

  /** False: the reader has as many answers under way as it may have. */
  enter(reader: string): boolean {
    const active = this.#active.get(reader) ?? 0;
    if (active >= this.options.limits.maxAnswersPerReader) return false;
    this.#active.set(reader, active + 1);
    return true;
  }

  leave(reader: string): void {
    const active = (this.#active.get(reader) ?? 1) - 1;
    if (active === 0) this.#active.delete(reader);
    else this.#active.set(reader, active);
  }

  async takeBuffer(): Promise<Uint8Array> {
    while ((this.#buffers + 1) * CHUNK_BYTES > this.options.limits.maxBufferBytes)
      await new Promise<void>((resolve) => this.#bufferWaiters.push(resolve));
    this.#buffers += 1;
    return this.#spareBuffers.pop() ?? new Uint8Array(CHUNK_BYTES);
  }

  giveBuffer(buffer: Uint8Array): void {
    this.#buffers -= 1;
    if (this.#spareBuffers.length < WINDOW) this.#spareBuffers.push(buffer);
    this.#bufferWaiters.shift()?.();
  }

  #accept(socket: Socket): void {
    const connection = new ReaderConnection(this, socket);
    this.#connections.add(connection);
    void connection.closed.then(() => this.#connections.delete(connection));
  }
}

/** One connection of a reader: a request, its answer, and so on. */
class ReaderConnection {
  /** Resolves when the socket is closed and nothing is held for it. */
  readonly closed: Promise<void>;
  readonly #server: DataServer;
  readonly #socket: Socket;
  readonly #nonce = randomBytes(24);
  readonly #decoder = new RequestDecoder();
  readonly #hello: NodeJS.Timeout;
  #answering: Promise<void> | undefined;
  #expected = 1;

  constructor(server: DataServer, socket: Socket) {
    this.#server = server;
    this.#socket = socket;
    this.#hello = setTimeout(() => this.#drop('no ticket in time'), server.options.limits.helloMs).unref();
    this.closed = new Promise((resolve) => {
      socket.once('close', () => {
        clearTimeout(this.#hello);
        void (this.#answering ?? Promise.resolve()).then(resolve);
      });
    });
    socket.setNoDelay(true);
    socket.on('error', (error) => server.options.log.debug({ error: error.message }, 'a reader is gone'));
    socket.on('timeout', () => this.#timedOut());
    socket.on('data', (bytes: Buffer) => this.#receive(bytes));
    socket.write(encodeGreeting(this.#nonce));
  }

  async close(): Promise<void> {
    this.#socket.destroy();
    await this.closed;
  }

  #receive(bytes: Buffer): void {
    try {
      for (const request of this.#decoder.push(bytes)) this.#take(request);
    } catch (error) {
      this.#server.stats.malformed += 1;
      this.#drop(toErrorInfo(error).message);
    }
  }

  #take(request: PullRequest): void {
    if (this.#answering !== undefined) throw new Error('a request before the last answer was complete');
    if (request.request !== this.#expected) throw new Error(`request ${request.request}, expected ${this.#expected}`);
    this.#expected += 1;
    this.#socket.setTimeout(this.#server.options.limits.stallMs);
    this.#answering = this.#answer(request)
      .catch((error: unknown) => this.#drop(toErrorInfo(error).message))
      .finally(() => {
        this.#answering = undefined;
        this.#socket.setTimeout(this.#server.options.limits.idleMs);
      });
  }

  async #answer(request: PullRequest): Promise<void> {
    const { stats, options } = this.#server;
    const signature = options.office.check(request, this.#nonce, Date.now());
    if (typeof signature === 'string') {
      stats.refused[signature] += 1;
      options.log.warn({ reader: request.reader, key: request.key, reason: signature }, 'refused a ticket');
      this.#refuse(new RuntimeError('ERR_TICKET_REFUSED', { reader: request.reader, reason: signature }));
      return;
    }
    clearTimeout(this.#hello);
    if (!this.#server.enter(request.reader)) {
      stats.refused.busy += 1;
      const limit = options.limits.maxAnswersPerReader;
      this.#refuse(new RuntimeError('ERR_DATA_PORT_BUSY', { reader: request.reader, limit }), true);
      return;
    }
    try {
      await this.#serve(request, sealKeyOf(signature, this.#nonce, request.request));
    } finally {
      this.#server.leave(request.reader);
    }
  }

  async #serve(request: PullRequest, sealKey: KeyObject): Promise<void> {
    const { stats, options } = this.#server;
    const version = options.resolve(request.key);
    let readable = version === undefined ? undefined : options.store.open(version);
    if (version !== undefined && readable === undefined && (await options.bring(version, request.reader))) {
      readable = options.store.open(version);
    }
    if (version === undefined || readable === undefined) {
      stats.refused.missing += 1;
      this.#refuse(new RuntimeError('ERR_DATA_MISSING', { key: request.key }));
      return;
    }
    try {
      const content = await openContent(request.key, readable);
      try {
        if (request.offset > content.size) throw new RuntimeError('ERR_DATA_MISSING', { key: request.key });
        await new Sender(this.#server, this.#socket, content, sealKey).send(request.offset);
        stats.answers += 1;
      } finally {
        await content.close();
      }
    } catch (error) {
      const info = toErrorInfo(error);
      if (info.code !== 'ERR_DATA_UNREADABLE' && info.code !== 'ERR_DATA_MISSING') throw error;
      options.log.warn({ key: request.key, error: info.message }, 'cannot send a version');
      this.#refuse(info);
    } finally {
      options.store.release(version);
    }
  }

  #refuse({ code, message }: Pick<ErrorInfo, 'code' | 'message'>, busy = false): void {
    this.#socket.write(encodeRefusal({ code, message, busy }));
  }

  #timedOut(): void {
    if (this.#answering !== undefined) this.#server.stats.stalled += 1;
    this.#drop('it takes nothing, or asks for nothing');
  }

  #drop(reason: string): void {
    const { remoteAddress } = this.#socket;
    this.#server.options.log.debug({ remoteAddress, reason }, 'closed a connection of the data port');
    this.#socket.destroy();
  }
}

/** Sends one content: the answer, then chunk by chunk, a few ahead of what the system has taken. */
class Sender {
  readonly #server: DataServer;
  readonly #socket: Socket;
  readonly #content: Content;
  readonly #key: KeyObject;
  #underWay = 0;
  #wake: (() => void) | undefined;
  #failure: Error | undefined;

  constructor(server: DataServer, socket: Socket, content: Content, key: KeyObject) {
    this.#server = server;
    this.#socket = socket;
    this.#content = content;
    this.#key = key;
  }

  /** Resolves when the system has taken the last byte, or rejects; then nothing of the content is in use any more. */
  async send(from: number): Promise<void> {
    const { kind, size, mode, manifestBytes } = this.#content;
    let answer: Buffer | undefined = encodeAnswer({
      type: 'content',
      kind,
      size,
      offset: from,
      mode,
      manifestBytes,
      chunkBytes: CHUNK_BYTES,
    });
    for (let offset = from; answer !== undefined || offset < size; offset += CHUNK_BYTES) {
      const length = Math.min(CHUNK_BYTES, size - offset);
      const { memory } = this.#content;
      if (memory !== undefined) this.#write(answer, offset, memory.subarray(offset, offset + length));
      else await this.#readAndWrite(answer, offset, length);
      answer = undefined;
      if (this.#underWay >= WINDOW) await this.#oneTaken();
      if (this.#failure !== undefined) break;
    }
    while (this.#underWay > 0) await this.#oneTaken();
    if (this.#failure !== undefined) throw this.#failure;
  }

  async #readAndWrite(answer: Buffer | undefined, offset: number, length: number): Promise<void> {
    const buffer = await this.#server.takeBuffer();
    const bytes = buffer.subarray(0, length);
    try {
      await this.#content.read(offset, bytes);
    } catch (error) {
      this.#server.giveBuffer(buffer);
      if (answer === undefined) throw new Error('it could not be read to its end', { cause: error });
      throw error;
    }
    this.#write(answer, offset, bytes, () => this.#server.giveBuffer(buffer));
  }

  #write(answer: Buffer | undefined, offset: number, bytes: Uint8Array, done?: () => void): void {
    const tag = sealOf(this.#key, offset, answer === undefined ? [bytes] : [answer, bytes]);
    const header = encodeChunkHeader(bytes.length, tag);
    this.#underWay += 1;
    this.#socket.cork();
    this.#socket.write(answer === undefined ? header : Buffer.concat([answer, header]));
    this.#socket.write(bytes, (error) => {
      done?.();
      this.#underWay -= 1;
      if (error) this.#failure ??= error;
      else this.#server.stats.bytesOut += bytes.length;
      this.#wake?.();
    });
    this.#socket.uncork();
  }

  #oneTaken(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = () => {
        this.#wake = undefined;
        resolve();
      };
    });
  }
}
