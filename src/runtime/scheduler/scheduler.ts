import type { Millis } from '../../common/brand.ts';
import { resumeWaiting } from './attempts.ts';
import { cancelTask, childEnded } from './cancel.ts';
import type { CoreOptions, SchedulerCore } from './core.ts';
import type { SchedulerEffect } from './effects.ts';
import { failReaders, makeReady } from './ends.ts';
import type { SchedulerEvent } from './events.ts';
import { HANDLERS } from './handlers.ts';
import { checkInvariants } from './invariants.ts';
import { recompute } from './lineage.ts';
import { placeAll } from './placement.ts';
import { createPolicy } from './policies.ts';
import { Pool } from './pool.ts';
import { CoreState } from './state.ts';
import { type CoreViews, createViews } from './views.ts';

/** Throws ERR_CONFIG_INVALID when the policy is not known. */
export function createCore(options: CoreOptions = {}): SchedulerCore {
  const state = new CoreState(options);
  const policy = createPolicy(options);
  const pool = new Pool(state);
  state.rules = {
    recompute: (version) => recompute(state, version),
    makeReady: (task) => makeReady(state, task),
    failReaders: (version, failure) => failReaders(state, version, failure),
    cancelTask: (task, reason) => cancelTask(state, task, reason),
    childEnded: (scope, completed) => childEnded(state, scope, completed),
  };
  const views: CoreViews = createViews(state);
  return {
    ...views,
    step(at: Millis, events: readonly SchedulerEvent[]): readonly SchedulerEffect[] {
      state.now = at;
      state.effects.length = 0;
      for (const event of events) {
        state.cause = event.type;
        (HANDLERS[event.type] as (state: CoreState, event: SchedulerEvent, pool: Pool) => void)(state, event, pool);
      }
      resumeWaiting(state);
      placeAll(state, policy, pool.classes);
      pool.drainAll();
      return state.effects;
    },
    checkInvariants: () => checkInvariants(state),
  };
}
