import { join } from 'node:path';
import { makeDataset } from '../../examples/kmeans/dataset.ts';
import { type Model, maxRelativeError } from '../../examples/kmeans/model.ts';
import type { Random } from '../../examples/kmeans/random.ts';
import { referenceKmeans } from '../../examples/kmeans/reference.ts';
import { expected as knownDigest } from './apps/cholesky.ts';
import { run as runGraph } from './apps/graph.ts';

/** One run of a program, with the answer it must give. */
export interface Workload {
  readonly name: string;
  readonly className: string;
  readonly methodName: string;
  readonly parameters: readonly (number | string)[];
  /** What is wrong with an answer; undefined: it is right. */
  wrong(answer: unknown): string | undefined;
}

export interface WorkloadContext {
  /** For the files of this run. */
  readonly folder: string;
  /** For files that all runs read. */
  readonly data: string;
  readonly random: Random;
}

/** Makes a run; everything in it follows from the numbers drawn. */
export type WorkloadSource = (context: WorkloadContext) => Promise<Workload>;

const exactly =
  (expected: unknown) =>
  (answer: unknown): string | undefined =>
    answer === expected ? undefined : `${JSON.stringify(answer)} instead of ${JSON.stringify(expected)}`;

async function graph({ folder, random }: WorkloadContext): Promise<Workload> {
  const seed = random.uint32();
  const steps = 60 + random.below(140);
  const ms = 20 + random.below(60);
  const expected = await runGraph(seed, steps, 1, join(folder, 'expected'));
  return {
    name: 'graph',
    className: 'graph.ts',
    methodName: 'run',
    parameters: [seed, steps, ms, join(folder, 'actual')],
    wrong: exactly(expected),
  };
}

async function cholesky({ random }: WorkloadContext): Promise<Workload> {
  const [seed, blocks, size, ms] = [random.uint32(), 4 + random.below(4), 16 + random.below(48), 20 + random.below(60)];
  return {
    name: 'cholesky',
    className: 'cholesky.ts',
    methodName: 'run',
    parameters: [seed, blocks, size, ms],
    wrong: exactly(knownDigest(seed, blocks, size)),
  };
}

const KMEANS_POINTS = 2_400;
const TOLERANCE = 1e-9;

/** All iterations are made, whatever they bring. */
async function kmeans({ data, random }: WorkloadContext): Promise<Workload> {
  const files = await makeDataset(data, KMEANS_POINTS);
  const options = {
    k: 4,
    iterations: 20 + random.below(30),
    epsilon: -1,
    seed: random.below(1_000),
    standardise: false,
  };
  const reference = referenceKmeans(files, options);
  return {
    name: 'kmeans',
    className: 'kmeans.ts',
    methodName: 'train',
    parameters: [
      files.map((file) => `@${file}`).join(','),
      options.k,
      options.iterations,
      options.epsilon,
      options.seed,
    ],
    wrong: (answer) => {
      const { iterations, counts } = answer as Model;
      const error = maxRelativeError(answer as Model, reference);
      const isRight = error <= TOLERANCE && iterations === options.iterations && `${counts}` === `${reference.counts}`;
      return isRight ? undefined : `${iterations} iterations, counts ${counts}, error ${error}`;
    },
  };
}

/** As often as they stand here. */
export const WORKLOADS: readonly WorkloadSource[] = [graph, graph, cholesky, kmeans];
