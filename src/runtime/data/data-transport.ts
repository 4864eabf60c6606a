import { connect, createServer, isIP, type OnReadOpts, type Server, type Socket } from 'node:net';
import {
  createServer as createTlsServer,
  type TLSSocket,
  type TlsOptions,
  type Server as TlsServer,
  connect as tlsConnect,
} from 'node:tls';
import type { TlsSource } from '../../common/tls.ts';

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
  readonly tls: TlsSource;
  /** Of the server, without keys and certificates. */
  readonly server: TlsOptions;
  /** Told of the server, to renew its certificates; returns how to stop. */
  readonly renew?: (server: TlsServer) => () => void;
  /** Whether the other side of a connection may ask for anything. */
  readonly admit: (socket: TLSSocket) => boolean;
}

export function tlsTransport({ tls, server: options, renew, admit }: DataTlsOptions): DataTransport {
  return {
    listen: (onConnection) => {
      const server = createTlsServer({ ...options, ...tls.material }, (socket) => {
        if (admit(socket)) onConnection(socket);
        else socket.destroy();
      });
      server.on('tlsClientError', (_error, socket) => socket.destroy());
      const stop = renew?.(server);
      if (stop !== undefined) server.once('close', stop);
      return server;
    },
    connect: (host, port) => {
      const { ca, cert, key } = tls.material;
      const named = isIP(host) === 0 ? { servername: host } : {};
      return {
        socket: tlsConnect({ ...(ca === undefined ? {} : { ca }), cert, key, host, port, ...named }),
        direct: false,
      };
    },
  };
}
