import { RuntimeError } from '../../common/errors.ts';
import { errorInfo } from '../graph/access-analysis.ts';
import { NONE } from '../model/ids.ts';
import { assign } from './attempts.ts';
import type { Choice } from './choice.ts';
import { lockedGroup } from './commute-groups.ts';
import { waitsForInputs } from './ends.ts';
import { assignGang, gangPlaces } from './gangs.ts';
import { compatible, hostsOf } from './hosts.ts';
import { taskName } from './names.ts';
import type { Placement } from './placement.ts';
import { recallForIdle, roomPerSlot } from './prefetch.ts';
import type { ReadyClass } from './ready-class.ts';
import type { CoreState } from './state.ts';

/** Tasks of one queue that are looked at for one whose data is held where there is room. */
const WINDOW = 16;
/** Times that the first task of a queue may be passed over for another one's data. */
const MOST_PASSED = 64;

/** Gives ready tasks to resources that have room, best first, until none fits. Called once a step. */
export function schedule(state: CoreState, placement: Placement): void {
  const { ready } = state;
  for (let queue = ready.peek(); queue !== undefined; queue = ready.peek()) {
    if (placeFirst(state, queue, placement)) continue;
    if (state.settings.policy.strict && blocksOthers(state, queue)) break;
    stick(state, queue);
  }
  if (state.queued > 0) recallForIdle(state);
}

/** Without overtaking, all wait for what waits for units; not for what waits for other tasks, or for a resource to join. */
const blocksOthers = (state: CoreState, queue: ReadyClass): boolean =>
  queue.speciality.locks.length === 0 && queue.speciality.shared.length === 0 && canEverRun(state, queue);

/** Places one task of the queue; false when none of them fits anywhere now. */
function placeFirst(state: CoreState, queue: ReadyClass, placement: Placement): boolean {
  const { speciality } = queue;
  const first = state.ready.first(queue);
  if (speciality.locks.length > 0) {
    if (lockedGroup(state, queue) !== undefined) return false;
    if (tailLost(state, queue, first)) return true;
  }
  if (speciality.nodes !== 1) return placeGang(state, queue, first);
  const choice = placement.startNow(queue, first);
  if (choice === undefined) return sendAhead(state, queue, first, placement);
  const task = placement.holdsElsewhere(choice) ? closest(state, queue, first, placement) : first;
  const place = task === first && queue.passed === 0 ? choice : placement.startNow(queue, task)!;
  queue.passed = task === first ? 0 : queue.passed + 1;
  assign(state, queue, task, { resource: place.resource!, implementation: place.implementation, ahead: false });
  return true;
}

/** A task near the front whose data is held where there is room; else the first one. */
function closest(state: CoreState, queue: ReadyClass, first: number, placement: Placement): number {
  if (queue.size === 1 || queue.passed >= MOST_PASSED) return first;
  const { newestFirst } = state.ready;
  let task = first;
  for (let looked = 1; looked < WINDOW; looked++) {
    task = newestFirst ? state.tasks.previous[task]! : state.tasks.next[task]!;
    if (task === NONE) return first;
    if (placement.canStartAtData(queue, task)) return task;
  }
  return first;
}

function placeGang(state: CoreState, queue: ReadyClass, task: number): boolean {
  const places = gangPlaces(state, queue);
  if (places === undefined) return false;
  assignGang(state, queue, task, places);
  return true;
}

/** Behind what runs, where that is short; never past tasks that cannot be sent ahead themselves. */
function sendAhead(state: CoreState, queue: ReadyClass, task: number, placement: Placement): boolean {
  if (!queue.sendable) return false;
  const mean = state.durations.mean(queue.core, 0);
  const rooms = { self: roomPerSlot(mean, true), other: roomPerSlot(mean, false) };
  if (rooms.self === 0 && rooms.other === 0) return false;
  for (const host of hostsOf(state, queue)) {
    for (const other of host.class.stuck) if (!other.sendable && other.stuck && other.size > 0) return false;
  }
  const choice: Choice | undefined = placement.sendAhead(queue, task, ({ self }) => (self ? rooms.self : rooms.other));
  if (choice === undefined) return false;
  assign(state, queue, task, { resource: choice.resource!, implementation: choice.implementation, ahead: true });
  return true;
}

/** The version that a COMMUTATIVE member would read is gone: it waits until it is written again. */
function tailLost(state: CoreState, queue: ReadyClass, task: number): boolean {
  const { registry } = state;
  const gone = (state.commuting.get(task) ?? []).some(({ group }) => {
    const tail = registry.resolve(group.tail);
    return registry.isLost(tail) || registry.isPending(tail) || registry.failures.has(tail);
  });
  if (!gone) return false;
  state.ready.remove(task);
  if (!waitsForInputs(state, task)) state.ready.push(queue, task, true);
  return true;
}

/** Not looked at again until there is room, the lock is free, or resources change. */
function stick(state: CoreState, queue: ReadyClass): void {
  state.ready.withdraw(queue);
  queue.stuck = true;
  const locked = queue.speciality.locks.length > 0 ? lockedGroup(state, queue) : undefined;
  if (locked !== undefined) {
    locked.stuck.add(queue);
    return;
  }
  for (const version of queue.speciality.shared) state.shared.get(version)?.stuck.add(queue);
  for (const host of hostsOf(state, queue)) host.class.stuck.add(queue);
  if (state.resources.length > 0 && !canEverRun(state, queue)) notice(state, queue);
}

function canEverRun(state: CoreState, queue: ReadyClass): boolean {
  if (hostsOf(state, queue).length === 0) return false;
  if (queue.named === undefined && queue.speciality.nodes <= 1) return true;
  return compatible(state, queue).length >= Math.max(1, queue.speciality.nodes);
}

/** Told once to each submitter. The tasks go on waiting, since a resource may join. */
function notice(state: CoreState, queue: ReadyClass): void {
  let looked = 0;
  for (let task = queue.head; task !== NONE && looked < WINDOW; task = state.tasks.next[task]!, looked++) {
    const scope = state.tasks.scope[task]!.id;
    if (queue.noticed.has(scope)) continue;
    queue.noticed.add(scope);
    const constraints = queue.needs.map((need) => JSON.stringify(need.constraints)).join(' or ');
    const reasons = state
      .explainResources(queue)
      .map(({ name, reason }) => `${name}: ${reason}`)
      .join('; ');
    const nodes = queue.speciality.nodes > 1 ? ` on ${queue.speciality.nodes} nodes at once` : '';
    const details = {
      task: taskName(state.taskId(task)),
      signature: state.signature(task),
      constraints: `${constraints}${nodes}`,
      reasons,
    };
    const error = errorInfo(new RuntimeError('ERR_UNSCHEDULABLE', details));
    state.effects.push({ type: 'notice', scope, error });
  }
}
