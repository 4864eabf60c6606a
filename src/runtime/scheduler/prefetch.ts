import { NONE } from '../model/ids.ts';
import { hostsOf } from './hosts.ts';
import { CANCEL_SENT, RECALL_SENT } from './invocation-rows.ts';
import type { Resource } from './resources.ts';
import type { CoreState } from './state.ts';

/** Work of so many milliseconds may wait on each slot: long enough to hide a hop, short enough to share and cancel. */
const QUEUED_MS = 3;
/** Longer tasks gain nothing from waiting on the node itself; from waiting on another they gain their transfers. */
const LONG_MS = 5;
const MOST_PER_SLOT = 256;
/** Behind a link a batch is on its way for longer than its tasks run. */
const MOST_BEHIND_LINK = 1024;

/** How many attempts of such tasks may wait on one slot of a resource. */
export function roomPerSlot(mean: number, self: boolean): number {
  const behind = self ? 0 : 1;
  if (Number.isNaN(mean) || mean > LONG_MS) return behind;
  return Math.min(self ? MOST_PER_SLOT : MOST_BEHIND_LINK, Math.max(1, Math.ceil(QUEUED_MS / mean)));
}

/** Asks for everything back that a resource has not started. */
export function recallAll(state: CoreState, resource: Resource): void {
  for (let attempt = resource.queueTail; attempt !== NONE; attempt = state.invocations.queuePrevious[attempt]!) {
    recall(state, resource, attempt);
  }
}

function recall(state: CoreState, resource: Resource, attempt: number): boolean {
  const { flags } = state.invocations;
  if ((flags[attempt]! & (RECALL_SENT | CANCEL_SENT)) !== 0) return false;
  flags[attempt]! |= RECALL_SENT;
  state.recalling += 1;
  state.effects.push({ type: 'recall', invocation: state.invocationId(attempt), resource: resource.id });
  return true;
}

/** Nothing ready can use the slots that are free: what waits elsewhere can, if its wait is worth the way back. */
export function recallForIdle(state: CoreState): void {
  if (!isAnyIdle(state)) return;
  for (const resource of [...state.queuedOn].sort((a, b) => b.queued - a.queued || a.row - b.row)) {
    for (let attempt = resource.queueTail; attempt !== NONE; attempt = state.invocations.queuePrevious[attempt]!) {
      if (!isWorthwhile(state, resource, attempt)) break;
      if (state.recalling >= idleSlots(state, attempt)) return;
      recall(state, resource, attempt);
    }
  }
}

function isAnyIdle({ resourceClasses }: CoreState): boolean {
  for (const one of resourceClasses.values()) if (one.least(one.cpus - 1) !== undefined) return true;
  return false;
}

/** The last one of the queue has more than a hop's time to wait. */
function isWorthwhile(state: CoreState, resource: Resource, attempt: number): boolean {
  const { invocations, tasks, durations } = state;
  const mean = durations.mean(tasks.core[invocations.task[attempt]!]!, invocations.implementation[attempt]!);
  if (Number.isNaN(mean)) return true;
  return (mean * resource.queued) / Math.max(1, resource.cpus) >= LONG_MS;
}

/** Free slots that could run the task of this attempt; counted up to the recalls that are under way. */
function idleSlots(state: CoreState, attempt: number): number {
  const { invocations, tasks, needs } = state;
  const need = needs.all[invocations.need[attempt]!]!;
  const queue = state.ready.plain(tasks.core[invocations.task[attempt]!]!, false);
  let slots = 0;
  for (const host of hostsOf(state, queue)) {
    const last = host.class.cpus - need.cpus;
    for (let one = host.class.least(last); one !== undefined; one = host.class.after(one, last)) {
      if (one.fits(need)) slots += Math.floor(one.freeCpus / Math.max(1, need.cpus));
      if (slots > state.recalling) return slots;
    }
  }
  return slots;
}
