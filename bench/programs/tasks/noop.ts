/** The tasks of the throughput and latency benchmarks. */
import { barrier, task, waitOn } from 'metakernel';

export const noop = task({ returns: 0 }, function noop(_index: number): void {});
export const next = task({}, function next(value: number): number {
  return value + 1;
});

/** Milliseconds for so many independent tasks, from the first submission to the end of the last. */
export async function flood(count: number): Promise<number> {
  const started = performance.now();
  for (let i = 0; i < count; i++) noop(i);
  await barrier();
  return performance.now() - started;
}

/** Median milliseconds of one task after another, from submission to its value. */
export async function pingPong(count: number): Promise<number> {
  const took: number[] = [];
  for (let i = 0; i < count; i++) {
    const started = performance.now();
    await waitOn(next(i));
    took.push(performance.now() - started);
  }
  took.sort((a, b) => a - b);
  return took[took.length >> 1]!;
}

/** Milliseconds a link of a chain of dependent tasks that is submitted as a whole. */
export async function chain(links: number): Promise<number> {
  const started = performance.now();
  let value = next(0);
  for (let i = 1; i < links; i++) value = next(value);
  if ((await waitOn(value)) !== links) throw new Error('a link is missing');
  return (performance.now() - started) / links;
}

/** What an application costs that does nothing. */
export function nothing(): void {}
