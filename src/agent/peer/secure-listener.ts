/** The agent link over TLS: connections are taken here and handed to the gRPC server when their certificate is good. */
import type { AddressInfo } from 'node:net';
import { createServer, type TLSSocket, type Server as TlsServer } from 'node:tls';
import { type Server, ServerCredentials } from '@grpc/grpc-js';
import { RuntimeError } from '../../common/errors.ts';
import type { TlsSource } from '../../common/tls.ts';
import { type CallerCertificate, certificateOf } from '../security/caller.ts';
import { renewOnChange, serverOptions } from '../security/tls-server.ts';

export interface SecureListenerOptions {
  readonly server: Server;
  readonly tls: TlsSource;
  readonly host: string;
  readonly port: number;
  /** A connection was closed: it showed this certificate, or none. */
  readonly refused: (certificate: CallerCertificate | undefined, from: string) => void;
}

export interface SecureListener {
  readonly port: number;
  /** No new connections. Those that are open end with the gRPC server. */
  close(): void;
}

const MAX_CONNECTIONS = 8_192;

/** Throws ERR_PORT_UNAVAILABLE. */
export async function listenSecurely(options: SecureListenerOptions): Promise<SecureListener> {
  const { server, tls, host, port } = options;
  // gRPC over a connection that is encrypted already.
  const injector = server.createConnectionInjector(ServerCredentials.createInsecure());
  const listener = createServer({ ...serverOptions(tls), ALPNProtocols: ['h2'] }, (socket) => {
    if (admit(socket, options)) injector.injectConnection(socket);
  });
  listener.maxConnections = MAX_CONNECTIONS;
  listener.on('tlsClientError', (_error, socket) => socket.destroy());
  await listen(listener, host, port);
  const stop = renewOnChange(listener, tls);
  return {
    port: (listener.address() as AddressInfo).port,
    close: () => {
      stop();
      listener.close();
    },
  };
}

function admit(socket: TLSSocket, { tls, refused }: SecureListenerOptions): boolean {
  socket.on('error', () => socket.destroy());
  if (tls.material.ca === undefined || socket.authorized) return true;
  refused(certificateOf(socket), `${socket.remoteAddress}:${socket.remotePort}`);
  socket.destroy();
  return false;
}

async function listen(listener: TlsServer, host: string, port: number): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    listener.once('error', (error) => {
      const address = `${host.includes(':') ? `[${host}]` : host}:${port}`;
      reject(new RuntimeError('ERR_PORT_UNAVAILABLE', { address, reason: error.message }, { cause: error }));
    });
    listener.listen(port, host, resolve);
  });
  listener.removeAllListeners('error');
  listener.on('error', () => undefined); // Of single connections that could not be accepted.
}
