import { createServer, type Server, type Socket } from 'node:net';
import { decodePing, encodePong, incarnationDigest, onBeats } from './heartbeat-wire.ts';

/** Connections that have not asked for so long are closed. */
const IDLE_MS = 60_000;
const MAX_CONNECTIONS = 8192;

interface Expectation {
  readonly linkId: string;
  readonly silenceMs: number;
  heardAt: number;
}

/** Answers pings and notices which of the expected peers have stopped asking. Runs in the heartbeat thread. */
export class Answers {
  readonly #server: Server;
  readonly #digest: string;
  readonly #lagMs: () => number;
  readonly #sockets = new Set<Socket>();
  readonly #expected = new Map<number, Expectation>();
  readonly #byLink = new Map<string, number>();
  readonly #silent: (id: number) => void;
  #checker: NodeJS.Timeout | undefined;
  #checkedAt = 0;

  constructor(incarnation: string, lagMs: () => number, silent: (id: number) => void) {
    this.#digest = incarnationDigest(incarnation);
    this.#lagMs = lagMs;
    this.#silent = silent;
    this.#server = createServer({ noDelay: true }, (socket) => this.#accept(socket));
    this.#server.maxConnections = MAX_CONNECTIONS;
  }

  listen(host: string, port: number, listening: (port: number) => void, failed: (reason: string) => void): void {
    this.#server.once('error', (error) => failed(error.message));
    this.#server.listen({ host, port }, () => {
      const address = this.#server.address();
      listening(typeof address === 'object' && address !== null ? address.port : port);
    });
  }

  expect(id: number, linkId: string, silenceMs: number): void {
    this.#expected.set(id, { linkId, silenceMs, heardAt: performance.now() });
    this.#byLink.set(linkId, id);
    this.#checkedAt = performance.now();
    this.#checker ??= setInterval(() => this.#check(), CHECK_MS);
  }

  forget(id: number): void {
    const expectation = this.#expected.get(id);
    if (expectation === undefined) return;
    this.#expected.delete(id);
    if (this.#byLink.get(expectation.linkId) === id) this.#byLink.delete(expectation.linkId);
    if (this.#expected.size > 0) return;
    clearInterval(this.#checker);
    this.#checker = undefined;
  }

  close(): void {
    clearInterval(this.#checker);
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  #accept(socket: Socket): void {
    this.#sockets.add(socket);
    socket.setTimeout(IDLE_MS, () => socket.destroy());
    socket.on('error', () => socket.destroy());
    socket.on('close', () => this.#sockets.delete(socket));
    onBeats(socket, (beat) => {
      const ping = decodePing(beat);
      if (ping === undefined) return false;
      this.#heard(ping.linkId);
      return socket.write(encodePong({ incarnation: this.#digest, counter: ping.counter, lagMs: this.#lagMs() }));
    });
  }

  #heard(linkId: string): void {
    const id = this.#byLink.get(linkId);
    const expectation = id === undefined ? undefined : this.#expected.get(id);
    if (expectation !== undefined) expectation.heardAt = performance.now();
  }

  #check(): void {
    const now = performance.now();
    const stoodStill = now - this.#checkedAt > CHECK_MS * 4;
    this.#checkedAt = now;
    for (const [id, expectation] of this.#expected) {
      if (stoodStill) expectation.heardAt = now;
      if (now - expectation.heardAt <= expectation.silenceMs) continue;
      this.forget(id);
      this.#silent(id);
    }
  }
}

const CHECK_MS = 250;
