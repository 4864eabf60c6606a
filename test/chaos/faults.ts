import { createRandom, type Random } from '../../examples/kmeans/random.ts';
import type { ChaosNode } from './cluster.ts';
import { pause } from './commands.ts';
import type { Draw, FaultKind } from './fault-kinds.ts';
import type { Tally } from './tally.ts';

export interface FaultPlan {
  readonly seed: number;
  /** Mean number that begin in a second. */
  readonly rate: number;
  readonly nodes: readonly ChaosNode[];
  readonly kinds: readonly FaultKind[];
  readonly tally: Tally;
  readonly signal: AbortSignal;
  readonly say: (line: string) => void;
}

/** Draws faults until the signal, then waits for the end of those that have begun. What cannot happen now is left out. */
export async function inflictFaults(plan: FaultPlan): Promise<void> {
  const { seed, tally, signal, say } = plan;
  const random = createRandom(seed, 1);
  const busy = new Set<string>();
  const running = new Set<Promise<void>>();
  while (!signal.aborted) {
    const { waitMs, kind, node, draw } = drawFault(random, plan);
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
function drawFault(random: Random, { rate, nodes, kinds }: FaultPlan): DrawnFault {
  const waitMs = (2_000 * random.uniform()) / rate;
  const kind = weighted(kinds, random.uniform());
  const helper = 1 + random.below(nodes.length - 1);
  const any = random.below(nodes.length);
  const at = { helpers: helper, any, first: 0 }[kind.hits];
  const other = nodes[(at + 1 + random.below(nodes.length - 1)) % nodes.length]!;
  const holdMs = 100 + 3_900 * random.uniform() ** 2;
  return { waitMs, kind, node: nodes[at]!, draw: { other, holdMs, strength: random.uniform() } };
}

function weighted(kinds: readonly FaultKind[], at: number): FaultKind {
  let rest = at * kinds.reduce((sum, { weight }) => sum + weight, 0);
  for (const kind of kinds) {
    rest -= kind.weight;
    if (rest < 0) return kind;
  }
  return kinds.at(-1)!;
}
