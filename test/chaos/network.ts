import { mkdirSync } from 'node:fs';
import { ip, mountTmpfs } from './commands.ts';

/** Where node n is reached by other nodes: this way has faults. */
export const dataAddress = (n: number): string => `10.77.0.${n}`;
/** Where the runner reaches it: this way has none, so that what it sees is the agent's doing. */
export const controlAddress = (n: number): string => `10.78.${n}.2`;
export const namespaceOf = (n: number): string => `c${n}`;
/** The end of the node's veth pair that lies on the bridge. */
export const bridgePort = (n: number): string => `v${n}`;

/** One network namespace for each node, joined by a bridge here. All of it goes with the namespace that we are in. */
export function createNetwork(nodes: number): void {
  mountTmpfs('/run', 16);
  mkdirSync('/run/netns');
  const lines = ['link set lo up', 'link add br0 type bridge', 'link set br0 up'];
  for (let n = 1; n <= nodes; n++) {
    const ns = namespaceOf(n);
    lines.push(
      `netns add ${ns}`,
      `-n ${ns} link set lo up`,
      `link add ${bridgePort(n)} type veth peer name data0 netns ${ns}`,
      `link set ${bridgePort(n)} master br0 up`,
      `-n ${ns} addr add ${dataAddress(n)}/24 dev data0`,
      `-n ${ns} link set data0 up`,
      `link add k${n} type veth peer name control0 netns ${ns}`,
      `addr add 10.78.${n}.1/24 dev k${n}`,
      `link set k${n} up`,
      `-n ${ns} addr add ${controlAddress(n)}/24 dev control0`,
      `-n ${ns} link set control0 up`,
    );
  }
  ip(lines);
}
