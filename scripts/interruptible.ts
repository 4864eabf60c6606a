import { constants } from 'node:os';

/**
 * Runs a program that may be interrupted: the first SIGINT, SIGTERM or SIGHUP aborts its signal, so that it disposes of
 * what it has opened; the code is then 128 plus the number of the signal. A thrown error is printed and gives 1.
 */
export async function interruptible(program: (signal: AbortSignal) => Promise<number>): Promise<number> {
  const abort = new AbortController();
  let code: number | undefined;
  const stop = (name: NodeJS.Signals): void => {
    code ??= 128 + constants.signals[name];
    abort.abort(new Error(`ended by ${name}`));
  };
  const names = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  for (const name of names) process.on(name, stop);
  try {
    const own = await program(abort.signal);
    return code ?? own;
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    return code ?? 1;
  } finally {
    for (const name of names) process.off(name, stop);
  }
}
