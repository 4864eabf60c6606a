/** How a process that serves comes to its end. */
import { Socket } from 'node:net';
import { EXIT } from './exit.ts';

/** Whoever started us holds the other end of stdin; the kernel closes it however they die. */
export function endWithParent(): void {
  const { stdin } = process;
  const end = (): void => void process.kill(process.pid, 'SIGTERM');
  stdin.once('end', end).once('error', end).resume();
  // It must not keep a stopped agent alive. A file in its place has no handle to let go of.
  if (stdin instanceof Socket) stdin.unref();
}

/** The first SIGTERM or SIGINT asks for a graceful end; the second one ends the process. */
export function untilSignal(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      process.once(signal, () => {
        resolve();
        process.once(signal, () => process.exit(EXIT.interrupted));
      });
    }
  });
}
