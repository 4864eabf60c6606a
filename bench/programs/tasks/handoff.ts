/** A value that goes from task to task on one node. */
import { barrier, type Future, sharedArray, task, waitOn } from 'metakernel';

const make = task({ name: 'make' }, (length: number) => sharedArray(Float64Array, length).fill(1));

/** Reads both ends of the value; `_after` puts it behind the task before. */
const read = task({ name: 'read' }, (value: Float64Array, _after: number): number => {
  return value[0]! + value[value.length - 1]!;
});

/** Milliseconds a hand-over of so many bytes along a chain of tasks. */
export async function relay(bytes: number, links: number): Promise<number> {
  const value = make(bytes / Float64Array.BYTES_PER_ELEMENT);
  await barrier();
  const started = performance.now();
  let last: Future<number> = read(value, 0);
  for (let i = 1; i < links; i++) last = read(value, last);
  if ((await waitOn(last)) !== 2) throw new Error('the value is another one');
  return (performance.now() - started) / links;
}
