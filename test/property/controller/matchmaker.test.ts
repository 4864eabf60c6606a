import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { TaxonomyNode } from '../../../src/contracts/icos/taxonomy.ts';
import { fleetOf } from '../../../src/controller/matchmaker/fleet.ts';
import { type ComponentPlacement, matchmake } from '../../../src/controller/matchmaker/model.ts';
import type { PlacementRequest, Requirements, Reservation } from '../../../src/controller/matchmaker/requirements.ts';
import { aTaxonomy, type NodeSketch } from '../../support/controller/fleet.ts';

const RUNS = Number(process.env['MK_PROPERTY_RUNS'] ?? 300);

const PATHS = ['cam', 'gpu'] as const;
/** Requirements that rule most nodes out are rare, or hardly anything would ever be placed and nothing contended for. */
const rarely = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.oneof({ weight: 4, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary });
const sometimes = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.oneof({ weight: 1, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary });
const mostly = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.oneof({ weight: 1, arbitrary: fc.constant(undefined) }, { weight: 6, arbitrary });
/** What is not there has no key: `exactOptionalPropertyTypes`. */
const withoutUndefined = <T extends object>(record: T): { [K in keyof T]?: Exclude<T[K], undefined> } =>
  Object.fromEntries(Object.entries(record).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };

const aNode: fc.Arbitrary<NodeSketch> = fc
  .record({
    cores: mostly(fc.integer({ min: 1, max: 4 })),
    memory: mostly(fc.integer({ min: 1, max: 8 })),
    installed: mostly(fc.integer({ min: 2, max: 10 })),
    arch: rarely(fc.constantFrom('amd64', 'arm64', 'riscv64')),
    mhz: rarely(fc.integer({ min: 800, max: 5000 })),
    score: mostly(fc.integer({ min: 0, max: 100 })),
    watts: rarely(fc.integer({ min: 1, max: 300 })),
    labels: mostly(fc.dictionary(fc.constantFrom('zone', 'color'), fc.constantFrom('a', 'b'), { maxKeys: 2 })),
    devices: mostly(
      fc.dictionary(fc.constantFrom(...PATHS), fc.constantFrom('available', 'available', 'busy'), { maxKeys: 2 }),
    ),
  })
  .map(withoutUndefined);

const aFleet = (size: number) =>
  fc
    .array(fc.array(aNode, { minLength: 1, maxLength: size }), { minLength: 1, maxLength: 2 })
    .map((clusters) =>
      aTaxonomy(
        Object.fromEntries(
          clusters.map((nodes, c) => [`c${c}`, Object.fromEntries(nodes.map((node, n) => [`n${n}`, node]))]),
        ),
        { c0: 'ocm', c1: 'nuvla' },
      ),
    );

const someRequirements: fc.Arbitrary<Requirements> = fc
  .record({
    cpuMillis: mostly(fc.integer({ min: 1, max: 30 }).map((tenths) => tenths * 100)),
    memoryBytes: mostly(fc.integer({ min: 0, max: 6 })),
    architecture: rarely(fc.constantFrom('x86_64', 'aarch64')),
    devices: sometimes(fc.array(fc.constantFrom(...PATHS), { minLength: 1, maxLength: 2 })),
    nodeLabels: rarely(
      fc.array(
        fc.record({ key: fc.constantFrom('zone', 'color'), values: fc.subarray(['a', 'b'], { minLength: 1 }) }),
        { maxLength: 1 },
      ),
    ),
    minSecurity: rarely(fc.constantFrom(0, 50, 80)),
    orchestrators: rarely(fc.subarray(['ocm', 'nuvla'], { minLength: 1 })),
  })
  .map(withoutUndefined);

const weights = fc.record({
  performance: fc.double({ min: 0, max: 1, noNaN: true }),
  energy: fc.double({ min: 0, max: 1, noNaN: true }),
  security: fc.double({ min: 0, max: 1, noNaN: true }),
});

const aRequest = (most: number): fc.Arbitrary<PlacementRequest> =>
  fc.record({
    components: fc
      .array(fc.record({ requirements: someRequirements, weights }), { maxLength: most })
      .map((list) => list.map((component, index) => ({ name: `c${index}`, ...component }))),
    policy: fc.constantFrom('best-fit', 'first-fit'),
    arrangement: fc.constantFrom('free', 'spread', 'pack'),
  });

const reservations: fc.Arbitrary<Reservation[]> = fc.array(
  fc.record({
    cluster: fc.constantFrom('c0', 'c1', 'gone'),
    node: fc.constantFrom('n0', 'n1', 'n2'),
    cpuMillis: fc.integer({ min: 0, max: 4000 }),
    memoryBytes: fc.integer({ min: 0, max: 6 }),
    devices: fc.array(fc.constantFrom(...PATHS), { maxLength: 1 }),
    running: fc.boolean(),
  }),
  { maxLength: 4 },
);

type Taxonomy = ReturnType<typeof aTaxonomy>;
interface Load {
  cpu: number;
  memoryStarted: number;
  memoryPending: number;
  devices: string[];
}

/** What stands on a node: written against the taxonomy itself, with nothing of the code under test. */
function loadOf(place: string, reserved: readonly Reservation[], extra: readonly Requirements[]): Load {
  const mine = reserved.filter((one) => `${one.cluster}/${one.node}` === place);
  const sum = (list: readonly number[]): number => list.reduce((a, b) => a + b, 0);
  return {
    cpu: sum(mine.map((one) => one.cpuMillis)) + sum(extra.map((one) => one.cpuMillis ?? 0)),
    memoryStarted: sum(mine.filter((one) => one.running).map((one) => one.memoryBytes)),
    memoryPending:
      sum(mine.filter((one) => !one.running).map((one) => one.memoryBytes)) +
      sum(extra.map((one) => one.memoryBytes ?? 0)),
    devices: [
      ...mine.filter((one) => !one.running).flatMap((one) => one.devices),
      ...extra.flatMap((one) => one.devices ?? []),
    ],
  };
}

const ALIASES: Record<string, string> = { amd64: 'x86_64', arm64: 'aarch64' };

/** Whether `wanted` may go to a node that carries `load`, `wanted` itself already counted in it. */
function satisfied(node: TaxonomyNode, type: string, wanted: Requirements, load: Load): boolean {
  const { cpuCores, RAMMemory, cpuArchitecture = '' } = node.staticMetrics;
  const { freeRAM } = node.dynamicMetrics;
  if (wanted.cpuMillis !== undefined && !(cpuCores !== undefined && load.cpu <= cpuCores * 1000)) return false;
  if (wanted.memoryBytes !== undefined) {
    if (freeRAM === undefined && RAMMemory === undefined) return false;
    if (freeRAM !== undefined && load.memoryPending > freeRAM) return false;
    if (RAMMemory !== undefined && load.memoryPending + load.memoryStarted > RAMMemory) return false;
  }
  if (wanted.architecture !== undefined && (ALIASES[cpuArchitecture] ?? cpuArchitecture) !== wanted.architecture)
    return false;
  if ((wanted.minSecurity ?? 0) > 0 && !((node.ScaScore ?? -1) >= wanted.minSecurity!)) return false;
  if (wanted.orchestrators !== undefined && !wanted.orchestrators.includes(type)) return false;
  for (const path of wanted.devices ?? []) {
    const free = Object.values(node.devices ?? {}).filter((one) => one.path === path && one.status === 'available');
    if (load.devices.filter((one) => one === path).length > free.length) return false;
  }
  return (wanted.nodeLabels ?? []).every(({ key, values }) => values.includes(node.labels?.[key] ?? ''));
}

const placesOf = (taxonomy: Taxonomy): { place: string; type: string; node: TaxonomyNode }[] =>
  Object.entries(taxonomy.cluster).flatMap(([c, cluster]) =>
    Object.entries(cluster.node).map(([n, node]) => ({ place: `${c}/${n}`, type: cluster.type, node })),
  );

/** One entry per target: the component's requirements with the label value that this target was for. */
function demands(request: PlacementRequest, placements: readonly ComponentPlacement[]) {
  return placements.flatMap((placement, index) => {
    const wanted = request.components[index]!.requirements;
    const values = wanted.nodeLabels?.[0]?.values ?? [];
    return placement.targets.map((target, at) => ({
      component: index,
      place: `${target.cluster}/${target.node}`,
      wanted:
        values.length > 1
          ? { ...wanted, nodeLabels: [{ key: wanted.nodeLabels![0]!.key, values: [values[at]!] }] }
          : wanted,
    }));
  });
}

const check = (
  arbitraries: [fc.Arbitrary<Taxonomy>, fc.Arbitrary<PlacementRequest>, fc.Arbitrary<Reservation[]>],
  body: (t: Taxonomy, q: PlacementRequest, r: Reservation[]) => void,
) => fc.assert(fc.property(...arbitraries, body), { numRuns: RUNS });

describe('matchmaking', () => {
  it('never overbooks, and every target satisfies what its component asks for', () => {
    check([aFleet(4), aRequest(6), reservations], (taxonomy, request, reserved) => {
      const placements = matchmake(request, fleetOf(taxonomy), reserved);
      const all = demands(request, placements);
      const places = new Map(placesOf(taxonomy).map((one) => [one.place, one]));
      for (const { place, wanted } of all) {
        const { node, type } = places.get(place)!;
        const load = loadOf(
          place,
          reserved,
          all.filter((one) => one.place === place).map((one) => one.wanted),
        );
        expect(satisfied(node, type, wanted, load)).toBe(true);
      }
    });
  });

  it('rejects exactly the nodes that do not satisfy beside everything else, and says why', () => {
    check([aFleet(4), aRequest(3), reservations], (taxonomy, request, reserved) => {
      fc.pre(request.components.every(hasOnePart));
      const placements = matchmake(request, fleetOf(taxonomy), reserved);
      const all = demands(request, placements);
      for (const [index, { requirements: wanted }] of request.components.entries()) {
        const others = all.filter((one) => one.component !== index);
        const besideOthers = (place: string): Load =>
          loadOf(place, reserved, [...others.filter((one) => one.place === place).map((one) => one.wanted), wanted]);
        const unfit = placesOf(taxonomy)
          .filter(({ place, node, type }) => !satisfied(node, type, wanted, besideOthers(place)))
          .map(({ place }) => place);
        const rejections = placements[index]!.rejections();
        expect(rejections.map((one) => `${one.cluster}/${one.node}`)).toEqual(unfit);
        expect(placements[index]!.rejectedNodes).toBe(unfit.length);
        expect(rejections.every((one) => one.reasons.length === one.kinds.length && one.kinds.length > 0)).toBe(true);
        expect(placements[index]!.targets.length === 0).toBe(unfit.length === placesOf(taxonomy).length);
      }
    });
  });

  it('gives the same answer to the same question and changes nothing it was given', () => {
    check([aFleet(4), aRequest(5), reservations], (taxonomy, request, reserved) => {
      const before = JSON.stringify([taxonomy, request, reserved]);
      const answer = () =>
        matchmake(request, fleetOf(taxonomy), reserved).map((one) => ({
          ...one,
          rejectedBy: [...one.rejectedBy()],
          rejections: one.rejections(),
        }));
      expect(answer()).toEqual(answer());
      expect(JSON.stringify([taxonomy, request, reserved])).toBe(before);
    });
  });

  it('places as many components of a small request as any assignment could', () => {
    check([aFleet(2), aRequest(3), reservations], (taxonomy, request, reserved) => {
      fc.pre(request.components.every(hasOnePart));
      const placements = matchmake(request, fleetOf(taxonomy), reserved);
      const placed = placements.filter((one) => one.targets.length > 0).length;
      expect(placed).toBe(
        mostPlaceable(
          taxonomy,
          request.components.map((one) => one.requirements),
          reserved,
        ),
      );
    });
  });
});

const hasOnePart = ({ requirements }: { readonly requirements: Requirements }): boolean =>
  (requirements.nodeLabels?.[0]?.values.length ?? 0) < 2;

/** By trying every assignment. */
function mostPlaceable(taxonomy: Taxonomy, wanted: readonly Requirements[], reserved: Reservation[]): number {
  const places = placesOf(taxonomy);
  const attempt = (at: number, chosen: readonly { place: string; wanted: Requirements }[]): number => {
    const next = wanted[at];
    if (next === undefined) return chosen.length;
    let best = attempt(at + 1, chosen);
    for (const { place, node, type } of places) {
      const here = [...chosen.filter((one) => one.place === place).map((one) => one.wanted), next];
      if (satisfied(node, type, next, loadOf(place, reserved, here))) {
        best = Math.max(best, attempt(at + 1, [...chosen, { place, wanted: next }]));
      }
    }
    return best;
  };
  return attempt(0, []);
}
