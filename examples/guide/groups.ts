import { setTimeout as pause } from 'node:timers/promises';
import { cancel, currentTask, type RuntimeError, TaskException, TaskGroup, task, waitOn } from 'metakernel';

const slow = task({ name: 'slow', returns: 0 }, async (): Promise<void> => {
  await pause(60_000, undefined, { signal: currentTask()?.signal });
});
const guess = task({ name: 'guess', returns: 0 }, (value: number): void => {
  if (value === 7) throw new TaskException('found 7');
});

export async function main(): Promise<unknown> {
  let found = 'nothing';
  try {
    await using _search = new TaskGroup('search'); // waits for its tasks when it goes out of scope
    slow(); // ended by the exception below
    for (let i = 0; i < 10; i++) guess(i);
  } catch (error) {
    found = (error as Error).message; // a TaskException cancels what has not ended of its groups
  }
  const unwanted = slow();
  cancel(unwanted, 'not wanted any more');
  const code = await waitOn(unwanted).then(
    () => 'completed',
    (error: unknown) => (error as RuntimeError).code,
  );
  return [found, code];
}
