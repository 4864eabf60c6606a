import type { DataTransport } from './data-transport.ts';
import { HolderConnection } from './holder-connection.ts';

export interface HolderPoolOptions {
  readonly transport: DataTransport;
  readonly maxConnections: number;
  readonly maxConnectionsPerHolder: number;
  readonly connectMs: number;
  readonly stallMs: number;
  readonly idleMs: number;
}

/** Wants a connection to one holder for one request. */
export interface Lessee {
  readonly host: string;
  readonly port: number;
  leased(connection: HolderConnection): void;
  /** No connection came about, or the leased one is gone. The lease has ended. */
  lost(reason: Error): void;
}

interface Held {
  readonly connection: HolderConnection;
  readonly host: string;
  readonly port: number;
  lessee: Lessee | undefined;
}

/** Connections to holders, reused, bounded in number. First come, first served, where a connection can be had. */
export class HolderPool implements AsyncDisposable {
  readonly #options: HolderPoolOptions;
  readonly #held = new Map<HolderConnection, Held>();
  readonly #waiting = new Set<Lessee>();
  #closed = false;
  #drained: (() => void) | undefined;

  constructor(options: HolderPoolOptions) {
    this.#options = options;
  }

  get openConnections(): number {
    return this.#held.size;
  }

  lease(lessee: Lessee): void {
    this.#waiting.add(lessee);
    this.#serve();
  }

  /** The answer is complete: the connection can be used again. */
  release(connection: HolderConnection): void {
    const held = this.#held.get(connection);
    if (held === undefined) return;
    held.lessee = undefined;
    connection.rest();
    this.#serve();
  }

  /** The lessee wants nothing any more and is told nothing any more; a connection with half an answer is closed. */
  cancel(lessee: Lessee): void {
    this.#waiting.delete(lessee);
    for (const held of this.#held.values()) {
      if (held.lessee !== lessee) continue;
      held.lessee = undefined;
      held.connection.destroy(new Error('cancelled'));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    this.#waiting.clear();
    if (this.#held.size === 0) return;
    const drained = new Promise<void>((resolve) => (this.#drained = resolve));
    for (const held of this.#held.values()) {
      held.lessee = undefined;
      held.connection.destroy(new Error('closed'));
    }
    await drained;
  }

  #serve(): void {
    for (const lessee of this.#waiting) {
      const found = this.#find(lessee);
      if (found === undefined) continue;
      this.#waiting.delete(lessee); // first: it may come again while it is served
      if (found === 'connect') {
        this.#connect(lessee);
      } else {
        found.lessee = lessee;
        lessee.leased(found.connection);
      }
    }
  }

  /** An unused connection to that holder, or leave to open one. */
  #find({ host, port }: Lessee): Held | 'connect' | undefined {
    let open = 0;
    let spare: Held | undefined;
    for (const held of this.#held.values()) {
      const usable = held.lessee === undefined && held.connection.ready;
      if (held.host === host && held.port === port) {
        if (usable) return held;
        open += 1;
      } else if (usable) {
        spare ??= held;
      }
    }
    if (open >= this.#options.maxConnectionsPerHolder) return undefined;
    if (this.#held.size < this.#options.maxConnections) return 'connect';
    spare?.connection.destroy(new Error('another holder needs the connection'));
    return undefined;
  }

  #connect(lessee: Lessee): void {
    const { host, port } = lessee;
    const connection: HolderConnection = new HolderConnection(
      { host, port, ...this.#options },
      () => this.#ready(connection),
      (reason) => this.#gone(connection, reason),
    );
    this.#held.set(connection, { connection, host, port, lessee });
  }

  #ready(connection: HolderConnection): void {
    const held = this.#held.get(connection);
    if (held?.lessee === undefined) this.release(connection);
    else held.lessee.leased(connection);
  }

  #gone(connection: HolderConnection, reason: Error): void {
    const held = this.#held.get(connection);
    this.#held.delete(connection);
    held?.lessee?.lost(reason);
    if (this.#held.size === 0) this.#drained?.();
    if (!this.#closed) this.#serve();
  }
}
