import type { Socket } from 'node:net';
import { type AnswerHandler, AnswerReader } from './answer-reader.ts';
import type { DataTransport } from './data-transport.ts';

export interface HolderConnectionOptions {
  readonly host: string;
  readonly port: number;
  readonly transport: DataTransport;
  readonly connectMs: number;
  /** A holder that sends nothing for so long is taken for gone. */
  readonly stallMs: number;
  /** An unused connection is closed after so long. */
  readonly idleMs: number;
}

/** One connection of the reader's side: a request, its answer, and so on. */
export class HolderConnection {
  readonly #socket: Socket;
  readonly #reader: AnswerReader;
  readonly #options: HolderConnectionOptions;
  #requests = 0;
  #failure: Error | undefined;
  /** Bytes that came in a 'data' event while the handler was not ready for them. */
  #rest: Uint8Array | undefined;
  #waiting = false;

  /** `ready` runs once, when requests can be sent; `closed` once, at the end, with what went wrong first. */
  constructor(options: HolderConnectionOptions, ready: () => void, closed: (reason: Error) => void) {
    this.#options = options;
    this.#reader = new AnswerReader(() => {
      this.#socket.setTimeout(options.stallMs);
      ready();
    });
    const { socket, direct } = options.transport.connect(options.host, options.port, {
      buffer: () => this.#reader.target(),
      callback: (bytes) => this.#filled(bytes),
    });
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.setTimeout(options.connectMs);
    socket.on('timeout', () => this.destroy(this.#timedOut()));
    socket.on('error', (error) => (this.#failure ??= error));
    if (!direct) socket.on('data', (bytes: Buffer) => this.#feed(bytes));
    socket.once('close', () => closed(this.#failure ?? new Error('the holder closed the connection')));
  }

  /** Can take a request, unless an answer is under way. */
  get ready(): boolean {
    return this.#reader.nonce !== undefined && !this.#socket.destroyed;
  }

  /** Requests of a connection are numbered from 1. */
  nextRequest(): number {
    this.#requests += 1;
    return this.#requests;
  }

  /** The holder's; known when the connection is ready. */
  get nonce(): Uint8Array {
    return this.#reader.nonce ?? new Uint8Array(0);
  }

  send(request: Uint8Array, handler: AnswerHandler): void {
    this.#reader.expect(handler);
    this.#socket.ref();
    this.#socket.setTimeout(this.#options.stallMs);
    this.#socket.write(request);
  }

  /** Nothing is under way: do not keep the process alive. */
  rest(): void {
    this.#socket.unref();
    this.#socket.setTimeout(this.#options.idleMs);
  }

  destroy(reason: Error): void {
    this.#failure ??= reason;
    this.#socket.destroy();
  }

  #timedOut(): Error {
    const { host, port, stallMs, connectMs, idleMs } = this.#options;
    const where = `${host}:${port}`;
    if (this.#reader.nonce === undefined) return new Error(`no data port answers at ${where} within ${connectMs} ms`);
    if (this.#reader.busy) return new Error(`${where} has sent nothing for ${stallMs} ms`);
    return new Error(`${where} was not used for ${idleMs} ms`);
  }

  /** Bytes were read into the target. False: read no more for now. */
  #filled(bytes: number): boolean {
    const wait = this.#advance(bytes);
    if (wait === undefined) return !this.#socket.destroyed;
    this.#waitFor(wait);
    return false;
  }

  /** The same for transports that bring their own buffers. */
  #feed(bytes: Uint8Array): void {
    let left = bytes;
    while (left.length > 0 && !this.#socket.destroyed) {
      const target = this.#reader.target();
      const part = left.subarray(0, target.length);
      target.set(part);
      left = left.subarray(part.length);
      const wait = this.#advance(part.length);
      if (wait === undefined) continue;
      this.#rest = left;
      this.#socket.pause();
      this.#waitFor(wait);
      return;
    }
  }

  #advance(bytes: number): Promise<void> | undefined {
    try {
      return this.#reader.advance(bytes);
    } catch (error) {
      this.destroy(error as Error);
      return undefined;
    }
  }

  #waitFor(wait: Promise<void>): void {
    this.#waiting = true;
    this.#socket.setTimeout(0); // the holder is not to blame for what this side waits for
    wait.then(
      () => this.#goOn(),
      (error: unknown) => this.destroy(error instanceof Error ? error : new Error(String(error))),
    );
  }

  #goOn(): void {
    this.#waiting = false;
    if (this.#socket.destroyed) return;
    if (this.#reader.busy) this.#socket.setTimeout(this.#options.stallMs);
    const left = this.#rest;
    this.#rest = undefined;
    if (left !== undefined) this.#feed(left);
    if (!this.#waiting) this.#socket.resume();
  }
}
