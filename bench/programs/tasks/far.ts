/** The tasks of the benchmarks between agents: they run on the far one, which alone has what they ask for. */
import { barrier, task, waitOn } from 'metakernel';

const far = { constraints: { software: ['far'] } } as const;

export const noop = task({ name: 'noop', returns: 0, ...far }, (_index: number): void => {});
export const next = task({ name: 'next', ...far }, (value: number): number => value + 1);

/** Milliseconds for so many independent tasks, from the first submission to the end of the last. */
export async function flood(count: number): Promise<number> {
  const started = performance.now();
  for (let i = 0; i < count; i++) noop(i);
  await barrier();
  return performance.now() - started;
}

/** Milliseconds for a chain in which each task reads what the one before has written. */
export async function chain(count: number): Promise<number> {
  const started = performance.now();
  let value: number | ReturnType<typeof next> = 0;
  for (let i = 0; i < count; i++) value = next(value);
  await waitOn(value);
  return performance.now() - started;
}
