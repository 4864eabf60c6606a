import { barrier, task, waitOn } from 'metakernel';

const minAndMax = task({ name: 'minAndMax', returns: 2 }, (values: number[]): [number, number] => [
  Math.min(...values),
  Math.max(...values),
]);
const sum = task({ name: 'sum' }, (values: number[]): number => values.reduce((a, b) => a + b, 0));
const note = task({ name: 'note', returns: 0 }, (text: string): void => console.log(text));

export async function main(): Promise<unknown> {
  const [low, high] = minAndMax([3, 1, 2]); // a future for each of the two values
  const total = sum([low, high]); // futures may stand inside an argument
  note('printed into the log of the task');
  await barrier(); // everything submitted so far has ended
  return waitOn({ low, high, total }); // and inside what is waited for
}
