import type { AddressInfo } from 'node:net';
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
  service.start();
  const { port, address, family } = service.app.server.address() as AddressInfo;
  const host = family === 'IPv6' ? `[${address}]` : address;
  return {
    url: `http://${host}:${port}`,
    port,
    [Symbol.asyncDispose]: async () => {
      await service.app.close();
      await service[Symbol.asyncDispose]();
    },
  };
}
