import { type Attempt, attempts } from '../executor/thread/attempt.ts';
import type { ScopeLink } from '../executor/thread/scope-link.ts';
import type { Program } from './program.ts';

/** How this thread opens the program of an attempt; unset where there is no agent. */
export const programs: { open: ((attempt: Attempt) => Program<ScopeLink>) | undefined } = { open: undefined };

/** The program of the attempt that calls; undefined outside an agent: then code runs as plain sequential code. */
export function currentProgram(): Program<ScopeLink> | undefined {
  const attempt = attempts.getStore();
  if (attempt === undefined || programs.open === undefined) return undefined;
  attempt.program ??= programs.open(attempt);
  return attempt.program;
}

export const currentAttempt = (): Attempt | undefined => attempts.getStore();
