import { type AddressInfo, createServer } from 'node:net';
import { RuntimeError } from '../../../common/errors.ts';

/** Both 0: whatever the system gives. */
export interface PortRange {
  readonly first: number;
  readonly last: number;
}

/** Ports of this machine for agents, each given to one at a time. */
export interface Ports {
  /** A port nobody listens on. Throws ERR_PORT_UNAVAILABLE when the range is used up. */
  take(): Promise<number>;
  /** This one, or ERR_PORT_UNAVAILABLE. */
  takeThis(port: number): Promise<number>;
  release(ports: readonly number[]): void;
}

export function createPorts(host: string, { first, last }: PortRange): Ports {
  const taken = new Set<number>();
  let next = first;
  async function takeAny(): Promise<number> {
    for (;;) {
      const port = await freePort(host, 0);
      if (port === undefined) throw unavailable(host, 'the system gives no port');
      if (taken.has(port)) continue;
      taken.add(port);
      return port;
    }
  }
  return {
    async take() {
      if (first === 0) return takeAny();
      for (let tried = first; tried <= last; tried += 1) {
        const port = next;
        next = next >= last ? first : next + 1;
        if (taken.has(port)) continue;
        // Taken before it is looked at: another agent may be looking for one meanwhile.
        taken.add(port);
        if ((await freePort(host, port)) !== undefined) return port;
        taken.delete(port);
      }
      throw unavailable(`${host}:${first} to ${last}`, 'all are in use');
    },
    async takeThis(port) {
      if (taken.has(port)) throw unavailable(`${host}:${port}`, 'another agent has it');
      taken.add(port);
      if ((await freePort(host, port)) !== undefined) return port;
      taken.delete(port);
      throw unavailable(`${host}:${port}`, 'something else listens there');
    },
    release: (ports) => {
      for (const port of ports) taken.delete(port);
    },
  };
}

const unavailable = (address: string, reason: string): RuntimeError =>
  new RuntimeError('ERR_PORT_UNAVAILABLE', { address, reason });

/** The port when nobody listens on it; with 0, one that nobody listens on. */
function freePort(host: string, port: number): Promise<number | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(undefined));
    server.listen(port, host, () => {
      const bound = (server.address() as AddressInfo).port;
      server.close(() => resolve(bound));
    });
  });
}
