import type { Fleet } from './fleet.ts';
import type { Ledger } from './ledger.ts';
import {
  type Arrangement,
  type Component,
  NO_WEIGHTS,
  type PolicyName,
  type Requirements,
  type Weights,
} from './requirements.ts';

/** Higher is better. Called for nodes that fit only; ties go to the earlier node of the taxonomy. */
export type Score = (ledger: Ledger, index: number, component: Component) => number;

export const POLICIES: Readonly<Record<PolicyName, Score>> = {
  /** The seed's rule: the first node of the taxonomy that will do. */
  'first-fit': (_ledger, index) => -index,
  /** The node that is left with least, unless the application's weights ask for something else. */
  'best-fit': (ledger, index, component) => {
    const weights = component.weights ?? NO_WEIGHTS;
    return fitWeight(weights) * tightness(ledger, index, component.requirements) + aims(ledger, index, weights);
  },
};

/** A user's full weights leave the fit just enough to decide between equals. */
const LEAST_FIT_WEIGHT = 0.02;

const fitWeight = ({ performance, energy, security }: Weights): number =>
  Math.max(LEAST_FIT_WEIGHT, 1 - performance - energy - security);

function aims({ fleet, cpuMillis }: Ledger, index: number, weights: Weights): number {
  if (weights === NO_WEIGHTS) return 0;
  const idle = share(cpuMillis[index]!, fleet.cpuMillis[index]!);
  const performance = 0.5 * fleet.speed[index]! + 0.5 * idle;
  return (
    weights.performance * performance + weights.energy * fleet.thrift[index]! + weights.security * fleet.safety[index]!
  );
}

/** 1 when nothing is left over after placing, 0 when as much is left as the largest node of the fleet has. */
function tightness({ fleet, cpuMillis, memoryBytes }: Ledger, index: number, wanted: Requirements): number {
  const cpu = leftover(cpuMillis[index]!, wanted.cpuMillis, fleet.largestCpu);
  const memory = leftover(memoryBytes[index]!, wanted.memoryBytes, fleet.largestMemory);
  return 1 - (cpu + memory) / 2;
}

const leftover = (free: number, wanted: number | undefined, largest: number): number =>
  Number.isNaN(free) ? 0.5 : Math.max(0, free - (wanted ?? 0)) / largest;

const share = (part: number, whole: number): number => (whole > 0 && part > 0 ? part / whole : 0);

/** Every score lies between 0 and 1 or, first-fit, counts nodes: this outweighs either. */
export function arrangementBonus(arrangement: Arrangement, parts: number, fleet: Fleet): number {
  if (arrangement === 'free') return 0;
  const step = fleet.size + 2;
  return arrangement === 'spread' ? -step * parts : parts > 0 ? step : 0;
}

/** Share of the fleet's largest node that a component takes, in its scarcest resource: how hard it is to place. */
export function dominantShare(fleet: Fleet, { cpuMillis = 0, memoryBytes = 0 }: Requirements): number {
  return Math.max(cpuMillis / fleet.largestCpu, memoryBytes / fleet.largestMemory);
}
