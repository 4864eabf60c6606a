/**
 * The factor of a matrix in blocks, each an object that tasks change in place. The matrix is made from a factor of small
 * whole numbers, so that every step is exact and the answer is known to the last bit.
 */
import { createHash } from 'node:crypto';
import { deleteObject, task, waitOn } from 'metakernel';
import { createRandom } from '../../../examples/kmeans/random.ts';

interface Block {
  readonly size: number;
  values: Float64Array;
}

const work = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** target -= a * bT */
function subtractProduct(target: Block, a: Block, b: Block): void {
  const { size } = target;
  for (let i = 0; i < size; i++) {
    for (let j = 0; j < size; j++) {
      let sum = 0;
      for (let k = 0; k < size; k++) sum += a.values[i * size + k]! * b.values[j * size + k]!;
      target.values[i * size + j]! -= sum;
    }
  }
}

/** Of a block on the diagonal: its lower factor in its place. */
const factor = task({ name: 'factor', params: ['INOUT'], returns: 0 }, async (block: Block, ms: number) => {
  await work(ms);
  const { size, values } = block;
  for (let j = 0; j < size; j++) {
    for (let i = 0; i < size; i++) {
      let sum = values[i * size + j]!;
      for (let k = 0; k < j; k++) sum -= values[i * size + k]! * values[j * size + k]!;
      values[i * size + j] = i < j ? 0 : i === j ? Math.sqrt(sum) : sum / values[j * size + j]!;
    }
  }
});

/** Below the diagonal: target * inverse(diagonalT). */
const solve = task(
  { name: 'solve', params: ['INOUT'], returns: 0 },
  async (target: Block, diagonal: Block, ms: number) => {
    await work(ms);
    const { size, values } = target;
    for (let i = 0; i < size; i++) {
      for (let j = 0; j < size; j++) {
        let sum = values[i * size + j]!;
        for (let k = 0; k < j; k++) sum -= values[i * size + k]! * diagonal.values[j * size + k]!;
        values[i * size + j] = sum / diagonal.values[j * size + j]!;
      }
    }
  },
);

const update = task(
  { name: 'update', params: ['INOUT'], returns: 0 },
  async (target: Block, a: Block, b: Block, ms: number) => {
    await work(ms);
    subtractProduct(target, a, b);
  },
);

/** Blocks below the diagonal and on it, row by row, of a lower factor of whole numbers. */
function knownFactor(seed: number, blocks: number, size: number): Block[][] {
  const random = createRandom(seed);
  return Array.from({ length: blocks }, (_, row) =>
    Array.from({ length: row + 1 }, (_, column) => {
      const values = new Float64Array(size * size);
      for (let i = 0; i < size; i++) {
        for (let j = 0; j < size; j++) {
          const number = random.below(5) - 2;
          const isBelow = row > column || i > j;
          values[i * size + j] = isBelow ? number : i === j && row === column ? number + 3 : 0;
        }
      }
      return { size, values };
    }),
  );
}

function product(lower: readonly (readonly Block[])[], row: number, column: number): Block {
  const { size } = lower[0]![0]!;
  const block: Block = { size, values: new Float64Array(size * size) };
  for (let k = 0; k <= column; k++) subtractProduct(block, lower[row]![k]!, lower[column]![k]!);
  for (let i = 0; i < block.values.length; i++) block.values[i] = -block.values[i]!;
  return block;
}

const digestOf = (blocks: readonly (readonly Block[])[]): string => {
  const digest = createHash('sha256');
  for (const { values } of blocks.flat()) digest.update(`${values.join(',')};`);
  return digest.digest('hex');
};

export const expected = (seed: number, blocks: number, size: number): string =>
  digestOf(knownFactor(seed, blocks, size));

/** A digest of the factor that tasks have found. */
export async function run(seed: number, blocks: number, size: number, ms: number): Promise<string> {
  const lower = knownFactor(seed, blocks, size);
  const matrix = lower.map((row, i) => row.map((_, j) => product(lower, i, j)));
  for (let k = 0; k < blocks; k++) {
    factor(matrix[k]![k]!, ms);
    for (let i = k + 1; i < blocks; i++) solve(matrix[i]![k]!, matrix[k]![k]!, ms);
    for (let i = k + 1; i < blocks; i++) {
      for (let j = k + 1; j <= i; j++) update(matrix[i]![j]!, matrix[i]![k]!, matrix[j]![k]!, ms);
    }
  }
  const found = (await waitOn(matrix)) as Block[][];
  for (const block of matrix.flat()) deleteObject(block);
  return digestOf(found);
}
