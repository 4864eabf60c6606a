import type { ModelProgram } from '../program.ts';
import { cholesky } from './cholesky.ts';
import { kmeans } from './kmeans.ts';
import { chain, independent, randomGraph, stencil, tree } from './regular.ts';
import type { ProgramShape } from './shape.ts';

/** The programs that can be simulated, by name. */
export const PROGRAMS = {
  cholesky,
  kmeans,
  stencil,
  random: randomGraph,
  independent,
  chain,
  tree,
} as const satisfies Record<string, (shape: ProgramShape) => ModelProgram>;

export type ProgramName = keyof typeof PROGRAMS;

export const isProgramName = (name: string): name is ProgramName => Object.hasOwn(PROGRAMS, name);
