import { connect, createServer, type OnReadOpts, type Server, type Socket } from 'node:net';
import {
  type ConnectionOptions,
  createServer as createTlsServer,
  type TlsOptions,
  connect as tlsConnect,
} from 'node:tls';

/** How the data port is reached: plain TCP, or TLS with the identity of the agent. */
export interface DataTransport {
  listen(onConnection: (socket: Socket) => void): Server;
  /** `onRead`: fill these buffers; undefined when the transport cannot, and 'data' events have to do. */
  connect(host: string, port: number, onRead: OnReadOpts): { readonly socket: Socket; readonly direct: boolean };
}

export const plainTransport: DataTransport = {
  listen: (onConnection) => createServer({ noDelay: true }, onConnection),
  connect: (host, port, onread) => ({ socket: connect({ host, port, noDelay: true, onread }), direct: true }),
};

export interface DataTlsOptions {
  readonly server: TlsOptions;
  readonly client: ConnectionOptions;
}

export function tlsTransport({ server, client }: DataTlsOptions): DataTransport {
  return {
    listen: (onConnection) => createTlsServer(server, onConnection),
    connect: (host, port) => ({ socket: tlsConnect({ ...client, host, port }), direct: false }),
  };
}
