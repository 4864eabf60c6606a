import { task, waitOn } from 'metakernel';

interface Block {
  value: number;
}

const negate = task({ name: 'negate', params: ['INOUT'], returns: 0 }, (block: Block): void => {
  block.value = -block.value;
});
const total = task({ name: 'total', params: [{ type: 'collection' }] }, (rows: Block[][]): number =>
  rows.flat().reduce((sum, block) => sum + block.value, 0),
);

export async function main(): Promise<number> {
  const rows: Block[][] = [[{ value: 1 }, { value: 2 }], [{ value: 3 }]];
  for (const block of rows.flat()) negate(block); // three tasks, beside each other
  return waitOn(total(rows)); // each block is a datum of its own: reads what the three have written
}
