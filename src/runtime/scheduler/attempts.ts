import type { ErrorInfo } from '../../common/errors.ts';
import { addHolder, need, resolved } from '../data/registry.ts';
import type { Failure } from '../graph/failure.ts';
import { ALIAS } from '../graph/version-rows.ts';
import { type Handle, NONE, SELF } from '../model/ids.ts';
import type { InvocationOutcome, OutputReport } from '../model/outcome.ts';
import { complete, fail, failureOf, makeReady, wrote } from './ends.ts';
import { BOOKED, PARKED, RESUMING } from './invocation-rows.ts';
import { move } from './moves.ts';
import type { Resource } from './resources.ts';
import { childScopeOf } from './scopes.ts';
import type { CoreState } from './state.ts';
import { ASSIGNED, CANCELLING, RUNNING, SUSPENDED } from './transitions.ts';
import { groupThrew } from './waits.ts';

/** COMPSs: two tries on each of two resources (spec 3.5). */
const MAX_FAILURES = 4;
const FAILURES_PER_RESOURCE = 2;

export function linkAttempt(state: CoreState, resource: Resource, attempt: number): void {
  const { invocations } = state;
  invocations.next[attempt] = resource.attempts;
  invocations.previous[attempt] = NONE;
  if (resource.attempts !== NONE) invocations.previous[resource.attempts] = attempt;
  resource.attempts = attempt;
  resource.attemptCount += 1;
}

/** The attempt is over: its units are free, its row may be used again. */
export function endAttempt(state: CoreState, attempt: number): void {
  const { invocations } = state;
  const resource = state.resourceRows[invocations.resource[attempt]!]!;
  if (invocations.state[attempt] === BOOKED) resource.unbook(attempt, state.needs[invocations.need[attempt]!]!);
  const waiting = resource.resuming.indexOf(attempt);
  if (waiting >= 0) resource.resuming.splice(waiting, 1);
  const [before, after] = [invocations.previous[attempt]!, invocations.next[attempt]!];
  if (before === NONE) resource.attempts = after;
  else invocations.next[before] = after;
  if (after !== NONE) invocations.previous[after] = before;
  resource.attemptCount -= 1;
  state.tasks.invocation[invocations.task[attempt]!] = NONE;
  invocations.release(attempt);
  state.dirty = true;
}

export function started(state: CoreState, attempt: number): void {
  const task = state.invocations.task[attempt]!;
  if (state.tasks.status[task] === ASSIGNED) move(state, task, RUNNING);
}

export function suspended(state: CoreState, attempt: number): void {
  const { invocations, tasks } = state;
  const task = invocations.task[attempt]!;
  if (invocations.state[attempt] !== BOOKED) return;
  const resource = state.resourceRows[invocations.resource[attempt]!]!;
  invocations.state[attempt] = PARKED;
  resource.unbook(attempt, state.needs[invocations.need[attempt]!]!);
  state.dirty = true;
  started(state, attempt);
  if (tasks.status[task] === RUNNING) move(state, task, SUSPENDED);
}

export function resumeRequested(state: CoreState, attempt: number): void {
  const { invocations } = state;
  if (invocations.state[attempt] !== PARKED) return;
  invocations.state[attempt] = RESUMING;
  state.resourceRows[invocations.resource[attempt]!]!.resuming.push(attempt);
  state.dirty = true;
}

/** Before ready tasks, first come first served. */
export function resumeWaiting(state: CoreState): void {
  for (const resource of state.resourceRows) {
    for (let attempt = resource.resuming[0]; attempt !== undefined; attempt = resource.resuming[0]) {
      if (!resource.fits(state.needs[state.invocations.need[attempt]!]!)) break;
      resource.resuming.shift();
      rebook(state, attempt);
      state.emit({ type: 'resume', invocation: state.invocations.idOf(attempt) as never, resource: resource.id });
    }
  }
}

/** Also over capacity, when a peer has resumed by itself. */
export function rebook(state: CoreState, attempt: number): void {
  const { invocations } = state;
  if (invocations.state[attempt] === BOOKED) return;
  const resource = state.resourceRows[invocations.resource[attempt]!]!;
  const waiting = resource.resuming.indexOf(attempt);
  if (waiting >= 0) resource.resuming.splice(waiting, 1);
  invocations.state[attempt] = BOOKED;
  resource.book(attempt, state.needs[invocations.need[attempt]!]!);
  const task = invocations.task[attempt]!;
  if (state.tasks.status[task] === SUSPENDED) move(state, task, RUNNING);
}

/** An attempt has ended. */
export function settled(state: CoreState, attempt: number, outcome: InvocationOutcome): void {
  const { invocations, tasks } = state;
  const task = invocations.task[attempt]!;
  const resource = state.resourceRows[invocations.resource[attempt]!]!;
  const child = childScopeOf(state, attempt);
  if (outcome.status === 'completed' || outcome.status === 'exception')
    bindOutputs(state, task, resource, outcome.outputs, child);
  const wasCancelling = tasks.status[task] === CANCELLING;
  if (outcome.status !== 'recalled' && !wasCancelling) started(state, attempt);
  endAttempt(state, attempt);
  if (child !== undefined)
    state.rules.childEnded(child, outcome.status === 'completed' || outcome.status === 'exception');
  if (wasCancelling) {
    fail(state, task, cancelledFailure(state, task, 'it was cancelled while it ran'));
    return;
  }
  finish(state, task, resource, outcome);
}

function finish(state: CoreState, task: number, resource: Resource, outcome: InvocationOutcome): void {
  switch (outcome.status) {
    case 'completed':
      writeOutputs(state, task);
      complete(state, task);
      break;
    case 'exception':
      throwInGroups(state, task, outcome.error);
      writeOutputs(state, task);
      complete(state, task);
      break;
    case 'failed':
      failed(state, task, resource, outcome.error);
      break;
    case 'lost':
      lost(state, task, resource, outcome.reason);
      break;
    case 'cancelled':
      fail(state, task, cancelledFailure(state, task, 'its node stopped it'));
      break;
    case 'recalled':
      makeReady(state, task);
      break;
  }
}

/** Where the outputs are; they become readable with `writeOutputs`. */
function bindOutputs(
  state: CoreState,
  task: number,
  resource: Resource,
  outputs: readonly OutputReport[],
  child: ReturnType<typeof childScopeOf>,
): void {
  const { tasks, versions } = state;
  for (let position = 0; position < tasks.outputs[task]!; position++) {
    const version = tasks.output(task, position);
    const report = outputs[position];
    if (report?.delegatedTo !== undefined) {
      delegate(state, version, child, report.delegatedTo);
      continue;
    }
    versions.bytes[version] = report?.bytes ?? 0;
    const holder = report?.inline === true ? state.resources.get(SELF)! : resource;
    if (report !== undefined) addHolder(state, version, holder.row);
  }
}

/** The task returned a future of its own child: its output is another name of that datum. */
function delegate(state: CoreState, version: number, child: ReturnType<typeof childScopeOf>, handle: Handle): void {
  const datum = child?.handles.get(handle) ?? NONE;
  const latest = datum === NONE ? NONE : state.data.latest[datum]!;
  if (latest === NONE) return;
  const target = resolved(state, latest);
  need(state, target);
  state.versions.target[version] = target;
  state.versions.flags[version]! |= ALIAS;
}

function writeOutputs(state: CoreState, task: number, empty = false): void {
  const { tasks, versions } = state;
  for (let position = 0; position < tasks.outputs[task]!; position++) {
    const version = tasks.output(task, position);
    wrote(state, version, empty || (versions.holder[version] === NONE && (versions.flags[version]! & ALIAS) === 0));
  }
}

function failed(state: CoreState, task: number, resource: Resource, error: ErrorInfo): void {
  const { tasks } = state;
  const onFailure = tasks.spec[task]!.onFailure ?? 'RETRY';
  tasks.failures[task]! += 1;
  if (onFailure === 'RETRY' && tasks.failures[task]! < MAX_FAILURES) {
    tasks.avoid[task] = tasks.failures[task]! >= FAILURES_PER_RESOURCE ? resource.row : NONE;
    makeReady(state, task);
  } else if (onFailure === 'IGNORE') {
    writeOutputs(state, task, true);
    complete(state, task);
  } else {
    fail(
      state,
      task,
      failureOf(state, task, taskError(state, task, resource, error), onFailure === 'CANCEL_SUCCESSORS'),
    );
  }
}

/** Time-outs speak for themselves; everything else is told with task and node in front. */
function taskError(state: CoreState, task: number, resource: Resource, cause: ErrorInfo): ErrorInfo {
  if (cause.code === 'ERR_TASK_TIMED_OUT') return cause;
  const [name, signature, node] = [state.taskName(task), state.signature(task), resource.description.name];
  return {
    code: 'ERR_TASK_FAILED',
    message: `Task ${name} (${signature}) failed on ${node}: ${cause.message}`,
    details: { task: name, signature, node, reason: cause.message },
    cause,
  };
}

export function lost(state: CoreState, task: number, resource: Resource, reason: string): void {
  const { tasks } = state;
  tasks.losses[task]! += 1;
  state.counts.rerun += 1;
  if (tasks.losses[task]! <= state.maxLosses) {
    tasks.avoid[task] = resource.row;
    makeReady(state, task);
    return;
  }
  const [name, signature, node] = [state.taskName(task), state.signature(task), resource.description.name];
  const message = `Task ${name} (${signature}) was lost ${tasks.losses[task]} times; last on ${node}: ${reason}`;
  const details = { task: name, signature, node, reason, losses: tasks.losses[task]! };
  fail(state, task, failureOf(state, task, { code: 'ERR_TASK_LOST', message, details }, false));
}

export function cancelledFailure(state: CoreState, task: number, reason: string): Failure {
  const [name, signature] = [state.taskName(task), state.signature(task)];
  const message = `Task ${name} (${signature}) was cancelled: ${reason}`;
  return {
    status: 'cancelled',
    error: { code: 'ERR_TASK_CANCELLED', message, details: { reason } },
    origin: state.taskId(task),
    expected: true,
  };
}

/** COMPSsException: the other members of its groups are cancelled, and waits for them throw. */
function throwInGroups(state: CoreState, task: number, error: ErrorInfo): void {
  const scope = state.tasks.scope[task]!;
  for (const id of state.tasks.spec[task]!.groups ?? []) {
    for (let group = scope.groups.get(id); group !== undefined; group = group.parent) {
      group.exception ??= error;
      for (const member of [...group.members])
        if (member !== task) state.rules.cancelTask(member, `task ${state.taskName(task)} of its group threw`);
    }
  }
  groupThrew(state, scope);
}
