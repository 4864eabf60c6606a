import { type Future, task, waitOn } from 'metakernel';

const leaf = task({ name: 'leaf' }, (from: number, to: number): number => {
  let sum = 0;
  for (let i = from; i < to; i++) sum += i;
  return sum;
});
const add = task({ name: 'add' }, (a: number, b: number): number => a + b);

/** Gives the future of a task of its own: nobody waits here. */
const sumOf = task({ name: 'sumOf' }, (from: number, to: number): Future<number> => {
  if (to - from <= 250) return leaf(from, to);
  const middle = Math.floor((from + to) / 2);
  return add(sumOf(from, middle), sumOf(middle, to));
});
/** Waits inside a task: its computing units go to others meanwhile. */
const average = task({ name: 'average' }, async (to: number): Promise<number> => (await waitOn(sumOf(0, to))) / to);

export const main = (): Promise<number> => waitOn(average(1000));
