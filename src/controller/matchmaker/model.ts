/**
 * Requirements to targets: a pure function of the request, the fleet and what is promised already.
 *
 * The parts of all components are placed one after the other on one ledger, hardest first, so that together they never
 * take more than there is. Where that leaves a part without a node, a bounded search tries other orders of nodes.
 */

import { explainMisfit, misfit, misfitKinds } from './fit.ts';
import type { Fleet } from './fleet.ts';
import { createLedger, type Ledger } from './ledger.ts';
import { arrangementBonus, dominantShare, POLICIES } from './policies.ts';
import type { Component, PlacementRequest, RequirementKind, Requirements, Reservation } from './requirements.ts';

export interface Target {
  readonly cluster: string;
  readonly node: string;
  readonly orchestrator: string;
}

export interface Rejection {
  readonly cluster: string;
  readonly node: string;
  readonly kinds: readonly RequirementKind[];
  readonly reasons: readonly string[];
}

export interface ComponentPlacement {
  readonly component: string;
  /** One, or one per value of a node label that lists several; none when a part found no node. */
  readonly targets: readonly Target[];
  readonly knownNodes: number;
  readonly rejectedNodes: number;
  /** How many nodes each kind of requirement rules out; a node that misses several is counted for each. */
  rejectedBy(): ReadonlyMap<RequirementKind, number>;
  /** Every node that will not do and why, given where everything else of the request went. Made on demand. */
  rejections(limit?: number): Rejection[];
}

/** One node to find: a component is one part, or one per value of its replicated label. */
interface Part {
  readonly component: Component;
  readonly owner: number;
  readonly wanted: Requirements;
}

const NOWHERE = -1;

export function matchmake(
  request: PlacementRequest,
  fleet: Fleet,
  reservations: readonly Reservation[],
): readonly ComponentPlacement[] {
  const ledger = createLedger(fleet, reservations);
  const parts = request.components.flatMap(partsOf);
  const order = request.policy === 'first-fit' ? parts : hardestFirst(parts, fleet);
  const places = placeAll(order, request, ledger);
  const stranded = order.filter((_, at) => places[at] === NOWHERE);
  releaseIncomplete(order, places, stranded, ledger);
  return request.components.map((component, owner) => {
    const mine = order
      .map((part, at) => ({ part, index: places[at]! }))
      .filter(({ part, index }) => part.owner === owner && index !== NOWHERE);
    const unmet = stranded.find((part) => part.owner === owner)?.wanted;
    return placementOf(component, unmet ?? component.requirements, mine, ledger);
  });
}

/** A label with several values means a replica on a node of each. */
function partsOf(component: Component, owner: number): Part[] {
  const { nodeLabels: labels = [] } = component.requirements;
  const replicated = labels.find((label) => label.values.length > 1);
  if (replicated === undefined) return [{ component, owner, wanted: component.requirements }];
  const others = labels.filter((label) => label !== replicated);
  return replicated.values.map((value) => ({
    component,
    owner,
    wanted: { ...component.requirements, nodeLabels: [...others, { key: replicated.key, values: [value] }] },
  }));
}

function hardestFirst(parts: readonly Part[], fleet: Fleet): Part[] {
  const difficulty = new Map(parts.map((part) => [part, dominantShare(fleet, part.wanted)]));
  return parts.toSorted((a, b) => difficulty.get(b)! - difficulty.get(a)!);
}

function placeAll(order: readonly Part[], request: PlacementRequest, ledger: Ledger): number[] {
  const greedy = order.map((part) => takeBest(part, request, ledger));
  const stranded = greedy.some((index, at) => index === NOWHERE && fitsAlone(order[at]!, ledger, order, greedy));
  if (!stranded) return greedy;
  for (const [at, index] of greedy.entries()) if (index !== NOWHERE) ledger.giveBack(index, order[at]!.wanted);
  const found = search(order, greedy, request, ledger);
  for (const [at, index] of found.entries()) if (index !== NOWHERE) ledger.take(index, order[at]!.wanted);
  return found;
}

function takeBest(part: Part, request: PlacementRequest, ledger: Ledger): number {
  const best = bestNodes(part, request, ledger, 1)[0] ?? NOWHERE;
  if (best !== NOWHERE) ledger.take(best, part.wanted);
  return best;
}

/** Whether some node would do if no other part of the request were there: only then is a search worth its time. */
function fitsAlone(part: Part, ledger: Ledger, order: readonly Part[], places: readonly number[]): boolean {
  const used = [...places.entries()].filter(([, index]) => index !== NOWHERE);
  for (const [at, index] of used) ledger.giveBack(index, order[at]!.wanted);
  let fits = false;
  for (let index = 0; index < ledger.fleet.size && !fits; index += 1) fits = misfit(ledger, index, part.wanted) === 0;
  for (const [at, index] of used) ledger.take(index, order[at]!.wanted);
  return fits;
}

/** The `count` best nodes that fit, best first. `count` is small, so inserting beats sorting the fleet. */
function bestNodes(part: Part, request: PlacementRequest, ledger: Ledger, count: number): number[] {
  const score = POLICIES[request.policy];
  const nodes: number[] = [];
  const scores: number[] = [];
  for (let index = 0; index < ledger.fleet.size; index += 1) {
    if (misfit(ledger, index, part.wanted) !== 0) continue;
    const value =
      score(ledger, index, part.component) + arrangementBonus(request.arrangement, ledger.parts[index]!, ledger.fleet);
    if (nodes.length === count && value <= scores[count - 1]!) continue;
    let at = nodes.length;
    while (at > 0 && scores[at - 1]! < value) at -= 1;
    nodes.splice(at, 0, index);
    scores.splice(at, 0, value);
    if (nodes.length > count) {
      nodes.pop();
      scores.pop();
    }
  }
  return nodes;
}

/** Nodes looked at by one search, and how many nodes it tries for a part: bounds on time, not on what is right. */
const SEARCH_NODES = 2_000_000;
const SEARCH_STEPS = 4_000;
const SEARCH_WIDTH = 12;

/**
 * Depth first over the best nodes of each part, leaving a part out last; keeps the first placement with the most parts.
 * The greedy one is the measure to beat, so the answer is never worse.
 */
function search(order: readonly Part[], greedy: number[], request: PlacementRequest, ledger: Ledger): number[] {
  let steps = Math.min(SEARCH_STEPS, Math.ceil(SEARCH_NODES / Math.max(1, ledger.fleet.size)));
  let best = greedy;
  let bestPlaced = placed(greedy);
  const current: number[] = [];
  const descend = (at: number, soFar: number): void => {
    if (soFar > bestPlaced) {
      best = [...current, ...Array<number>(order.length - at).fill(NOWHERE)];
      bestPlaced = soFar;
    }
    const part = order[at];
    if (part === undefined || bestPlaced === order.length || soFar + order.length - at <= bestPlaced) return;
    steps -= 1;
    if (steps < 0) return;
    for (const index of bestNodes(part, request, ledger, SEARCH_WIDTH)) {
      ledger.take(index, part.wanted);
      current.push(index);
      descend(at + 1, soFar + 1);
      current.pop();
      ledger.giveBack(index, part.wanted);
      if (steps < 0) return;
    }
    current.push(NOWHERE);
    descend(at + 1, soFar);
    current.pop();
  };
  descend(0, 0);
  return best;
}

const placed = (places: readonly number[]): number => places.filter((index) => index !== NOWHERE).length;

/** A component with a part that found no node goes nowhere: half of it would run for nothing. */
function releaseIncomplete(order: readonly Part[], places: number[], stranded: readonly Part[], ledger: Ledger): void {
  const incomplete = new Set(stranded.map((part) => part.owner));
  for (const [at, part] of order.entries()) {
    const index = places[at]!;
    if (index === NOWHERE || !incomplete.has(part.owner)) continue;
    ledger.giveBack(index, part.wanted);
    places[at] = NOWHERE;
  }
}

interface PlacedPart {
  readonly part: Part;
  readonly index: number;
}

/** `wanted` is what the reasons are about: the part that found no node, or the whole component. */
function placementOf(
  component: Component,
  wanted: Requirements,
  own: readonly PlacedPart[],
  ledger: Ledger,
): ComponentPlacement {
  const { fleet } = ledger;
  const bits = withoutOwn(own, ledger, () => misfits(ledger, wanted));
  return {
    component: component.name,
    targets: own.map(({ index }) => ({
      cluster: fleet.cluster[index]!,
      node: fleet.node[index]!,
      orchestrator: fleet.orchestrator[index]!,
    })),
    knownNodes: fleet.size,
    rejectedNodes: bits.reduce((count, bit) => count + (bit === 0 ? 0 : 1), 0),
    rejectedBy: () => countKinds(bits),
    rejections: (limit = fleet.size) => withoutOwn(own, ledger, () => rejectionsOf(ledger, wanted, bits, limit)),
  };
}

/** Runs `look` on the ledger as it stands without what the component itself took. */
function withoutOwn<T>(own: readonly PlacedPart[], ledger: Ledger, look: () => T): T {
  for (const { part, index } of own) ledger.giveBack(index, part.wanted);
  const result = look();
  for (const { part, index } of own) ledger.take(index, part.wanted);
  return result;
}

function misfits(ledger: Ledger, wanted: Requirements): Uint8Array {
  const bits = new Uint8Array(ledger.fleet.size);
  for (let index = 0; index < bits.length; index += 1) bits[index] = misfit(ledger, index, wanted);
  return bits;
}

function countKinds(bits: Uint8Array): ReadonlyMap<RequirementKind, number> {
  const counts = new Map<RequirementKind, number>();
  for (const bit of bits) {
    if (bit === 0) continue;
    for (const kind of misfitKinds(bit)) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  }
  return counts;
}

function rejectionsOf(ledger: Ledger, wanted: Requirements, bits: Uint8Array, limit: number): Rejection[] {
  const { fleet } = ledger;
  const rejections: Rejection[] = [];
  for (let index = 0; index < fleet.size && rejections.length < limit; index += 1) {
    if (bits[index] === 0) continue;
    rejections.push({
      cluster: fleet.cluster[index]!,
      node: fleet.node[index]!,
      kinds: misfitKinds(bits[index]!),
      reasons: explainMisfit(ledger, index, wanted, bits[index]!),
    });
  }
  return rejections;
}
