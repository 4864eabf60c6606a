/**
 * k-means as a graph of tasks. `train` is what an agent is asked to run; as a program, `metakernel run kmeans.ts
 * points.csv --k 3` runs it with an agent of its own, and `METAKERNEL=off` or plain `node` without any.
 *
 * Each file is one fragment. A task reads it where there is a free slot, and its points stay in the object store of that
 * node: an iteration moves centres out and partial sums back, and tasks go to where their fragment is. When a node is
 * lost, its fragments are read again elsewhere.
 */
import { deleteObject, type Future, file, put, sharedArray, task, waitOn } from 'metakernel';
import { formatModel, parseCommand } from './command.ts';
import { inputErrorIn } from './input-error.ts';
import { type PartialSums, wasmKernel } from './kernel.ts';
import { addPartials, mergeStep, type Step } from './lloyd.ts';
import {
  buildModel,
  checkSummaries,
  chooseCentres,
  type Fragment,
  type KmeansOptions,
  type Model,
  readFragment,
  type Summary,
  sampleFragment,
} from './model.ts';
import { applyScale, momentsOf, type Scale, scaleOf } from './scaling.ts';
import { parseSources, type Source } from './sources.ts';

/** Partial sums that one task adds up; more fragments make a tree. */
const MERGE_WIDTH = 50;
/** Against the small inputs of a task: where the points are, it runs. */
const POINTS_WEIGHT = 10;

const allocate = (length: number): Float64Array => sharedArray(Float64Array, length);

/** A file that every node has. What is wrong with a file does not change by reading it again. */
export const loadFragment = task(
  { name: 'loadFragment', returns: 2, onFailure: 'FAIL' },
  (path: string): [Fragment, Summary] => readFragment(path, allocate),
);

/** A file that the runtime brings to the task; `name` is where it came from. */
export const loadFile = task(
  { name: 'loadFile', params: [{ type: 'file' }], returns: 2, onFailure: 'FAIL' },
  (path: string, name: string): [Fragment, Summary] => {
    const [fragment, summary] = readFragment(path, allocate);
    return [fragment, { ...summary, file: name }];
  },
);

const points = { weight: POINTS_WEIGHT } as const;

export const moments = task({ name: 'moments', params: [points] }, (fragment: Fragment) =>
  momentsOf(fragment.points, fragment.dims),
);

export const standardise = task({ name: 'standardise', params: [points] }, (fragment: Fragment, scale: Scale) => {
  const scaled = allocate(fragment.points.length);
  applyScale(fragment.points, scale, scaled);
  return { points: scaled, dims: fragment.dims };
});

export const sample = task(
  { name: 'sample', params: [points] },
  (fragment: Fragment, index: number, options: KmeansOptions) => sampleFragment(fragment, index, options),
);

export const partialSum = task({ name: 'partialSum', params: [points] }, (fragment: Fragment, centres: Float64Array) =>
  wasmKernel().partialSums(fragment.points, centres, fragment.dims),
);

export const merge = task({ name: 'merge' }, (partials: readonly PartialSums[]) => addPartials(partials));

export const moveCentres = task({ name: 'moveCentres' }, (centres: Float64Array, partials: readonly PartialSums[]) =>
  mergeStep(centres, partials),
);

/**
 * Trains a model. `files`: names with commas between them; `@` before a name says that every node has the file under that
 * path (sources.ts). Says on stdout how each iteration went, as a line of JSON.
 */
export const train = (files: string, k = 8, iterations = 20, epsilon = 1e-4, seed = 1): Promise<Model> =>
  trainOn(files, { k, iterations, epsilon, seed, standardise: false });

/** The same with every column scaled to mean 0 and deviation 1, so that its unit does not matter. */
export const trainStandardised = (files: string, k = 8, iterations = 20, epsilon = 1e-4, seed = 1): Promise<Model> =>
  trainOn(files, { k, iterations, epsilon, seed, standardise: true });

async function trainOn(files: string, options: KmeansOptions): Promise<Model> {
  try {
    return await cluster(parseSources(files), options);
  } catch (error) {
    throw inputErrorIn(error) ?? error;
  }
}

async function cluster(sources: readonly Source[], options: KmeansOptions): Promise<Model> {
  const loaded = sources.map(({ path, everywhere }) => (everywhere ? loadFragment(path) : loadFile(file(path), path)));
  const summaries = await waitOn(loaded.map(([, summary]) => summary));
  checkSummaries(summaries);
  const read = loaded.map(([fragment]) => fragment);
  if (!options.standardise) return iterate(read, summaries, options);
  const scale = scaleOf(await waitOn(read.map((fragment) => moments(fragment))));
  const scaled = read.map((fragment) => standardise(fragment, scale));
  for (const fragment of read) deleteObject(fragment);
  return iterate(scaled, summaries, options, scale);
}

async function iterate(
  fragments: readonly Future<Fragment>[],
  summaries: readonly Summary[],
  options: KmeansOptions,
  scale?: Scale,
): Promise<Model> {
  const samples = await waitOn(fragments.map((fragment, index) => sample(fragment, index, options)));
  let centres = chooseCentres(samples, summaries[0]!.dims, options);
  for (let iteration = 1; ; iteration++) {
    const step = await oneStep(fragments, centres);
    console.log(JSON.stringify({ iteration, inertia: step.inertia, shift: step.shift }));
    const converged = step.shift <= options.epsilon;
    if (converged || iteration >= options.iterations) {
      return buildModel(summaries, step, { iterations: iteration, converged }, scale);
    }
    centres = step.centres;
  }
}

async function oneStep(fragments: readonly Future<Fragment>[], centres: Float64Array): Promise<Step> {
  const start = put(centres);
  const partials = fragments.map((fragment) => partialSum(fragment, start));
  const used: Future[] = [start, ...partials];
  let level: readonly Future<PartialSums>[] = partials;
  while (level.length > MERGE_WIDTH) {
    level = inGroups(level, MERGE_WIDTH).map((group) => merge(group));
    used.push(...level);
  }
  const moved = moveCentres(start, level);
  // What is submitted keeps what it reads; nobody else does.
  for (const value of used) deleteObject(value);
  const step = await waitOn(moved);
  deleteObject(moved);
  return step;
}

function inGroups<T>(values: readonly T[], size: number): T[][] {
  const groups: T[][] = [];
  for (let at = 0; at < values.length; at += size) groups.push(values.slice(at, at + size));
  return groups;
}

/** `metakernel run kmeans.ts <files> [--k 8] [--iterations 20] [--epsilon 1e-4] [--seed 1] [--standardise]`. */
export async function main(...args: readonly (string | number | boolean)[]): Promise<void> {
  const { files, options } = parseCommand(args.map(String));
  console.log(formatModel(await trainOn(files, options)));
}

if (import.meta.main) await main(...process.argv.slice(2));
