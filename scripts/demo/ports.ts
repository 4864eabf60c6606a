import { createServer } from 'node:net';

/** The REST ports of the deployment test; the agent link and the data port come right after each. */
const DEFAULT_PORTS = [46_101, 46_201, 46_301, 46_401] as const;
const LAST_PORT = 65_533;

/** `PORTS=47101,47201,47301,47401`: REST ports of the agents. */
export function parsePorts(text: string | undefined): readonly number[] {
  if (text === undefined || text.trim() === '') return DEFAULT_PORTS;
  const ports = text.split(',').map(Number);
  const valid = ports.every((port) => Number.isInteger(port) && port > 0 && port <= LAST_PORT);
  if (!valid || ports.length !== DEFAULT_PORTS.length || new Set(ports).size !== ports.length) {
    throw new RangeError(`PORTS needs ${DEFAULT_PORTS.length} different ports with commas between them, not ${text}`);
  }
  return ports;
}

/** The first port of the agents that somebody listens on; asked before anything is started. */
export async function usedPort(restPorts: readonly number[], host: string): Promise<number | undefined> {
  for (const rest of restPorts) {
    for (const port of [rest, rest + 1, rest + 2]) if (!(await isFree(port, host))) return port;
  }
  return undefined;
}

function isFree(port: number, host: string): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, host, () => server.close(() => resolve(true)));
  });
}
