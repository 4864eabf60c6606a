import type { IncomingMessage, Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { RuntimeError } from '../../common/errors.ts';
import type { ServiceApp } from './app.ts';

/** A service that can be served: its routes, and the work it does on its own. */
export interface Service extends AsyncDisposable {
  readonly name: string;
  readonly app: ServiceApp;
  /** Begins what runs without a request (timers, deliveries); ends with `asyncDispose`. */
  start(): void;
}

export interface ListenOptions {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
}

export interface Listening extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
}

/** Serves and starts a service. Closing lets running requests end, ends streams, then stops the service's own work. */
export async function listen(service: Service, options: ListenOptions): Promise<Listening> {
  await service.app.listen({ host: options.host, port: options.port }).catch(async (thrown: unknown) => {
    await service.app.close();
    await service[Symbol.asyncDispose]();
    const reason = thrown instanceof Error ? thrown.message : String(thrown);
    throw new RuntimeError('ERR_PORT_UNAVAILABLE', { address: `${options.host}:${options.port}`, reason });
  });
  const closeUnused = watchUnused(service.app.server);
  service.start();
  const { port, address, family } = service.app.server.address() as AddressInfo;
  const host = family === 'IPv6' ? `[${address}]` : address;
  return {
    url: `http://${host}:${port}`,
    port,
    [Symbol.asyncDispose]: async () => {
      closeUnused();
      await service.app.close();
      await service[Symbol.asyncDispose]();
    },
  };
}

/**
 * Connections on which nothing was ever asked. Node counts them as neither idle nor busy, and clients open such ones in
 * advance: each would hold up the end of the server until its time-out.
 */
function watchUnused(server: Server): () => void {
  const unused = new Set<Socket>();
  let closing = false;
  server.on('connection', (socket: Socket) => {
    if (closing) return void socket.destroy();
    unused.add(socket);
    socket.once('close', () => unused.delete(socket));
  });
  server.on('request', ({ socket }: IncomingMessage) => unused.delete(socket));
  return () => {
    closing = true;
    for (const socket of unused) socket.destroy();
  };
}
