/**
 * A random graph of tasks over objects (INOUT), sums (COMMUTATIVE), files (INOUT) and arrays that are passed on. Run
 * without an agent it is plain sequential code: that gives the answer it must have.
 */
import { createHash } from 'node:crypto';
import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { deleteObject, file, sharedArray, task, waitOn } from 'metakernel';
import { createRandom, type Random } from '../../../examples/kmeans/random.ts';

interface Cell {
  value: number;
}

const LENGTH = 20_000;
const mix = (a: number, b: number): number => (Math.imul(a ^ (b + 0x9e3779b9), 0x85ebca6b) ^ (b >>> 13)) >>> 0;
/** Tasks take their time without a core: a fault must find them running. */
const work = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

const stir = task(
  { name: 'stir', params: ['INOUT'], returns: 0 },
  async (cell: Cell, other: Cell, salt: number, ms: number) => {
    await work(ms);
    cell.value = mix(mix(cell.value, other.value), salt);
  },
);

const pour = task(
  { name: 'pour', params: ['COMMUTATIVE'], returns: 0 },
  async (sum: Cell, cell: Cell, salt: number, ms: number) => {
    await work(ms);
    sum.value = (sum.value + mix(cell.value, salt)) >>> 0;
  },
);

const note = task(
  { name: 'note', params: [{ direction: 'INOUT', type: 'file' }], returns: 0 },
  async (path: string, cell: Cell, salt: number, ms: number) => {
    await work(ms);
    appendFileSync(path, `${mix(cell.value, salt)}\n`);
  },
);

const spread = task({ name: 'spread' }, async (cell: Cell, salt: number, ms: number) => {
  await work(ms);
  const values = sharedArray(Float64Array, LENGTH);
  for (let i = 0; i < LENGTH; i++) values[i] = mix(cell.value ^ salt, i);
  return values;
});

const gather = task(
  { name: 'gather', params: ['INOUT'], returns: 0 },
  async (cell: Cell, values: Float64Array, ms: number) => {
    await work(ms);
    let total = cell.value;
    for (const value of values) total = mix(total, value);
    cell.value = total;
  },
);

interface World {
  readonly cells: readonly Cell[];
  readonly sums: readonly Cell[];
  readonly files: readonly ReturnType<typeof file>[];
}

function createWorld(folder: string, random: Random): World {
  mkdirSync(folder, { recursive: true });
  const cell = (): Cell => ({ value: random.uint32() });
  const files = [0, 1, 2].map((index) => {
    const path = join(folder, `notes-${index}`);
    writeFileSync(path, `${random.uint32()}\n`);
    return file(path);
  });
  return { cells: Array.from({ length: 8 }, cell), sums: Array.from({ length: 2 }, cell), files };
}

function step({ cells, sums, files }: World, random: Random, ms: number): void {
  const pick = <T>(list: readonly T[]): T => list[random.below(list.length)]!;
  const at = random.below(cells.length);
  const cell = cells[at]!;
  const other = cells[(at + 1 + random.below(cells.length - 1)) % cells.length]!;
  const salt = random.uint32();
  const took = random.below(ms);
  const kind = random.below(10);
  if (kind < 4) stir(cell, other, salt, took);
  else if (kind < 6) pour(pick(sums), cell, salt, took);
  else if (kind < 8) note(pick(files), cell, salt, took);
  else {
    const values = spread(cell, salt, took);
    gather(other, values, took);
    deleteObject(values);
  }
}

/** A digest of everything at the end. `steps` tasks, each of them `ms` long at most. */
export async function run(seed: number, steps: number, ms: number, folder: string): Promise<string> {
  const random = createRandom(seed);
  const world = createWorld(folder, random);
  for (let n = 0; n < steps; n++) step(world, random, ms);
  const digest = createHash('sha256');
  for (const { value } of await waitOn([...world.cells, ...world.sums])) digest.update(`${value};`);
  for (const path of await waitOn([...world.files])) digest.update(readFileSync(String(path)));
  for (const value of [...world.cells, ...world.sums, ...world.files]) deleteObject(value);
  return digest.digest('hex');
}
