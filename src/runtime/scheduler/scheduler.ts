import type { Millis } from '../../common/brand.ts';
import { AccessAnalysis } from '../graph/access-analysis.ts';
import { serve } from './attempts.ts';
import type { CoreOptions, SchedulerCore } from './core.ts';
import { Durations } from './durations.ts';
import type { SchedulerEffect } from './effects.ts';
import { endCommute, endShared, settleDoomed } from './ends.ts';
import type { SchedulerEvent } from './events.ts';
import { explainResources } from './explain-ready.ts';
import { HANDLERS } from './handlers/handlers.ts';
import { forgetIfDone } from './history.ts';
import { checkInvariants } from './invariants.ts';
import { dropOrphans } from './lineage.ts';
import { settleCapacity } from './membership.ts';
import { completeDrained } from './outcomes.ts';
import { Placement } from './placement.ts';
import { createPolicy } from './policies/create-policy.ts';
import { demand } from './recompute.ts';
import { schedule } from './schedule.ts';
import { CoreState } from './state.ts';
import { causeCode } from './story.ts';
import { createViews } from './views.ts';

const DEFAULTS = { maxLosses: 5, lineageMaxTasks: 1000, historySize: 10_000, reportCompleted: false };

/** A core that knows nothing yet. Throws ERR_CONFIG_INVALID when the policy is not known. */
export function createCore(options: CoreOptions = {}): SchedulerCore {
  const state = createState(options);
  const placement = new Placement(state);
  return {
    ...createViews(state),
    step(at: Millis, events: readonly SchedulerEvent[]): readonly SchedulerEffect[] {
      state.effects.length = 0;
      state.at = at;
      for (const event of events) apply(state, event);
      schedule(state, placement);
      // A lost input may have failed tasks that nobody can help, and so set others free, or have been given another writer.
      while (state.doomed.length + state.registry.orphans.length > 0) {
        afterEvent(state);
        schedule(state, placement);
      }
      return state.effects;
    },
    checkInvariants: () => checkInvariants(state, placement),
  };
}

function createState(options: CoreOptions): CoreState {
  const policy = createPolicy(options);
  const state = new CoreState({ ...DEFAULTS, ...options, policy }, new Durations(options.profiles));
  state.ready.newestFirst = policy.newestFirst;
  state.demand = (version) => demand(state, version);
  state.explainResources = (queue) => explainResources(state, queue);
  state.analysis = new AccessAnalysis(state, {
    sharedEnded: (group) => endShared(state, group),
    commuteEnded: (group) => endCommute(state, group),
    demand: (version) => demand(state, version),
  });
  return state;
}

function apply(state: CoreState, event: SchedulerEvent): void {
  state.cause = causeCode(event.type);
  (HANDLERS[event.type] as (state: CoreState, event: SchedulerEvent) => void)(state, event);
  afterEvent(state);
}

/** What follows from an event beyond what its handler did, until nothing more follows. */
function afterEvent(state: CoreState): void {
  while (state.doomed.length + state.drained.length > 0) {
    settleDoomed(state);
    for (let attempt = state.drained.pop(); attempt !== undefined; attempt = state.drained.pop()) {
      completeDrained(state, attempt);
    }
  }
  for (let resource = state.freed.pop(); resource !== undefined; resource = state.freed.pop()) {
    resource.freed = false;
    serve(state, resource);
    if (resource.state !== 'active') settleCapacity(state, resource);
    const { stuck } = resource.class ?? {};
    if (stuck === undefined || stuck.size === 0) continue;
    for (const queue of stuck) if (queue.stuck) state.ready.release(queue);
    stuck.clear();
  }
  for (let task = state.settledEdges.pop(); task !== undefined; task = state.settledEdges.pop()) {
    forgetIfDone(state, task);
  }
  dropOrphans(state);
  emitFrees(state);
}

function emitFrees(state: CoreState): void {
  const { frees } = state.registry;
  for (let index = 0; index < frees.length; index += 2) {
    const resource = state.resources[frees[index + 1]!]!;
    state.effects.push({ type: 'free', version: frees[index] as never, resource: resource.id });
  }
  frees.length = 0;
  for (const resource of state.drainedResources) state.effects.push({ type: 'resource-drained', resource });
  state.drainedResources.length = 0;
}
