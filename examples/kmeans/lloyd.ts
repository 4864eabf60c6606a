import type { PartialSums } from './kernel.ts';
import { createRandom } from './random.ts';

/** What one iteration gives. */
export interface Step {
  /** k x dims, row-major. */
  readonly centres: Float64Array;
  readonly counts: Float64Array;
  /** Sum of the squared distances of all points to the centres this step started from. */
  readonly inertia: number;
  /** The longest way that a centre went. */
  readonly shift: number;
}

/** Adds partial sums in the order given, which fixes the rounding. */
export function addPartials(partials: readonly PartialSums[]): PartialSums {
  const sums = new Float64Array(partials[0]!.sums.length);
  const counts = new Float64Array(partials[0]!.counts.length);
  let inertia = 0;
  for (const partial of partials) {
    for (let i = 0; i < sums.length; i++) sums[i]! += partial.sums[i]!;
    for (let i = 0; i < counts.length; i++) counts[i]! += partial.counts[i]!;
    inertia += partial.inertia;
  }
  return { sums, counts, inertia };
}

/** Moves every centre to the mean of its points. A centre without points stays where it is. */
export function mergeStep(centres: Float64Array, partials: readonly PartialSums[]): Step {
  const { sums: moved, counts, inertia } = addPartials(partials);
  const dims = centres.length / counts.length;
  let shift = 0;
  counts.forEach((count, centre) => {
    let way = 0;
    for (let i = centre * dims; i < (centre + 1) * dims; i++) {
      moved[i] = count === 0 ? centres[i]! : moved[i]! / count;
      way += (moved[i]! - centres[i]!) ** 2;
    }
    shift = Math.max(shift, Math.sqrt(way));
  });
  return { centres: moved, counts, inertia, shift };
}

/** `count` rows chosen by the seed, all of them when there are fewer. `fragment` keeps the fragments' choices apart. */
export function sampleRows(
  points: Float64Array,
  dims: number,
  count: number,
  choice: { readonly seed: number; readonly fragment: number },
): Float64Array {
  const rows = points.length / dims;
  if (rows <= count) return points.slice();
  const random = createRandom(choice.seed, choice.fragment);
  const chosen = new Set<number>();
  while (chosen.size < count) chosen.add(random.below(rows));
  const sample = new Float64Array(count * dims);
  [...chosen].forEach((row, i) => {
    sample.set(points.subarray(row * dims, (row + 1) * dims), i * dims);
  });
  return sample;
}

/** k-means++ over a sample: each next centre is drawn with a probability that grows with its squared distance. */
export function initialCentres(sample: Float64Array, k: number, dims: number, seed: number): Float64Array {
  const rows = sample.length / dims;
  if (rows < k) throw new RangeError(`${k} centres cannot be chosen from ${rows} points`);
  const random = createRandom(seed);
  const row = (index: number): Float64Array => sample.subarray(index * dims, (index + 1) * dims);
  const centres = new Float64Array(k * dims);
  const distances = new Float64Array(rows).fill(Infinity);
  let next = random.below(rows);
  for (let c = 0; c < k; c++) {
    centres.set(row(next), c * dims);
    const total = shrinkDistances(distances, sample, row(next));
    next = drawByWeight(distances, random.uniform() * total);
  }
  return centres;
}

/** Lowers every row's squared distance to that of `centre` where it is nearer, and returns their sum. */
function shrinkDistances(distances: Float64Array, sample: Float64Array, centre: Float64Array): number {
  const dims = centre.length;
  let total = 0;
  for (let r = 0; r < distances.length; r++) {
    let distance = 0;
    for (let d = 0; d < dims; d++) distance += (sample[r * dims + d]! - centre[d]!) ** 2;
    distances[r] = Math.min(distances[r]!, distance);
    total += distances[r]!;
  }
  return total;
}

function drawByWeight(weights: Float64Array, target: number): number {
  let rest = target;
  for (let i = 0; i < weights.length; i++) {
    rest -= weights[i]!;
    if (rest < 0) return i;
  }
  return weights.length - 1;
}
