import { rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import type { ChaosNode } from './cluster.ts';
import { command, inNamespace, pause } from './commands.ts';
import type { LinkProxy } from './link-proxy.ts';
import { bridgePort, controlAddress, dataAddress, namespaceOf } from './network.ts';

/** Numbers drawn when the fault is planned, so that the plan depends on the seed alone. */
export interface Draw {
  readonly holdMs: number;
  /** Another node. */
  readonly other: ChaosNode;
  /** 0 to 1. */
  readonly strength: number;
}

export interface FaultKind {
  readonly name: string;
  /** How often it is drawn, against the others. */
  readonly weight: number;
  /** Two faults of one subject do not overlap on one node. */
  readonly subject: 'process' | 'link' | 'disk' | 'clients';
  /** The nodes that it may hit; `first` is the one that programs run on. */
  readonly hits: 'any' | 'helpers' | 'first';
  /** Begins it and returns once it is over: the node is as before, but for what it lost. */
  inflict(node: ChaosNode, draw: Draw): Promise<void>;
}

async function kill(node: ChaosNode, { holdMs }: Draw): Promise<void> {
  await node.kill();
  await pause(holdMs);
  await node.start();
}

/** While `begin` holds; what it did is undone also when something fails. */
async function hold(holdMs: number, begin: () => Promise<unknown>, end: () => Promise<unknown>): Promise<void> {
  try {
    await begin();
    await pause(holdMs);
  } finally {
    await end();
  }
}

/** A rule of the firewall in the node's own namespace. */
const firewall = (node: ChaosNode, action: '-A' | '-D', rule: readonly string[]): Promise<string> => {
  const [chain = '', ...words] = rule;
  return inNamespace(namespaceOf(node.n), 'iptables', '-w', action, chain, ...words);
};

function filter(node: ChaosNode, { holdMs }: Draw, ...rules: readonly (readonly string[])[]): Promise<void> {
  const all = (action: '-A' | '-D') => async (): Promise<void> => {
    for (const rule of rules) await firewall(node, action, rule);
  };
  return hold(holdMs, all('-A'), all('-D'));
}

const from = (node: ChaosNode): string[] => ['INPUT', '-s', dataAddress(node.n)];
const to = (node: ChaosNode): string[] => ['OUTPUT', '-d', dataAddress(node.n)];

/** Everything that the node writes goes to one small file system. */
async function fillDisk(node: ChaosNode, { holdMs }: Draw): Promise<void> {
  const ballast = join(node.disk, 'ballast');
  const fill = (): Promise<void> => writeFile(ballast, Buffer.alloc(node.diskBytes)).catch(() => undefined);
  await hold(holdMs, fill, () => rm(ballast, { force: true }));
}

/** Clients that ask for everything that happens and read none of it. */
async function deafClients(node: ChaosNode, { holdMs }: Draw): Promise<void> {
  const request = 'GET /COMPSs/events HTTP/1.1\r\nHost: node\r\nAccept: text/event-stream\r\n\r\n';
  const sockets = Array.from({ length: 8 }, () => {
    const socket = connect({ host: controlAddress(node.n), port: node.restPort });
    socket.on('error', () => undefined).on('connect', () => socket.write(request));
    return socket.pause();
  });
  await pause(holdMs);
  for (const socket of sockets) socket.destroy();
}

async function throttle(node: ChaosNode, { holdMs, strength }: Draw): Promise<void> {
  const port = ['dev', bridgePort(node.n), 'root'];
  const rate = `${Math.round(200 + 4_000 * strength)}kbit`;
  const tbf = ['tbf', 'rate', rate, 'burst', '16kb', 'latency', '400ms'];
  const tc = (...words: string[]): Promise<string> => command('tc', 'qdisc', ...words);
  await hold(
    holdMs,
    () => tc('replace', ...port, ...tbf),
    () => tc('del', ...port),
  );
}

/** The bridge does not see the node any more. */
const unplug = (node: ChaosNode, { holdMs }: Draw): Promise<void> =>
  hold(
    holdMs,
    () => command('ip', 'link', 'set', bridgePort(node.n), 'down'),
    () => command('ip', 'link', 'set', bridgePort(node.n), 'up'),
  );

const processFaults: readonly FaultKind[] = [
  { name: 'kill', weight: 4, subject: 'process', hits: 'helpers', inflict: kill },
  // Its applications go on from its state directory.
  { name: 'kill-first', weight: 1, subject: 'process', hits: 'first', inflict: kill },
  {
    name: 'restart',
    weight: 2,
    subject: 'process',
    hits: 'helpers',
    inflict: async (node) => {
      await node.stop();
      await node.start();
    },
  },
  {
    name: 'stop',
    weight: 6,
    subject: 'process',
    hits: 'any',
    inflict: (node, { holdMs }) =>
      hold(
        holdMs,
        async () => node.signal('SIGSTOP'),
        async () => node.signal('SIGCONT'),
      ),
  },
];

const linkFaults: readonly FaultKind[] = [
  {
    name: 'cut',
    weight: 5,
    subject: 'link',
    hits: 'any',
    inflict: (node, draw) => filter(node, draw, [...from(draw.other), '-j', 'DROP'], [...to(draw.other), '-j', 'DROP']),
  },
  {
    name: 'one-way',
    weight: 5,
    subject: 'link',
    hits: 'any',
    inflict: (node, draw) => filter(node, draw, [...from(draw.other), '-j', 'DROP']),
  },
  { name: 'unplug', weight: 4, subject: 'link', hits: 'any', inflict: unplug },
  {
    name: 'reset',
    weight: 4,
    subject: 'link',
    hits: 'any',
    inflict: (node, draw) =>
      filter(node, draw, [...from(draw.other), '-p', 'tcp', '-j', 'REJECT', '--reject-with', 'tcp-reset']),
  },
  {
    name: 'loss',
    weight: 4,
    subject: 'link',
    hits: 'any',
    inflict: (node, draw) => {
      const share = (0.02 + 0.38 * draw.strength ** 2).toFixed(3);
      const random = ['-m', 'statistic', '--mode', 'random', '--probability', share, '-j', 'DROP'];
      return filter(node, draw, ['INPUT', '-i', 'data0', ...random]);
    },
  },
  { name: 'throttle', weight: 3, subject: 'link', hits: 'any', inflict: throttle },
];

const placeFaults: readonly FaultKind[] = [
  { name: 'disk', weight: 3, subject: 'disk', hits: 'helpers', inflict: fillDisk },
  { name: 'deaf-clients', weight: 2, subject: 'clients', hits: 'first', inflict: deafClients },
];

/** Packets of one direction, or of both, come late, out of order and in part. */
const delay = (proxy: LinkProxy): FaultKind => ({
  name: 'delay',
  weight: 6,
  subject: 'link',
  hits: 'any',
  inflict: (node, { holdMs, other, strength }) => {
    const link = { delay: 0.3 * strength ** 2, jitter: 0.1 * strength, loss: strength > 0.8 ? 0.05 : 0 };
    return hold(
      holdMs,
      () => proxy.divert(node.n, other.n, link),
      () => proxy.restore(node.n, other.n),
    );
  },
});

export const faultKinds = (proxy: LinkProxy): readonly FaultKind[] => [
  ...processFaults,
  ...linkFaults,
  ...placeFaults,
  delay(proxy),
];
