import { join } from 'node:path';
import { DEFAULT_POINTS, makeDataset } from '../../examples/kmeans/dataset.ts';
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

const root = join(import.meta.dirname, '../..');

export const outFolder = (env: NodeJS.ProcessEnv): string => env['OUT'] ?? join(root, 'out');
export const dataFolder = (env: NodeJS.ProcessEnv): string => env['DATA'] ?? join(root, 'data');

/** Makes what is missing of the data set, and says so. */
export async function demoDataset(env: NodeJS.ProcessEnv, points: number, signal: AbortSignal): Promise<string[]> {
  const say = (done: number, total: number): void => {
    const line = `data set of ${points} points: ${done} of ${total} files`;
    if (process.stdout.isTTY) process.stdout.write(`\r${line}${done === total ? '\n' : ''}`);
    else console.log(line);
  };
  return makeDataset(dataFolder(env), points, say, signal);
}
