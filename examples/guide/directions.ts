import { task, waitOn } from 'metakernel';

const append = task({ name: 'append', params: ['INOUT', 'IN'], returns: 0 }, (list: number[], item: number): void => {
  list.push(item);
});
const fill = task({ name: 'fill', params: ['OUT', 'IN'], returns: 0 }, (target: Float64Array, value: number): void => {
  target.fill(value);
});
const count = task({ name: 'count', params: ['COMMUTATIVE'], returns: 0 }, (counter: { value: number }): void => {
  counter.value += 1;
});
const length = task({ name: 'length' }, (list: number[]): number => list.length);

export async function main(): Promise<unknown> {
  const list: number[] = [];
  append(list, 1);
  append(list, 2); // after the first: both write the list
  const two = length(list); // reads what the second has written
  append(list, 3); // need not wait for that reader, which has its own version
  const zeros = new Float64Array(4);
  fill(zeros, 0.5); // OUT: what was in it is not sent
  const counter = { value: 0 };
  for (let i = 0; i < 10; i++) count(counter); // one after another, in any order
  const written = await waitOn(list);
  return [written, await waitOn(two), [...(await waitOn(zeros))], (await waitOn(counter)).value];
}
