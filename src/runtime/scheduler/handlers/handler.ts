import type { SchedulerEvent } from '../events.ts';
import type { CoreState } from '../state.ts';

/** One handler per event type: an event without a handler does not compile. */
export type Handlers = {
  readonly [E in SchedulerEvent as E['type']]: (state: CoreState, event: E) => void;
};
