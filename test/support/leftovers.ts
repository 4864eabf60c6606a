/**
 * Whether the parts of a test (agents, workers, hosts of executors) leave anything in this process: every handle, child,
 * thread and timer that keeps it alive. What was there before the first part of a test was opened is not its fault, so
 * parts are counted, and looked at when the last one has been closed.
 */

import { subscribe } from 'node:diagnostics_channel';
import { setTimeout as pause, setImmediate as turn } from 'node:timers/promises';
import type { Worker } from 'node:worker_threads';

/** The kernel and the event loop end a closed handle, child or thread some turns later. */
const WITHIN_MS = 30_000;

// Opened at first use, for good: not the fault of a test that prints.
for (const stream of [process.stdout, process.stderr]) void stream.writable;

let threads = 0;
// Threads are not among the resources that Node tells of.
subscribe('worker_threads', (message) => {
  threads += 1;
  (message as { worker: Worker }).worker.once('exit', () => (threads -= 1));
});

let parts = 0;
let before = new Map<string, number>();

/** Kind and number of all that keeps the process alive. */
function alive(): Map<string, number> {
  const kinds = new Map([['thread', threads]]);
  for (const kind of process.getActiveResourcesInfo()) kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
  return kinds;
}

function more(): string[] {
  return [...alive()].flatMap(([kind, count]) => {
    const extra = count - (before.get(kind) ?? 0);
    return extra > 0 ? [`${extra} ${kind}`] : [];
  });
}

/** Call before anything of the part is made; every call needs one of `partClosed`. */
export function partOpened(): void {
  if (parts === 0) before = alive();
  parts += 1;
}

/** Call when the part says that it has closed. */
export async function partClosed(withinMs = WITHIN_MS): Promise<void> {
  parts -= 1;
  if (parts > 0) return;
  const deadline = performance.now() + withinMs;
  await turn();
  while (more().length > 0) {
    if (performance.now() > deadline) throw new Error(`left behind after the test: ${more().join(', ')}`);
    await pause(10);
  }
}

/** Opens a part; when that fails, nothing of it may be left either. */
export async function openPart<T>(open: () => Promise<T>): Promise<T> {
  partOpened();
  try {
    return await open();
  } catch (error) {
    await partClosed();
    throw error;
  }
}

/** Waits until nothing is held; `what` is asked again and again, since what a call held goes a moment after its end. */
export async function untilEmpty(
  name: string,
  what: () => HeldValues | Promise<HeldValues>,
  withinMs = WITHIN_MS,
): Promise<void> {
  const deadline = performance.now() + withinMs;
  for (;;) {
    const { versions, pinned } = await what();
    if (versions === 0 && pinned === 0) return;
    if (performance.now() > deadline)
      throw new Error(`the store of ${name} still holds ${versions} values, ${pinned} of them in use`);
    await pause(10);
  }
}

export interface HeldValues {
  readonly versions: number;
  readonly pinned: number;
}
