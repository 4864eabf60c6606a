import { createRandom, type Random } from '../../examples/kmeans/random.ts';
import type { ChaosNode } from './cluster.ts';
import { pause } from './commands.ts';
import type { Tally } from './tally.ts';

export interface FaultContext {
  readonly nodes: readonly ChaosNode[];
  readonly random: Random;
  readonly tally: Tally;
}

/** One kind of fault. */
export interface FaultKind {
  readonly name: string;
  /** How often it is drawn, against the others. */
  readonly weight: number;
  /** What it hits: two faults of one subject do not overlap on one node. */
  readonly subject: 'process' | 'link' | 'disk' | 'clock';
  /** Whether it may hit the node that programs run on. */
  readonly first: boolean;
  /** Begins it and returns once it is over: the node is as before, but for what it lost. */
  inflict(node: ChaosNode, draw: Draw): Promise<void>;
}

/** Numbers drawn when the fault is planned, so that the plan depends on the seed alone. */
export interface Draw {
  readonly holdMs: number;
  /** Another node. */
  readonly other: ChaosNode;
  /** 0 to 1. */
  readonly strength: number;
}

const kill: FaultKind = {
  name: 'kill',
  weight: 4,
  subject: 'process',
  first: false,
  inflict: async (node, { holdMs }) => {
    await node.kill();
    await pause(holdMs);
    await node.start();
  },
};

const stop: FaultKind = {
  name: 'stop',
  weight: 6,
  subject: 'process',
  first: true,
  inflict: async (node, { holdMs }) => {
    node.signal('SIGSTOP');
    await pause(holdMs);
    node.signal('SIGCONT');
  },
};

export const FAULTS: readonly FaultKind[] = [kill, stop];

export interface FaultPlan {
  readonly seed: number;
  /** Mean number that begin in a second. */
  readonly rate: number;
  readonly nodes: readonly ChaosNode[];
  readonly tally: Tally;
  readonly signal: AbortSignal;
  readonly say: (line: string) => void;
}

/** Draws faults until the signal, then waits for the end of those that have begun. What cannot happen now is left out. */
export async function inflictFaults({ seed, rate, nodes, tally, signal, say }: FaultPlan): Promise<void> {
  const random = createRandom(seed, 1);
  const busy = new Set<string>();
  const running = new Set<Promise<void>>();
  while (!signal.aborted) {
    const { waitMs, kind, node, draw } = drawFault(random, rate, nodes);
    await pause(waitMs);
    const key = `${node.name} ${kind.subject}`;
    if (signal.aborted || busy.has(key)) continue;
    busy.add(key);
    tally.fault(kind.name);
    const fault = kind
      .inflict(node, draw)
      .catch((error: unknown) => {
        tally.lost += 1;
        say(`LOST ${node.name} after ${kind.name}: ${String(error)}`);
      })
      .finally(() => {
        busy.delete(key);
        running.delete(fault);
      });
    running.add(fault);
  }
  await Promise.all(running);
}

interface DrawnFault {
  readonly waitMs: number;
  readonly kind: FaultKind;
  readonly node: ChaosNode;
  readonly draw: Draw;
}

/** Always draws the same count of numbers. */
function drawFault(random: Random, rate: number, nodes: readonly ChaosNode[]): DrawnFault {
  const waitMs = (2_000 * random.uniform()) / rate;
  const kind = weighted(random.uniform());
  const at = kind.first ? random.below(nodes.length) : 1 + random.below(nodes.length - 1);
  const other = nodes[(at + 1 + random.below(nodes.length - 1)) % nodes.length]!;
  const holdMs = 100 + 3_900 * random.uniform() ** 2;
  return { waitMs, kind, node: nodes[at]!, draw: { other, holdMs, strength: random.uniform() } };
}

function weighted(at: number): FaultKind {
  let rest = at * FAULTS.reduce((sum, { weight }) => sum + weight, 0);
  for (const kind of FAULTS) {
    rest -= kind.weight;
    if (rest < 0) return kind;
  }
  return FAULTS.at(-1)!;
}
