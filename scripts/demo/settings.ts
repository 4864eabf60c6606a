import { DEFAULT_POINTS } from '../../examples/kmeans/dataset.ts';
import type { KmeansOptions } from '../../examples/kmeans/model.ts';

export interface DemoSettings {
  readonly points: number;
  readonly options: KmeansOptions;
}

/** What the demos can be told by environment variables: POINTS, K, ITERATIONS, EPSILON, SEED. */
export function demoSettings(env: NodeJS.ProcessEnv): DemoSettings {
  const read = (name: string, fallback: number, least: number): number => {
    const text = env[name];
    if (text === undefined || text === '') return fallback;
    const value = Number(text);
    if (!(value >= least)) throw new RangeError(`${name} needs a number from ${least} up, not ${text}`);
    return value;
  };
  const k = read('K', 8, 1);
  return {
    points: Math.floor(read('POINTS', DEFAULT_POINTS, 12 * k)),
    options: {
      k,
      iterations: read('ITERATIONS', 20, 1),
      // Below 0: all iterations are made.
      epsilon: read('EPSILON', 1e-4, -1),
      seed: read('SEED', 1, 0),
      standardise: false,
    },
  };
}
