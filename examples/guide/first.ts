import { task, waitOn } from 'metakernel';

const square = task({ name: 'square' }, (x: number): number => x * x);
const add = task({ name: 'add' }, (a: number, b: number): number => a + b);

export async function main(): Promise<number> {
  const nine = square(3); // Future<number>: the task was submitted, nothing was waited for
  const sixteen = square(4); // independent of the first: may run at the same time, on another node
  return waitOn(add(nine, sixteen)); // runs when both have ended
}
