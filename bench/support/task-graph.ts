/**
 * The graphs of Task Bench (Slaughter et al., SC20): `width` points, each a task in every step, which needs points of the
 * step before.
 */
export const PATTERNS = ['trivial', 'stencil_1d', 'fft', 'tree', 'random_nearest'] as const;
export type Pattern = (typeof PATTERNS)[number];

/** Points on each side that random_nearest chooses from. */
const RADIX = 2;

export function isPattern(name: string): name is Pattern {
  return (PATTERNS as readonly string[]).includes(name);
}

/** Points that run in a step: a tree grows from one. */
export const widthAt = (pattern: Pattern, step: number, width: number): number =>
  pattern === 'tree' ? Math.min(width, 2 ** Math.min(step, 30)) : width;

/** Points of the step before that a point needs; none in the first step. */
export function dependencies(pattern: Pattern, step: number, point: number, width: number): number[] {
  if (step === 0) return [];
  const inside = (points: number[]): number[] => points.filter((one) => one >= 0 && one < width);
  switch (pattern) {
    case 'trivial':
      return [];
    case 'stencil_1d':
      return inside([point - 1, point, point + 1]);
    case 'fft': {
      const stride = 2 ** ((step - 1) % Math.max(1, Math.floor(Math.log2(width))));
      return inside([point - stride, point, point + stride]);
    }
    case 'tree':
      return [widthAt(pattern, step - 1, width) < width ? point >> 1 : point % width];
    case 'random_nearest': {
      const near = Array.from({ length: 2 * RADIX + 1 }, (_, i) => point - RADIX + i);
      return inside(near.filter((one) => chosen(step, point, one)));
    }
  }
}

/** One in two, the same in every run. */
function chosen(step: number, point: number, other: number): boolean {
  let hash = Math.imul(step + 1, 0x9e3779b1) ^ Math.imul(point + 1, 0x85ebca6b) ^ Math.imul(other + 1, 0xc2b2ae35);
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
  return ((hash ^ (hash >>> 13)) & 1) === 1;
}

/** Submits the whole graph; returns what stands for the tasks of the last step, and how many tasks there are. */
export function build<T>(
  { pattern, width, steps }: { pattern: Pattern; width: number; steps: number },
  submit: (needs: readonly T[]) => T,
): { readonly all: readonly T[]; readonly tasks: number } {
  const all: T[] = [];
  let before: T[] = [];
  for (let step = 0; step < steps; step++) {
    const row: T[] = [];
    for (let point = 0; point < widthAt(pattern, step, width); point++) {
      row.push(submit(dependencies(pattern, step, point, width).flatMap((one) => before[one] ?? [])));
    }
    all.push(...row);
    before = row;
  }
  return { all, tasks: all.length };
}
