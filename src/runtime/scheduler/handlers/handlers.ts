import { attemptHandlers } from './attempts.ts';
import { dataHandlers } from './data.ts';
import type { Handlers } from './handler.ts';
import { resourceHandlers } from './resources.ts';
import { submitterHandlers } from './submitters.ts';

export const HANDLERS: Handlers = {
  ...submitterHandlers,
  ...dataHandlers,
  ...attemptHandlers,
  ...resourceHandlers,
  // No rule of this core arms a timer.
  'timer-fired': (state) => {
    state.ignored += 1;
  },
};
