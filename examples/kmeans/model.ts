import { InputFileError } from './input-error.ts';
import { initialCentres, type Step, sampleRows } from './lloyd.ts';
import { openMatrix } from './matrix-file.ts';
import { type Scale, undoScale } from './scaling.ts';

export interface KmeansOptions {
  readonly k: number;
  /** The most iterations to make. */
  readonly iterations: number;
  /** Stop when no centre went further than this. */
  readonly epsilon: number;
  /** Chooses the initial centres. */
  readonly seed: number;
  /** Scale every column to mean 0 and deviation 1 first, so that the unit of a column does not matter. */
  readonly standardise: boolean;
}

/** The points of one file. */
export interface Fragment {
  readonly points: Float64Array;
  readonly dims: number;
}

/** What the main needs to know of a fragment; the points stay where they were read. */
export interface Summary {
  readonly file: string;
  readonly rows: number;
  readonly dims: number;
  readonly names: readonly string[];
  readonly notices: readonly string[];
}

/** The result of a training, as plain data: it crosses REST as JSON. Centres are in the units of the input. */
export interface Model {
  readonly k: number;
  readonly dims: number;
  readonly names: readonly string[];
  readonly centres: readonly (readonly number[])[];
  readonly counts: readonly number[];
  /** Of the last assignment, in the units that were clustered. */
  readonly inertia: number;
  readonly iterations: number;
  readonly converged: boolean;
  readonly shift: number;
  /** What was left out of the input files. */
  readonly notices: readonly string[];
}

/** Rows of every fragment among which the initial centres are chosen. */
const SAMPLE_ROWS = 256;

/** Reads a file into memory that `allocate` gives: shared memory in a task, an ordinary array elsewhere. */
export function readFragment(file: string, allocate: (length: number) => Float64Array): [Fragment, Summary] {
  using matrix = openMatrix(file);
  const { rows, columns: dims, names = [], notices } = matrix;
  const points = allocate(rows * dims);
  matrix.readInto(points);
  return [
    { points, dims },
    { file, rows, dims, names, notices },
  ];
}

/** Fragments must have the same columns, or the sums would mix them up. */
export function checkSummaries(summaries: readonly Summary[]): void {
  const [first, ...others] = summaries;
  if (first === undefined) throw new RangeError('k-means needs at least one file');
  for (const { file, dims, names } of others) {
    if (dims !== first.dims) {
      throw new InputFileError(file, `has ${dims} columns where ${first.file} has ${first.dims}`);
    }
    if (names.join('\n') !== first.names.join('\n')) {
      throw new InputFileError(file, `has the columns ${names.join(', ')}; ${first.file}: ${first.names.join(', ')}`);
    }
  }
}

export function sampleFragment({ points, dims }: Fragment, fragment: number, options: KmeansOptions): Float64Array {
  return sampleRows(points, dims, Math.max(SAMPLE_ROWS, options.k), { seed: options.seed, fragment: fragment + 1 });
}

export function chooseCentres(samples: readonly Float64Array[], dims: number, options: KmeansOptions): Float64Array {
  const all = new Float64Array(samples.reduce((length, sample) => length + sample.length, 0));
  let at = 0;
  for (const sample of samples) {
    all.set(sample, at);
    at += sample.length;
  }
  return initialCentres(all, options.k, dims, options.seed);
}

export function buildModel(
  summaries: readonly Summary[],
  step: Step,
  progress: { readonly iterations: number; readonly converged: boolean },
  scale?: Scale,
): Model {
  const { dims, names } = summaries[0]!;
  const centres = scale === undefined ? step.centres : undoScale(step.centres, scale);
  const k = centres.length / dims;
  return {
    k,
    dims,
    names,
    centres: Array.from({ length: k }, (_, c) => [...centres.subarray(c * dims, (c + 1) * dims)]),
    counts: [...step.counts],
    inertia: step.inertia,
    ...progress,
    shift: step.shift,
    notices: summaries.flatMap(({ file, notices }) => notices.map((notice) => `${file}: ${notice}`)),
  };
}

/** The largest difference between two models' centres, relative to the largest coordinate. */
export function maxRelativeError(model: Model, other: Model): number {
  const flat = model.centres.flat();
  const expected = other.centres.flat();
  if (flat.length !== expected.length || flat.length === 0) return Infinity;
  const size = Math.max(...expected.map(Math.abs));
  return Math.max(...flat.map((value, i) => Math.abs(value - expected[i]!))) / size;
}
