import { describe, expect, it } from 'vitest';
import { fleetOf } from '../../../src/controller/matchmaker/fleet.ts';
import { type ComponentPlacement, matchmake } from '../../../src/controller/matchmaker/model.ts';
import type {
  PlacementRequest,
  Requirements,
  Reservation,
  Weights,
} from '../../../src/controller/matchmaker/requirements.ts';
import { aTaxonomy, GIB } from '../../support/controller/fleet.ts';

type Clusters = Parameters<typeof aTaxonomy>[0];

function place(
  clusters: Clusters,
  wanted: readonly Requirements[],
  options: Partial<PlacementRequest> & { weights?: Weights; reservations?: Reservation[] } = {},
): readonly ComponentPlacement[] {
  const { weights, reservations = [], ...request } = options;
  const components = wanted.map((requirements, index) => ({
    name: `c${index}`,
    requirements,
    ...(weights === undefined ? {} : { weights }),
  }));
  return matchmake(
    { components, policy: 'best-fit', arrangement: 'free', ...request },
    fleetOf(aTaxonomy(clusters)),
    reservations,
  );
}

const nodesOf = (placements: readonly ComponentPlacement[]): string[] =>
  placements.map((placement) => placement.targets.map((target) => target.node).join('+') || '-');
const reasonsOf = (placement: ComponentPlacement | undefined): Record<string, readonly string[]> =>
  Object.fromEntries(placement!.rejections().map((one) => [one.node, one.reasons]));

const TWO = { east: { small: { cores: 2, memory: 4 * GIB }, large: { cores: 8, memory: 32 * GIB } } };

describe('requirements', () => {
  it('takes the node that is left with least, and an exact fit is one', () => {
    expect(nodesOf(place(TWO, [{ cpuMillis: 2000, memoryBytes: 4 * GIB }]))).toEqual(['small']);
    expect(nodesOf(place(TWO, [{ cpuMillis: 2001 }]))).toEqual(['large']);
  });

  it('says for every rejected node which requirement it does not meet', () => {
    const [placement] = place(
      { a: { n1: { cores: 1, memory: GIB, arch: 'arm64', score: 40, labels: { zone: 'x' } }, n2: {} } },
      [
        {
          cpuMillis: 1500,
          memoryBytes: 2 * GIB,
          architecture: 'x86_64',
          devices: ['squat.ai/video'],
          nodeLabels: [{ key: 'zone', values: ['y'] }],
          minSecurity: 80,
          orchestrators: ['nuvla'],
        },
      ],
    );
    expect(placement!.targets).toEqual([]);
    expect(placement!.rejectedNodes).toBe(2);
    expect(reasonsOf(placement)).toEqual({
      n1: [
        'orchestrator: nuvla wanted, the cluster is ocm',
        'architecture: x86_64 wanted, the node is aarch64',
        'cpu: 1500m wanted, 1 free of 1',
        'memory: 2Gi wanted, 1Gi free of 1Gi',
        'devices: squat.ai/video is not there',
        'nodelabel: zone in (y) wanted, the node has x',
        'security: a score of 80 wanted, the node has 40',
      ],
      n2: [
        'orchestrator: nuvla wanted, the cluster is ocm',
        'cpu: 1500m wanted, unknown here',
        'memory: 2Gi wanted, unknown here',
        'devices: squat.ai/video is not there',
        'nodelabel: zone in (y) wanted, the node has no such label',
        'security: a score of 80 wanted, the node has none',
      ],
    });
  });

  it('accepts every node, even one without metrics, for a component that asks for nothing', () => {
    expect(nodesOf(place({ a: { dark: {} } }, [{}]))).toEqual(['dark']);
    expect(nodesOf(place({ a: { dark: {} } }, [{ minSecurity: 0 }]))).toEqual(['dark']);
  });

  it('gives a device away once', () => {
    const clusters: Clusters = { a: { n1: { devices: { 'squat.ai/video': 'available' } } } };
    const [first, second] = place(clusters, [{ devices: ['squat.ai/video'] }, { devices: ['squat.ai/video'] }]);
    expect(first!.targets).toHaveLength(1);
    expect(reasonsOf(second)).toEqual({ n1: ['devices: squat.ai/video is busy'] });
  });

  it('wants two devices when one path is named twice', () => {
    const one: Clusters = { a: { n1: { devices: { gpu: 'available' } } } };
    expect(nodesOf(place(one, [{ devices: ['gpu', 'gpu'] }]))).toEqual(['-']);
  });

  it('places a replica on a node of each value of a label, or none at all', () => {
    const clusters: Clusters = {
      a: { r: { labels: { color: 'red' } }, g: { labels: { color: 'green' } }, b: { labels: { color: 'blue' } } },
    };
    const wanted = (...values: string[]): Requirements => ({ nodeLabels: [{ key: 'color', values }] });
    expect(nodesOf(place(clusters, [wanted('green', 'red')]))).toEqual(['g+r']);
    const [none] = place(clusters, [wanted('green', 'black')]);
    expect(none!.targets).toEqual([]);
    expect(none!.rejectedNodes).toBe(3);
  });
});

describe('several components', () => {
  it('are placed together without overbooking', () => {
    const wanted = [{ cpuMillis: 5000 }, { cpuMillis: 5000 }, { cpuMillis: 2000 }];
    const placements = place(TWO, wanted);
    expect(nodesOf(placements)).toEqual(['large', '-', 'small']);
    expect(reasonsOf(placements[1])).toEqual({
      small: ['cpu: 5 wanted, 0 free of 2'],
      large: ['cpu: 5 wanted, 3 free of 8'],
    });
  });

  it('are all placed where the greedy choice leaves one out', () => {
    // Hardest first by its scarcest resource puts the device user last, and best fit gives its only node away.
    const clusters: Clusters = {
      a: {
        cam: { cores: 2, memory: 2 * GIB, devices: { cam: 'available' } },
        plain: { cores: 4, memory: 8 * GIB },
      },
    };
    const wanted: Requirements[] = [
      { cpuMillis: 2000, memoryBytes: 2 * GIB },
      { cpuMillis: 1000, devices: ['cam'] },
    ];
    expect(nodesOf(place(clusters, wanted))).toEqual(['plain', 'cam']);
  });

  it('are spread or packed on demand', () => {
    const clusters: Clusters = {
      a: { n1: { cores: 8, memory: GIB }, n2: { cores: 8, memory: GIB }, n3: { cores: 8, memory: GIB } },
    };
    const wanted = [{ cpuMillis: 1000 }, { cpuMillis: 1000 }, { cpuMillis: 1000 }];
    expect(new Set(nodesOf(place(clusters, wanted, { arrangement: 'spread' }))).size).toBe(3);
    expect(new Set(nodesOf(place(clusters, wanted, { arrangement: 'pack' }))).size).toBe(1);
    expect(new Set(nodesOf(place(clusters, wanted, { arrangement: 'pack', policy: 'first-fit' }))).size).toBe(1);
  });

  it('leaves out a replicated component whole, and gives back what its parts took', () => {
    const clusters: Clusters = {
      a: { n1: { cores: 2, labels: { zone: 'x' } }, n2: { cores: 1, labels: { zone: 'y' } } },
    };
    const [both] = place(clusters, [{ cpuMillis: 2000, nodeLabels: [{ key: 'zone', values: ['x', 'y'] }] }]);
    expect(both!.targets).toEqual([]);
    expect(reasonsOf(both)['n2']).toEqual(['cpu: 2 wanted, 1 free of 1']);
  });
});

describe('reservations', () => {
  const reserve = (running: boolean): Reservation[] => [
    { cluster: 'east', node: 'large', cpuMillis: 7000, memoryBytes: 20 * GIB, devices: [], running },
  ];

  it('are subtracted before anything is placed', () => {
    const [placement] = place(TWO, [{ cpuMillis: 2500 }], { reservations: reserve(false) });
    expect(reasonsOf(placement)['large']).toEqual(['cpu: 2500m wanted, 1 free of 8']);
  });

  it('count the memory of a running job once: the node measures it already', () => {
    const clusters: Clusters = { east: { large: { cores: 8, memory: 12 * GIB, installed: 32 * GIB } } };
    expect(nodesOf(place(clusters, [{ memoryBytes: 12 * GIB }], { reservations: reserve(true) }))).toEqual(['large']);
    expect(nodesOf(place(clusters, [{ memoryBytes: 12 * GIB }], { reservations: reserve(false) }))).toEqual(['-']);
  });

  it('for a node that is gone are no error', () => {
    const gone: Reservation = { cluster: 'x', node: 'y', cpuMillis: 1, memoryBytes: 1, devices: ['d'], running: false };
    expect(nodesOf(place(TWO, [{}], { reservations: [gone] }))).toEqual(['small']);
  });
});

describe('policies', () => {
  const clusters: Clusters = {
    a: {
      roomy: { cores: 16, memory: 64 * GIB, mhz: 2000, watts: 200, score: 50 },
      fast: { cores: 8, memory: 16 * GIB, mhz: 5000, watts: 400, score: 20 },
      frugal: { cores: 8, memory: 16 * GIB, mhz: 2000, watts: 5, score: 30 },
      safe: { cores: 8, memory: 16 * GIB, mhz: 2000, watts: 100, score: 95 },
      tight: { cores: 2, memory: 2 * GIB, mhz: 2000, watts: 100, score: 10 },
    },
  };
  const wanted = [{ cpuMillis: 2000, memoryBytes: 2 * GIB }];
  const weigh = (performance: number, energy: number, security: number): string[] =>
    nodesOf(place(clusters, wanted, { weights: { performance, energy, security } }));

  it('first-fit takes the first of the taxonomy, best-fit the tightest', () => {
    expect(nodesOf(place(clusters, wanted, { policy: 'first-fit' }))).toEqual(['roomy']);
    expect(nodesOf(place(clusters, wanted))).toEqual(['tight']);
  });

  it('follows the weights for performance, energy and security', () => {
    expect(weigh(1, 0, 0)).toEqual(['fast']);
    expect(weigh(0, 1, 0)).toEqual(['frugal']);
    expect(weigh(0, 0, 1)).toEqual(['safe']);
    expect(weigh(0, 0, 0)).toEqual(['tight']);
  });

  it('takes mean power from the energy counter where no power is measured', () => {
    const taxonomy = aTaxonomy({ a: { n1: { cores: 1 }, n2: { cores: 1 } } });
    Object.assign(taxonomy.cluster['a']!.node['n1']!.dynamicMetrics, { cpuEnergyConsumption: 9000, upTime: 10 });
    Object.assign(taxonomy.cluster['a']!.node['n2']!.dynamicMetrics, { cpuEnergyConsumption: 9000, upTime: 1000 });
    expect(Array.from(fleetOf(taxonomy).thrift)).toEqual([0, 0.99]);
  });
});

it('an empty fleet places nothing and rejects nobody', () => {
  const [placement] = place({}, [{}]);
  expect(placement).toMatchObject({ targets: [], rejectedNodes: 0 });
});
