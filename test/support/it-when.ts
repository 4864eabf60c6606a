import { it } from 'vitest';

type Declare = (name: string, run: () => unknown, timeout?: number) => void;

/** `it` where the case applies; else a skipped test that prints why it does not. */
export const itWhen = (applies: boolean, reason: string): Declare =>
  applies
    ? (name, run, timeout) => it(name, () => run() as Promise<void>, timeout)
    : // What the case is about does not exist here (a promise an adaptor does not make, a disk a store does not have).
      (name) => it(name, (context) => context.skip(reason));
