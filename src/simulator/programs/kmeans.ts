import { accessTo, type ModelProgram, type ProgramStep } from '../program.ts';
import { type ProgramShape, runTime } from './shape.ts';

const LOAD = 0;
const PARTIAL = 1;
const MERGE = 2;
const ELEMENTS = [
  { name: 'load', cpus: 1 },
  { name: 'partial_sum', cpus: 1 },
  { name: 'merge', cpus: 1 },
];
const ITERATIONS = 10;
/** Partial sums merged by one task. */
const ARITY = 50;
/** Centres and sums are small beside the points. */
const SUMS = 1 / 1000;

/** Lloyd's iterations over blocks of points: partial sums of each block, merged, then the next iteration. */
export function kmeans(shape: ProgramShape): ModelProgram {
  const perBlock = ITERATIONS * (1 + 1 / ARITY) + 1;
  const blocks = Math.max(1, Math.round(shape.tasks / perBlock));
  const perIteration = blocks + merges(blocks);
  return {
    name: `k-means of ${blocks} blocks, ${ITERATIONS} iterations`,
    elements: ELEMENTS,
    tasks: blocks + ITERATIONS * perIteration,
    steps: () => steps(blocks, shape),
  };
}

/** Merging tasks above so many partial sums. */
function merges(blocks: number): number {
  let total = 0;
  let left = blocks;
  do {
    left = Math.ceil(left / ARITY);
    total += left;
  } while (left > 1);
  return total;
}

function* steps(blocks: number, shape: ProgramShape): Generator<ProgramStep> {
  const bytes = [Math.ceil(shape.bytes * SUMS)];
  let next = blocks;
  for (let block = 0; block < blocks; block++) {
    const accesses = [accessTo(block, 'OUT')];
    yield { task: { element: LOAD, accesses, bytes: [shape.bytes], ms: runTime(shape) } };
  }
  let centres: number | undefined;
  for (let iteration = 0; iteration < ITERATIONS; iteration++) {
    let sums: number[] = [];
    for (let block = 0; block < blocks; block++) {
      const sum = next++;
      const read = centres === undefined ? [block] : [block, centres];
      yield { task: { element: PARTIAL, accesses: reading(read, sum), bytes, ms: runTime(shape) } };
      sums.push(sum);
    }
    if (centres !== undefined) yield { release: centres };
    do {
      const merged: number[] = [];
      for (let first = 0; first < sums.length; first += ARITY) {
        const part = sums.slice(first, first + ARITY);
        const sum = next++;
        yield { task: { element: MERGE, accesses: reading(part, sum), bytes, ms: runTime(shape) / ARITY } };
        for (const one of part) yield { release: one };
        merged.push(sum);
      }
      sums = merged;
    } while (sums.length > 1);
    centres = sums[0];
  }
}

const reading = (read: readonly number[], written: number) => [
  ...read.map((datum) => accessTo(datum, 'IN')),
  accessTo(written, 'OUT'),
];
