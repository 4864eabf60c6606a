import { deleteObject, put, sharedArray, task, waitOn } from 'metakernel';

const ramp = task({ name: 'ramp' }, (length: number): Float64Array => {
  const values = sharedArray(Float64Array, length); // in the store of the node already: returned without a copy
  for (let i = 0; i < length; i++) values[i] = i;
  return values;
});
const dot = task({ name: 'dot' }, (a: Float64Array, b: Float64Array): number => {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
});

export async function main(): Promise<number> {
  const ones = put(new Float64Array(1000).fill(1)); // encoded once, however many tasks read it
  const products = [1, 2, 3].map(() => dot(ramp(1000), ones));
  const sums = await waitOn(products);
  deleteObject(ones); // not used again: its memory may go
  return sums.reduce((a, b) => a + b, 0);
}
