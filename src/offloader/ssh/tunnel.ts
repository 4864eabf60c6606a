import { connect, createServer, type Server, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { SshConnection } from './connection.ts';

/** Ports here that lead to ports of the host's loopback address, and one there that leads here. */
export class Tunnel implements AsyncDisposable {
  readonly #connection: SshConnection;
  readonly #servers: Server[] = [];
  readonly #sockets = new Set<Duplex>();

  constructor(connection: SshConnection) {
    this.#connection = connection;
  }

  /** A port of this machine's loopback address; what it leads to asks for a secret. */
  async forward(port: number): Promise<number> {
    const server = createServer({ noDelay: true, pauseOnConnect: true }, (socket) => void this.#out(socket, port));
    this.#servers.push(server);
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(0, '127.0.0.1', resolve);
    });
    const address = server.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  }

  /** A port of the host that leads to a port here. */
  reverse(port: number, host: string): Promise<number> {
    return this.#connection.listen((channel) => {
      const socket = connect({ host, port, noDelay: true });
      this.#join(socket, channel);
    });
  }

  async #out(socket: Socket, port: number): Promise<void> {
    this.#keep(socket);
    try {
      this.#join(socket, await this.#connection.dial({ host: '127.0.0.1', port }));
    } catch {
      socket.resetAndDestroy();
    }
  }

  #join(socket: Socket, channel: Duplex): void {
    for (const [from, to] of [
      [socket, channel],
      [channel, socket],
    ] as const) {
      this.#keep(from);
      from.once('close', () => to.destroy());
      from.pipe(to);
    }
  }

  #keep(end: Duplex): void {
    if (this.#sockets.has(end)) return;
    this.#sockets.add(end);
    // The end of a tunnel says nothing: whoever uses the connection sees it close.
    end.on('error', () => undefined);
    end.once('close', () => this.#sockets.delete(end));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const end of this.#sockets) end.destroy();
    await Promise.all(this.#servers.map((server) => new Promise((resolve) => server.close(resolve))));
  }
}
