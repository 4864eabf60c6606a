import type { InvocationId } from '../../model/ids.ts';
import { NONE } from '../../model/ids.ts';
import { attemptResumed, attemptStarted, attemptSuspended, resumeRequested } from '../attempts.ts';
import { attemptSettled } from '../outcomes.ts';
import type { CoreState } from '../state.ts';
import type { Handlers } from './handler.ts';

/** The row of a current attempt; NONE, and counted, for a superseded one. */
function current(state: CoreState, invocation: InvocationId): number {
  const attempt = state.invocations.rowOf(invocation);
  if (attempt === NONE) state.ignored += 1;
  return attempt;
}

export const attemptHandlers = {
  'invocation-started': (state, { invocation }) => {
    const attempt = current(state, invocation);
    if (attempt !== NONE) attemptStarted(state, attempt);
  },
  'invocation-settled': (state, { invocation, outcome }) => {
    const attempt = current(state, invocation);
    if (attempt !== NONE) attemptSettled(state, attempt, outcome);
  },
  'invocation-suspended': (state, { invocation }) => {
    const attempt = current(state, invocation);
    if (attempt !== NONE) attemptSuspended(state, attempt);
  },
  'invocation-resume-requested': (state, { invocation }) => {
    const attempt = current(state, invocation);
    if (attempt !== NONE) resumeRequested(state, attempt);
  },
  'invocation-resumed': (state, { invocation }) => {
    const attempt = current(state, invocation);
    if (attempt !== NONE) attemptResumed(state, attempt);
  },
} satisfies Partial<Handlers>;
