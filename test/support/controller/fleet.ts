import { type Taxonomy, taxonomyBody } from '../../../src/contracts/icos/taxonomy.ts';

export interface NodeSketch {
  readonly cores?: number;
  /** Bytes free; installed is the same unless said. */
  readonly memory?: number;
  readonly installed?: number;
  readonly arch?: string;
  readonly mhz?: number;
  readonly score?: number;
  readonly watts?: number;
  readonly labels?: Readonly<Record<string, string>>;
  /** Path to status. */
  readonly devices?: Readonly<Record<string, 'available' | 'busy' | 'detached'>>;
}

export const GIB = 2 ** 30;

/** `aTaxonomy({ east: { n1: { cores: 4, memory: 8 * GIB } } })`: clusters of type ocm unless `types` says otherwise. */
export function aTaxonomy(
  clusters: Readonly<Record<string, Readonly<Record<string, NodeSketch>>>>,
  types: Readonly<Record<string, string>> = {},
): Taxonomy {
  const cluster = Object.fromEntries(
    Object.entries(clusters).map(([name, nodes]) => [
      name,
      {
        type: types[name] ?? 'ocm',
        name,
        node: Object.fromEntries(Object.entries(nodes).map(([key, sketch]) => [key, nodeOf(key, sketch)])),
      },
    ]),
  );
  return taxonomyBody.parse({ timestamp: {}, cluster });
}

function nodeOf(name: string, sketch: NodeSketch): object {
  return {
    name,
    ScaScore: sketch.score,
    labels: sketch.labels,
    staticMetrics: {
      cpuCores: sketch.cores,
      cpuArchitecture: sketch.arch ?? 'x86_64',
      cpuMaxFrequency: sketch.mhz === undefined ? undefined : sketch.mhz * 1e6,
      RAMMemory: sketch.installed ?? sketch.memory,
    },
    dynamicMetrics: { freeRAM: sketch.memory, cpuPower: sketch.watts },
    devices: Object.fromEntries(
      Object.entries(sketch.devices ?? {}).map(([path, status], index) => [
        `device-${index}`,
        { name: `device-${index}`, path, status },
      ]),
    ),
  };
}
