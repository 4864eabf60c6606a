import { connect, createServer, type Server, type Socket } from 'node:net';

/** A TCP relay whose connections can be cut while both ends live on. */
export class CutProxy implements AsyncDisposable {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  refusing = false;

  private constructor(target: number) {
    this.#server = createServer((socket) => {
      if (this.refusing) {
        socket.destroy();
        return;
      }
      const upstream = connect(target, '127.0.0.1');
      for (const one of [socket, upstream]) {
        this.#sockets.add(one);
        one.on('error', () => undefined);
        one.on('close', () => {
          this.#sockets.delete(one);
          socket.destroy();
          upstream.destroy();
        });
      }
      socket.pipe(upstream).pipe(socket);
    });
  }

  static async start(target: number): Promise<{ proxy: CutProxy; port: number }> {
    const proxy = new CutProxy(target);
    await new Promise<void>((resolve) => proxy.#server.listen(0, '127.0.0.1', resolve));
    const address = proxy.#server.address();
    return { proxy, port: typeof address === 'object' && address !== null ? address.port : 0 };
  }

  /** Both ends stay connected and hear nothing more: what a silent cut of the network looks like. */
  freeze(): void {
    for (const socket of this.#sockets) socket.unpipe().pause();
  }

  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.cut();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }
}
