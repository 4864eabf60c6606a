import { type Attempt, attempts } from '../executor/thread/attempt.ts';
import type { Program } from './program.ts';
import { SequentialProgram } from './sequential-program.ts';

/** Who the running code submits for: set once per thread or process that has a runtime. */
let programOf: (() => Program) | undefined;
let sequential: SequentialProgram | undefined;

/** Read once: looking a variable up costs more than submitting a task. */
const off = process.env['METAKERNEL'] === 'off';

export function useProgramOf(find: (() => Program) | undefined): void {
  programOf = find;
}

/** Without a runtime (or with METAKERNEL=off) the same calls run as plain sequential code. */
export function currentProgram(): Program {
  if (programOf !== undefined && !off) return programOf();
  sequential ??= new SequentialProgram();
  return sequential;
}

export const currentAttempt = (): Attempt | undefined => attempts.getStore();
