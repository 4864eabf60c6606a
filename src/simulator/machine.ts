import { writes } from '../runtime/model/access.ts';
import { NONE, SELF, type VersionId } from '../runtime/model/ids.ts';
import type { InvocationOutcome, OutputReport } from '../runtime/model/outcome.ts';
import { INLINE_BYTES, isWaiting, nearest, newPull } from './network.ts';
import type { AttemptState, Effect, Pull, SimAttempt, SimNode } from './node.ts';
import type { ModelTask } from './program.ts';
import type { SimWorld } from './world.ts';

/** What the nodes do with their orders: bring inputs, run, report. All of it in virtual time. */

// ------------------------------------------------------------------------------------------ attempts

export function launch(world: SimWorld, node: SimNode, order: Effect<'launch'>): void {
  const task = world.modelOf(order.task);
  const attempt = new Attempt(order, task, node);
  world.began(attempt);
  if (node.model.latencyMs === 0) stage(world, attempt);
  else world.in(node.model.latencyMs, attempt);
}

/** It arrives at its node first, and ends when it has run. */
class Attempt implements SimAttempt {
  readonly launch: Effect<'launch'>;
  readonly task: ModelTask;
  readonly node: SimNode;
  state: AttemptState = 'sent';
  missing = 0;
  startedAt = 0;

  constructor(order: Effect<'launch'>, task: ModelTask, node: SimNode) {
    this.launch = order;
    this.task = task;
    this.node = node;
  }

  happen(world: SimWorld): void {
    if (this.state === 'sent') stage(world, this);
    else finish(world, this);
  }
}

/** A message of the agent arrives at the node. */
function after(world: SimWorld, node: SimNode, then: () => void): void {
  if (node.model.latencyMs === 0) then();
  else world.in(node.model.latencyMs, { happen: then });
}

function stage(world: SimWorld, attempt: SimAttempt): void {
  const { node, launch: order } = attempt;
  if (!node.isAlive || attempt.state !== 'sent') return;
  attempt.state = 'staging';
  for (const version of order.inputs) {
    if (version === NONE || node.bytesOf(version) !== undefined || order.outputs.includes(version)) continue;
    if (!bring(world, attempt, version)) {
      world.tell(node, { type: 'transfer-failed', version, to: node.id, reason: 'nobody holds it' });
      end(world, attempt, { status: 'lost', reason: 'an input could not be had' });
      return;
    }
  }
  if (attempt.missing === 0) staged(world, attempt);
}

/** False when nobody has it. */
function bring(world: SimWorld, attempt: SimAttempt, version: VersionId): boolean {
  const { node } = attempt;
  const under = node.pulls.get(version);
  if (under !== undefined) {
    attempt.missing += 1;
    under.waiters.push(attempt);
    return true;
  }
  const self = world.nodes.get(SELF);
  const small = self?.bytesOf(version);
  if (small !== undefined && small <= INLINE_BYTES) {
    world.network.bytesMoved += small;
    return true;
  }
  const pull = startPull(world, node, version);
  if (pull === undefined) return false;
  attempt.missing += 1;
  pull.waiters.push(attempt);
  return true;
}

function staged(world: SimWorld, attempt: SimAttempt): void {
  attempt.state = 'staged';
  attempt.node.staged.push(attempt);
  startWhatFits(world, attempt.node);
}

function startWhatFits(world: SimWorld, node: SimNode): void {
  for (let next = node.staged[0]; next !== undefined; next = node.staged[0]) {
    const { cpus } = next.launch.booking;
    // What was sent before a node shrank runs there all the same, alone.
    if (node.freeSlots < cpus && node.freeSlots < node.model.slots) return;
    node.staged.shift();
    run(world, next, cpus);
  }
}

function run(world: SimWorld, attempt: SimAttempt, cpus: number): void {
  const { node, task, launch: order } = attempt;
  attempt.state = 'running';
  attempt.startedAt = world.now;
  node.freeSlots -= cpus;
  world.tell(node, { type: 'invocation-started', invocation: order.invocation });
  world.in(task.ms / node.model.speed, attempt);
}

function finish(world: SimWorld, attempt: SimAttempt): void {
  const { node, task, launch: order } = attempt;
  if (attempt.state !== 'running' || !node.isAlive) return;
  const outputs: OutputReport[] = [];
  let output = 0;
  for (const { direction } of task.accesses) {
    if (!writes(direction)) continue;
    const bytes = task.bytes[output] ?? 0;
    const inline = bytes <= INLINE_BYTES;
    const holder = inline ? world.nodes.get(SELF)! : node;
    holder.hold(order.outputs[output++]!, bytes);
    if (holder !== node) world.network.bytesMoved += bytes;
    outputs.push({ bytes, inline });
  }
  end(world, attempt, { status: 'completed', outputs, ranMs: world.now - attempt.startedAt });
}

function end(world: SimWorld, attempt: SimAttempt, outcome: InvocationOutcome): void {
  const { node, launch: order } = attempt;
  if (attempt.state === 'running') leaveSlots(world, attempt);
  else if (attempt.state === 'staged') node.staged.splice(node.staged.indexOf(attempt), 1);
  attempt.state = 'over';
  world.ended(attempt);
  world.tell(node, { type: 'invocation-settled', invocation: order.invocation, outcome });
  if (node.isAlive) startWhatFits(world, node);
}

function leaveSlots(world: SimWorld, { node, launch: order, startedAt }: SimAttempt): void {
  node.freeSlots += order.booking.cpus;
  node.busy += order.booking.cpus * (world.now - startedAt);
}

export function cancel(world: SimWorld, node: SimNode, { invocation }: Effect<'cancel'>): void {
  after(world, node, () => {
    const attempt = world.attempt(invocation);
    if (attempt !== undefined && node.isAlive) end(world, attempt, { status: 'cancelled' });
  });
}

export function recall(world: SimWorld, node: SimNode, { invocation }: Effect<'recall'>): void {
  after(world, node, () => {
    const attempt = world.attempt(invocation);
    if (attempt !== undefined && node.isAlive && isWaiting(attempt)) end(world, attempt, { status: 'recalled' });
  });
}

// ------------------------------------------------------------------------------------------ copies

function startPull(world: SimWorld, to: SimNode, version: VersionId): Pull | undefined {
  const from = nearest(holdersOf(world, version), to, version);
  if (from === undefined) return undefined;
  const bytes = from.bytesOf(version)!;
  const pull = newPull(version, from, to, bytes);
  to.pulls.set(version, pull);
  const end = world.network.reserve(world.now, from, to, bytes);
  world.in(end - world.now, { happen: () => endPull(world, pull) });
  return pull;
}

const holdersOf = (world: SimWorld, version: VersionId): SimNode[] =>
  world.core.holders(version).flatMap((id) => world.nodes.get(id) ?? []);

function endPull(world: SimWorld, pull: Pull): void {
  const { to, from, version, bytes, waiters } = pull;
  if (pull.isOver || !to.isAlive) return;
  pull.isOver = true;
  to.pulls.delete(version);
  const again = from.isAlive ? undefined : startPull(world, to, version);
  if (again !== undefined) {
    again.waiters.push(...waiters);
    again.isOrdered = pull.isOrdered;
    return;
  }
  if (!from.isAlive) {
    failPull(world, pull);
    return;
  }
  to.hold(version, bytes);
  world.tell(to, { type: 'replica-added', version, resource: to.id, bytes });
  for (const attempt of waiters) {
    attempt.missing -= 1;
    if (attempt.missing === 0 && attempt.state === 'staging') staged(world, attempt);
  }
}

function failPull(world: SimWorld, { to, version, waiters }: Pull): void {
  world.tell(to, { type: 'transfer-failed', version, to: to.id, reason: 'its holder died' });
  for (const attempt of waiters) {
    if (attempt.state === 'staging') end(world, attempt, { status: 'lost', reason: 'an input could not be had' });
  }
}

/** The agent wants a copy there. */
export function transfer(world: SimWorld, to: SimNode, { version }: Effect<'transfer'>): void {
  const pull = to.pulls.get(version) ?? startPull(world, to, version);
  if (pull === undefined) world.tell(to, { type: 'transfer-failed', version, to: to.id, reason: 'nobody holds it' });
  else pull.isOrdered = true;
}

export function cancelTransfer(to: SimNode, { version }: Effect<'cancel-transfer'>): void {
  const pull = to.pulls.get(version);
  if (pull === undefined || pull.waiters.length > 0) return;
  pull.isOver = true;
  to.pulls.delete(version);
}

// ------------------------------------------------------------------------------------------ the end of a node

export function kill(world: SimWorld, node: SimNode): void {
  node.isAlive = false;
  for (const attempt of world.attemptsOn(node)) {
    if (attempt.state === 'running') leaveSlots(world, attempt);
    attempt.state = 'over';
    world.ended(attempt);
  }
  node.dropAll();
  node.pulls.clear();
  node.staged.length = 0;
}
