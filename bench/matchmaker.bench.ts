/**
 * One component against 10,000 nodes with 1,000 reservations: the best node, and every other one's reasons counted.
 * Target: 10 ms. Baseline: a walk over the taxonomy's objects to the first node that fits, the rule of the seed.
 */
import type { Taxonomy } from '../src/contracts/icos/taxonomy.ts';
import { fleetOf } from '../src/controller/matchmaker/fleet.ts';
import { matchmake } from '../src/controller/matchmaker/model.ts';
import type { Component, PlacementRequest, Reservation } from '../src/controller/matchmaker/requirements.ts';
import { aTaxonomy, GIB, type NodeSketch } from '../test/support/controller/fleet.ts';
import { benchmark } from './support/report.ts';

const NODES = 10_000;
const CLUSTERS = 50;
const REPEATS = 20;

const node = (index: number): NodeSketch => ({
  cores: 1 + (index % 16),
  memory: ((index * 7) % 64) * GIB,
  installed: 64 * GIB,
  arch: index % 3 === 0 ? 'aarch64' : 'x86_64',
  mhz: 1500 + (index % 30) * 100,
  score: index % 100,
  watts: 20 + (index % 200),
  labels: { zone: `z${index % 20}`, tier: index % 4 === 0 ? 'edge' : 'cloud' },
  devices: index % 10 === 0 ? { 'squat.ai/video': 'available' } : {},
});

const taxonomy: Taxonomy = aTaxonomy(
  Object.fromEntries(
    Array.from({ length: CLUSTERS }, (_, cluster) => [
      `c${cluster}`,
      Object.fromEntries(
        Array.from({ length: NODES / CLUSTERS }, (_, at) => [`n${at}`, node(cluster * (NODES / CLUSTERS) + at)]),
      ),
    ]),
  ),
);
const fleet = fleetOf(taxonomy);
const reservations: Reservation[] = Array.from({ length: 1000 }, (_, index) => ({
  cluster: `c${index % CLUSTERS}`,
  node: `n${index % 200}`,
  cpuMillis: 500,
  memoryBytes: GIB,
  devices: [],
  running: index % 2 === 0,
}));

const component: Component = {
  name: 'c',
  requirements: {
    cpuMillis: 2500,
    memoryBytes: 12 * GIB,
    architecture: 'x86_64',
    devices: ['squat.ai/video'],
    nodeLabels: [{ key: 'tier', values: ['edge'] }],
    minSecurity: 50,
  },
  weights: { performance: 0.5, energy: 0.3, security: 0.2 },
};
const request: PlacementRequest = { components: [component], policy: 'best-fit', arrangement: 'free' };

function timed(work: () => unknown): number {
  const started = performance.now();
  for (let repeat = 0; repeat < REPEATS; repeat += 1) work();
  return (performance.now() - started) / REPEATS;
}

/** The target lies in the last cluster, so the walk is a whole one, as the scan is. */
function firstFit(): string | undefined {
  for (const [cluster, { node: nodes }] of Object.entries(taxonomy.cluster)) {
    for (const [name, { staticMetrics, dynamicMetrics, devices, labels, ScaScore }] of Object.entries(nodes)) {
      const fits =
        (staticMetrics.cpuCores ?? 0) > 15.5 &&
        (dynamicMetrics.freeRAM ?? 0) > 62 * GIB &&
        staticMetrics.cpuArchitecture === 'x86_64' &&
        labels?.['tier'] === 'edge' &&
        (ScaScore ?? 0) >= 90 &&
        Object.values(devices ?? {}).some((one) => one.path === 'squat.ai/video' && one.status === 'busy');
      if (fits) return `${cluster}/${name}`;
    }
  }
  return undefined;
}

const [answer] = matchmake(request, fleet, reservations);
await benchmark({
  name: 'matchmaker',
  unit: 'ms',
  baselineName: 'walk over the objects, no reservations, no reasons',
  measure: () => timed(() => matchmake(request, fleet, reservations)),
  baseline: () => timed(firstFit),
  details: () => ({
    nodes: fleet.size,
    rejected: answer!.rejectedNodes,
    'ms with every reason in words': timed(() => matchmake(request, fleet, reservations)[0]!.rejections()),
    'ms to index the taxonomy': timed(() => fleetOf(taxonomy)),
  }),
});
