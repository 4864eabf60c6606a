/** Count, means and sums of squared deviations of every column. */
export interface Moments {
  readonly count: number;
  readonly means: Float64Array;
  readonly squares: Float64Array;
}

/** Two passes, so that columns far from zero (years, salaries) keep their digits. */
export function momentsOf(points: Float64Array, dims: number): Moments {
  const count = points.length / dims;
  const means = new Float64Array(dims);
  const squares = new Float64Array(dims);
  for (let i = 0; i < points.length; i++) means[i % dims]! += points[i]!;
  for (let d = 0; d < dims; d++) means[d]! /= count;
  for (let i = 0; i < points.length; i++) squares[i % dims]! += (points[i]! - means[i % dims]!) ** 2;
  return { count, means, squares };
}

/** The moments of two sets together (Chan, Golub, LeVeque). */
export function mergeMoments(a: Moments, b: Moments): Moments {
  const count = a.count + b.count;
  const gap = (d: number): number => b.means[d]! - a.means[d]!;
  return {
    count,
    means: a.means.map((mean, d) => mean + (gap(d) * b.count) / count),
    squares: a.squares.map((square, d) => square + b.squares[d]! + (gap(d) ** 2 * a.count * b.count) / count),
  };
}

/** x becomes (x - mean) / deviation, column by column. */
export interface Scale {
  readonly means: Float64Array;
  readonly deviations: Float64Array;
}

export function scaleOf(moments: readonly Moments[]): Scale {
  const { count, means, squares } = moments.reduce(mergeMoments);
  // A constant column tells nothing apart: it becomes 0, not NaN.
  return { means, deviations: squares.map((square) => Math.sqrt(square / count) || 1) };
}

export function applyScale(points: Float64Array, { means, deviations }: Scale, target: Float64Array): void {
  const dims = means.length;
  for (let i = 0; i < points.length; i++) target[i] = (points[i]! - means[i % dims]!) / deviations[i % dims]!;
}

export function undoScale(centres: Float64Array, { means, deviations }: Scale): Float64Array {
  const dims = means.length;
  return centres.map((value, i) => value * deviations[i % dims]! + means[i % dims]!);
}
