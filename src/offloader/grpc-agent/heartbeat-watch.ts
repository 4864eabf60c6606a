import { connect, type Socket } from 'node:net';
import type { GoneEvidence, WatchTarget } from './heartbeat-messages.ts';
import { decodePong, encodePing, incarnationDigest, onBeats, type Pong } from './heartbeat-wire.ts';

export interface WatchEvents {
  gone(reason: string, evidence: GoneEvidence): void;
  lag(lagMs: number): void;
}

/** Lags below this are not worth a message. */
const LAG_NOTE_MS = 1000;
/** Its host answers, and has refused connections for so long: nothing listens there. A shorter time may be a cut. */
const REFUSED_MS = 400;

/**
 * Asks one peer again and again whether it lives. Runs in the heartbeat thread. Ends by itself when the peer is gone.
 */
export class Watch {
  readonly #target: WatchTarget;
  readonly #events: WatchEvents;
  readonly #digest: string;
  readonly #ticker: NodeJS.Timeout;
  #socket: Socket | undefined;
  #counter = 0;
  /** Its port has taken a connection: it can be reached from here, whether or not it has answered yet. */
  #reached = false;
  /** Since when connections have been refused, one after the other. */
  #refusedSince: number | undefined;
  #lastPong: number;
  #lastTick: number;
  #notedLag = 0;
  #ended = false;

  constructor(target: WatchTarget, events: WatchEvents) {
    this.#target = target;
    this.#events = events;
    this.#digest = incarnationDigest(target.incarnation);
    this.#lastPong = performance.now();
    this.#lastTick = this.#lastPong;
    this.#ticker = setInterval(() => this.#tick(), target.heartbeatMs);
    this.#connect();
  }

  end(): void {
    this.#ended = true;
    clearInterval(this.#ticker);
    this.#socket?.destroy();
  }

  #tick(): void {
    const now = performance.now();
    // This thread itself stood still (stopped process, starved machine): the peer's answers may be waiting unread.
    if (now - this.#lastTick > this.#target.heartbeatMs * 2 + 100) this.#lastPong = now;
    this.#lastTick = now;
    const silence = now - this.#lastPong;
    if (silence > this.#target.deadlineMs) {
      this.#gone(`no heartbeat for ${Math.round(silence)} ms`, 'silence');
      return;
    }
    if (this.#socket === undefined) this.#connect();
    else this.#ping();
  }

  #ping(): void {
    this.#socket?.write(encodePing({ linkId: this.#target.linkId, counter: this.#counter++ }));
  }

  #connect(): void {
    const { host, port } = this.#target;
    const socket = connect({ host, port, noDelay: true });
    this.#socket = socket;
    let failure: NodeJS.ErrnoException | undefined;
    socket.on('connect', () => {
      this.#reached = true;
      this.#refusedSince = undefined;
      this.#ping();
    });
    socket.on('error', (error) => (failure = error));
    socket.on('close', () => this.#lostConnection(socket, failure));
    onBeats(socket, (beat) => this.#heard(decodePong(beat)));
  }

  #heard(pong: Pong | undefined): boolean {
    if (pong === undefined || this.#ended) return false;
    if (pong.incarnation !== this.#digest) {
      this.#gone('it was restarted', 'proof');
      return false;
    }
    this.#lastPong = performance.now();
    this.#noteLag(pong.lagMs);
    return true;
  }

  #noteLag(lagMs: number): void {
    if (lagMs > this.#target.maxLagMs) {
      this.#gone(`its event loop has stood still for ${Math.round(lagMs)} ms`, 'proof');
      return;
    }
    if (lagMs < LAG_NOTE_MS && this.#notedLag < LAG_NOTE_MS) return;
    this.#notedLag = lagMs;
    this.#events.lag(lagMs);
  }

  /** The kernel closes the sockets of a dead process at once: asking again tells whether it was that. */
  #lostConnection(socket: Socket, failure: NodeJS.ErrnoException | undefined): void {
    if (this.#socket === socket) this.#socket = undefined;
    if (this.#ended) return;
    if (failure?.code === 'ECONNREFUSED') {
      const now = performance.now();
      this.#refusedSince ??= now;
      const isProof = this.#target.sameHost || now - this.#refusedSince >= REFUSED_MS;
      if (isProof) this.#gone('nothing listens at its address any more', 'proof');
      return;
    }
    this.#refusedSince = undefined;
    if (failure === undefined || failure.code === 'ECONNRESET') setImmediate(() => this.#reconnect());
  }

  #reconnect(): void {
    if (!this.#ended && this.#socket === undefined) this.#connect();
  }

  #gone(reason: string, evidence: GoneEvidence): void {
    if (this.#ended) return;
    this.end();
    this.#events.gone(reason, this.#reached ? evidence : 'unreached');
  }
}
