import { currentTask, task, waitOn } from 'metakernel';

const wide = task({ name: 'wide', constraints: { computingUnits: 2 }, priority: true }, (): number | undefined => {
  return currentTask()?.numThreads; // also in OMP_NUM_THREADS
});
const sized = task(
  { name: 'sized', constraints: (bytes) => ({ memoryGb: Number(bytes) / 1e9 }) }, // from the arguments of each call
  (bytes: number): number => bytes,
);

export const main = async (): Promise<unknown> => [(await waitOn(wide())) ?? 'no agent', await waitOn(sized(1000))];
