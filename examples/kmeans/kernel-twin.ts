import { biases, type Kernel } from './kernel.ts';

/**
 * The kernel in plain TypeScript, for comparison and for the single-process reference. It adds in the same order as
 * `assembly/kernel.ts` and therefore gives the same bits.
 */
export const twinKernel: Kernel = {
  partialSums(points, centres, dims) {
    const step = begin(points, centres, dims);
    const sums = new Float64Array(centres.length);
    const counts = new Float64Array(step.bias.length);
    let inertia = 0;
    for (let row = 0; row < points.length; row += dims) {
      const label = nearest(step, row);
      counts[label]! += 1;
      for (let d = 0; d < dims; d++) sums[label * dims + d]! += points[row + d]!;
      inertia += squaredDistance(step, row, label * dims);
    }
    return { sums, counts, inertia };
  },
  labels(points, centres, dims) {
    const step = begin(points, centres, dims);
    return Int32Array.from({ length: points.length / dims }, (_, i) => nearest(step, i * dims));
  },
};

interface Step {
  readonly points: Float64Array;
  readonly centres: Float64Array;
  readonly bias: Float64Array;
  readonly dims: number;
}

function begin(points: Float64Array, centres: Float64Array, dims: number): Step {
  return { points, centres, bias: biases(centres, dims), dims };
}

function nearest({ points, centres, bias, dims }: Step, row: number): number {
  let best = -Infinity;
  let label = 0;
  for (let c = 0; c < bias.length; c++) {
    const centre = c * dims;
    let score = bias[c]!;
    for (let d = 0; d < dims; d++) score += points[row + d]! * centres[centre + d]!;
    if (score > best) {
      best = score;
      label = c;
    }
  }
  return label;
}

/** In the four lanes of the kernel, then what is left of the coordinates. */
function squaredDistance({ points, centres, dims }: Step, row: number, centre: number): number {
  let lane0 = 0;
  let lane1 = 0;
  let lane2 = 0;
  let lane3 = 0;
  let d = 0;
  for (; d + 4 <= dims; d += 4) {
    const gap0 = points[row + d]! - centres[centre + d]!;
    const gap1 = points[row + d + 1]! - centres[centre + d + 1]!;
    const gap2 = points[row + d + 2]! - centres[centre + d + 2]!;
    const gap3 = points[row + d + 3]! - centres[centre + d + 3]!;
    lane0 += gap0 * gap0;
    lane1 += gap1 * gap1;
    lane2 += gap2 * gap2;
    lane3 += gap3 * gap3;
  }
  let tail = 0;
  for (; d < dims; d++) {
    const gap = points[row + d]! - centres[centre + d]!;
    tail += gap * gap;
  }
  return lane0 + lane2 + (lane1 + lane3) + tail;
}
