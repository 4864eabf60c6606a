import { join } from 'node:path';
import type { Random } from '../../examples/kmeans/random.ts';
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

export const WORKLOADS: readonly WorkloadSource[] = [graph];
