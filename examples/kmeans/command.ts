import { parseArgs } from 'node:util';
import type { KmeansOptions, Model } from './model.ts';

const OPTIONS = {
  k: { type: 'string', default: '8' },
  iterations: { type: 'string', default: '20' },
  epsilon: { type: 'string', default: '1e-4' },
  seed: { type: 'string', default: '1' },
  standardise: { type: 'boolean', default: false },
} as const;

/** The command line of the example: files, and the options of KmeansOptions by their names. */
export function parseCommand(args: readonly string[]): { readonly files: string; readonly options: KmeansOptions } {
  const { values, positionals } = parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true });
  return {
    files: positionals.join(','),
    options: {
      k: toNumber('k', values.k, 1),
      iterations: toNumber('iterations', values.iterations, 1),
      epsilon: toNumber('epsilon', values.epsilon, 0),
      seed: toNumber('seed', values.seed, 0),
      standardise: values.standardise,
    },
  };
}

function toNumber(name: string, text: string, least: number): number {
  const value = Number(text);
  if (text.trim() === '' || !(value >= least))
    throw new RangeError(`--${name} needs a number from ${least} up, not ${text}`);
  return value;
}

const WIDTH = 12;
const SHOWN_COLUMNS = 8;

/** A model for people: its figures and its centres as a table. */
export function formatModel(model: Model): string {
  const { names, centres, counts, dims, iterations, converged, inertia, notices } = model;
  const columns = Array.from({ length: Math.min(dims, SHOWN_COLUMNS) }, (_, d) => names[d] ?? `x${d + 1}`);
  const cells = (row: readonly string[]): string =>
    row.map((cell) => cell.slice(0, WIDTH).padStart(WIDTH + 1)).join('');
  const rows = centres.map((centre, c) =>
    cells([String(counts[c]), ...centre.slice(0, SHOWN_COLUMNS).map((value) => value.toPrecision(6))]),
  );
  return [
    ...notices.map((notice) => `note: ${notice}`),
    `${iterations} iterations, ${converged ? 'converged' : 'stopped at the limit'}, inertia ${inertia.toPrecision(12)}`,
    cells(['points', ...columns]) + (dims > SHOWN_COLUMNS ? `   (${dims - SHOWN_COLUMNS} more columns)` : ''),
    ...rows,
  ].join('\n');
}
