/** What the generators of programs share. */
import type { Random } from '../random.ts';

export interface ProgramShape {
  /** About how many tasks; regular programs take the nearest size that they have. */
  readonly tasks: number;
  /** Mean run time on a node of speed 1. */
  readonly ms: number;
  /** Run times lie evenly between `1 - spread` and `1 + spread` of the mean. */
  readonly spread: number;
  /** Size of what a task writes. */
  readonly bytes: number;
  readonly random: Random;
}

export const runTime = ({ ms, spread, random }: ProgramShape): number => random.around(ms, spread);
