import { accessTo, type ModelProgram, type ModelTask, type ProgramStep } from '../program.ts';
import { type ProgramShape, runTime } from './shape.ts';

const GENERATE = 0;
const POTRF = 1;
const TRSM = 2;
const UPDATE = 3;
const ELEMENTS = [
  { name: 'generate', cpus: 1 },
  { name: 'potrf', cpus: 1 },
  { name: 'trsm', cpus: 1 },
  { name: 'gemm', cpus: 1 },
];
/** Floating-point operations on one tile, relative to those of gemm. */
const COST = [1 / 2, 1 / 6, 1 / 2, 1];

/** Tasks that make and factorize a matrix of n x n tiles. */
const count = (n: number): number => n + n * n + ((n - 1) * n * (n + 1)) / 6;

/** Cholesky factorization by tiles, in place: the lower triangle is made, then updated column by column. */
export function cholesky(shape: ProgramShape): ModelProgram {
  let n = 1;
  while (count(n + 1) <= shape.tasks) n += 1;
  return { name: `cholesky of ${n} x ${n} tiles`, elements: ELEMENTS, tasks: count(n), steps: () => steps(n, shape) };
}

function* steps(n: number, shape: ProgramShape): Generator<ProgramStep> {
  const tile = (row: number, column: number): number => row * n + column;
  const update = (element: number, written: number, ...read: number[]): ProgramStep => {
    const task: ModelTask = {
      element,
      accesses: [...read.map((datum) => accessTo(datum, 'IN')), accessTo(written, 'INOUT')],
      bytes: [shape.bytes],
      ms: runTime(shape) * COST[element]!,
    };
    return { task };
  };
  for (let row = 0; row < n; row++) {
    for (let column = 0; column <= row; column++) yield generate(tile(row, column), shape);
  }
  for (let k = 0; k < n; k++) {
    yield update(POTRF, tile(k, k));
    for (let row = k + 1; row < n; row++) yield update(TRSM, tile(row, k), tile(k, k));
    for (let column = k + 1; column < n; column++) {
      for (let row = column; row < n; row++) {
        const read = row === column ? [tile(row, k)] : [tile(row, k), tile(column, k)];
        yield update(UPDATE, tile(row, column), ...read);
      }
    }
    for (let row = k; row < n; row++) yield { release: tile(row, k) };
  }
}

const generate = (datum: number, shape: ProgramShape): ProgramStep => ({
  task: {
    element: GENERATE,
    accesses: [accessTo(datum, 'OUT')],
    bytes: [shape.bytes],
    ms: runTime(shape) * COST[GENERATE]!,
  },
});
