import { parseArgs } from 'node:util';

export interface ChaosOptions {
  readonly minutes: number;
  readonly seed: number;
  /** Mean number of faults that begin in a second. */
  readonly rate: number;
}

export interface InsideOptions extends ChaosOptions {
  /** Folder for logs, with an empty folder `scratch` in it. */
  readonly out: string;
}

export function parseChaosOptions(argv: readonly string[]): ChaosOptions {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      minutes: { type: 'string', default: '10' },
      seed: { type: 'string', default: String(Date.now() % 1_000_000) },
      rate: { type: 'string', default: '4' },
    },
  });
  const number = (name: keyof typeof values): number => {
    const value = Number(values[name]);
    if (Number.isFinite(value) && value > 0) return value;
    throw new Error(`--${name} must be a number above 0`);
  };
  return { minutes: number('minutes'), seed: Math.trunc(number('seed')), rate: number('rate') };
}
