import { type ErrorInfo, RuntimeError } from '../../common/errors.ts';
import { errorInfo } from '../graph/access-analysis.ts';
import { NONE } from '../model/ids.ts';
import type { InvocationOutcome, TaskOutcome } from '../model/outcome.ts';
import { attemptSuspended, consumeInputs, endAttempt, MAX_FAILURES, resourceOf, undoAttempt } from './attempts.ts';
import { cancelChildren, cancelGroup, cancelledFailure, closeScope, stopAttempt } from './cancellation.ts';
import { complete, completeUnrecorded, endUnwritten, makeReadyAgain } from './ends.ts';
import { ownFailure } from './failures.ts';
import { BROKEN, CANCEL_SENT, IN_PLACE, QUEUED, STARTED } from './invocation-rows.ts';
import { taskName } from './names.ts';
import {
  addCopies,
  copiesLost,
  discardOutputs,
  dropCopies,
  keepOutputs,
  spoilInputs,
  writeCopies,
  writeNothing,
  writeOutputs,
} from './outputs.ts';
import { reviewInstances } from './recompute.ts';
import { keepForReplay, reportCompleted } from './replay.ts';
import type { Resource } from './resources.ts';
import { orphan } from './scope-ends.ts';
import type { CompletedOutcome, CoreState } from './state.ts';
import { SHARES } from './task-rows.ts';
import { CANCELLING } from './transitions.ts';

const isCompleted = (outcome: InvocationOutcome): outcome is CompletedOutcome =>
  outcome.status === 'completed' || outcome.status === 'exception';

/** What a resource says at the end of an attempt, or what is said for a resource that was lost. */
export function attemptSettled(state: CoreState, attempt: number, outcome: InvocationOutcome): void {
  const task = state.invocations.task[attempt]!;
  if (isCompleted(outcome) && state.tasks.status[task] !== CANCELLING && awaitsChildren(state, attempt, outcome))
    return;
  const held = state.draining.get(attempt);
  if (held !== undefined) {
    state.draining.delete(attempt);
    if (held !== outcome) discardOutputs(state, task, resourceOf(state, attempt), held.outputs);
  }
  if (state.copies.has(task)) copySettled(state, task, attempt, outcome);
  else settleAlone(state, task, attempt, outcome);
}

/** Its code has ended, but not what it submitted: it waits for that without its units. */
function awaitsChildren(state: CoreState, attempt: number, outcome: CompletedOutcome): boolean {
  const children = state.children.get(attempt);
  if (children === undefined) return false;
  for (const scope of children) if (!scope.closed) closeScope(state, scope, undefined);
  if (children.every((scope) => scope.ended)) return false;
  attemptSuspended(state, attempt);
  state.draining.set(attempt, outcome);
  return true;
}

/** The children have ended, or the attempt is to be stopped: its resource has no more to say of it. */
export function completeDrained(state: CoreState, attempt: number): void {
  const outcome = state.draining.get(attempt);
  if (outcome === undefined) return;
  if ((state.invocations.flags[attempt]! & CANCEL_SENT) !== 0) attemptSettled(state, attempt, { status: 'cancelled' });
  else if (state.children.get(attempt)!.every((scope) => scope.ended)) attemptSettled(state, attempt, outcome);
}

function settleAlone(state: CoreState, task: number, attempt: number, outcome: InvocationOutcome): void {
  const resource = resourceOf(state, attempt);
  const wasSent = state.invocations.state[attempt] !== QUEUED;
  if ((state.invocations.flags[attempt]! & IN_PLACE) !== 0 && !isCompleted(outcome)) {
    if (wasSent) spoilInputs(state, task, resource);
    consumeInputs(state, task, false);
  }
  if (state.tasks.status[task] === CANCELLING) {
    if (isCompleted(outcome)) discardOutputs(state, task, resource, outcome.outputs);
    leaveAttempt(state, task, attempt, false);
    undoAttempt(state, task);
    endUnwritten(state, task, cancelledFailure(state, task));
    return;
  }
  noteDuration(state, attempt, outcome);
  if (isCompleted(outcome)) {
    completeAlone(state, task, attempt, outcome);
    return;
  }
  const broken = (state.invocations.flags[attempt]! & BROKEN) !== 0;
  leaveAttempt(state, task, attempt, false);
  undoAttempt(state, task);
  notCompleted(state, task, resource, { outcome: broken ? NODE_LOST : outcome, wasSent });
}

const NODE_LOST: InvocationOutcome = { status: 'lost', reason: 'another node of the task was lost' };

function completeAlone(state: CoreState, task: number, attempt: number, outcome: CompletedOutcome): void {
  const failure = writeOutputs(state, task, attempt, outcome.outputs);
  if (failure !== undefined) discardOutputs(state, task, resourceOf(state, attempt), outcome.outputs);
  leaveAttempt(state, task, attempt, true);
  if (failure === undefined) {
    finishTask(state, task, outcome);
    return;
  }
  undoAttempt(state, task);
  endUnwritten(state, task, failure);
}

/** The attempt is gone; the scopes that it submitted to go with it. */
function leaveAttempt(state: CoreState, task: number, attempt: number, completed: boolean): void {
  const children = state.children.get(attempt);
  if (children !== undefined) {
    if (!completed) {
      keepForReplay(state, task, children);
      cancelChildren(state, attempt);
    }
    state.children.delete(attempt);
    for (const scope of children) orphan(state, scope);
  }
  endAttempt(state, attempt);
  if ((state.tasks.flags[task]! & SHARES) !== 0) reviewInstances(state, task);
}

function noteDuration(state: CoreState, attempt: number, outcome: InvocationOutcome): void {
  if (outcome.status !== 'completed') return;
  const { invocations } = state;
  const ran = outcome.ranMs ?? startedFor(state, attempt);
  if (ran === undefined) return;
  state.durations.ran(state.tasks.core[invocations.task[attempt]!]!, invocations.implementation[attempt]!, ran);
}

function startedFor(state: CoreState, attempt: number): number | undefined {
  const started = (state.invocations.flags[attempt]! & STARTED) !== 0;
  return started ? state.at - state.invocations.startedAt[attempt]! : undefined;
}

// ------------------------------------------------------------------------------------------ completed

function finishTask(state: CoreState, task: number, outcome: CompletedOutcome): void {
  if (outcome.status === 'exception') throwInGroups(state, task, outcome.error);
  else if (state.settings.reportCompleted) reportCompleted(state, task);
  state.completion = completion(outcome);
  complete(state, task);
  state.completion = undefined;
}

function completion(outcome: CompletedOutcome): TaskOutcome | undefined {
  if (outcome.status === 'exception') return { status: 'completed', exception: outcome.error };
  return outcome.ranMs === undefined ? undefined : { status: 'completed', ranMs: outcome.ranMs };
}

/** COMPSsException: the other members of its groups are cancelled, and waits for the groups throw it. */
function throwInGroups(state: CoreState, task: number, error: ErrorInfo): void {
  const scope = state.tasks.scope[task]!;
  const reason = `${taskName(state.taskId(task))} of its group threw: ${error.message}`;
  for (const id of state.tasks.spec[task]!.groups ?? []) {
    for (let group = scope.groups.get(id); group !== undefined; group = group.parent) {
      group.exception ??= error;
      cancelGroup(state, group, reason, task);
    }
  }
}

// ------------------------------------------------------------------------------------------ not completed

interface Ended {
  readonly outcome: InvocationOutcome;
  /** False: it only waited in the queue of its resource. */
  readonly wasSent: boolean;
}

function notCompleted(state: CoreState, task: number, resource: Resource, { outcome, wasSent }: Ended): void {
  switch (outcome.status) {
    case 'failed':
      attemptFailed(state, task, resource, outcome.error);
      break;
    case 'lost':
      if (wasSent) attemptLost(state, task, resource, outcome.reason);
      else makeReadyAgain(state, task);
      break;
    case 'recalled':
      makeReadyAgain(state, task);
      break;
    default:
      endUnwritten(state, task, cancelledFailure(state, task));
  }
}

function attemptFailed(state: CoreState, task: number, resource: Resource, error: ErrorInfo): void {
  const { tasks } = state;
  const onFailure = tasks.spec[task]!.onFailure ?? 'RETRY';
  const failures = tasks.failures[task]! + 1;
  tasks.failures[task] = failures;
  if (onFailure === 'RETRY' && failures < MAX_FAILURES) {
    // Twice on one resource, then twice on another.
    const again = failures % 2 === 1;
    tie(state, task, again ? resource.row : NONE, again ? tasks.avoid[task]! : resource.row);
    makeReadyAgain(state, task);
    return;
  }
  if (onFailure === 'IGNORE') {
    writeNothing(state, task);
    completeUnrecorded(state, task);
    return;
  }
  const told = toldError(state, task, resource, error);
  const failure = ownFailure(state, task, { status: 'failed', error: told, expected: false });
  if (onFailure === 'CANCEL_SUCCESSORS') {
    const expected = { ...failure, expected: true };
    endUnwritten(state, task, expected, { ...expected, status: 'cancelled' });
  } else {
    endUnwritten(state, task, failure);
  }
}

/** The user's error, with what the user needs to find it. */
function toldError(state: CoreState, task: number, resource: Resource, error: ErrorInfo): ErrorInfo {
  const node = resource.description.name;
  const details = { task: taskName(state.taskId(task)), signature: state.signature(task), node };
  return { ...error, details: { ...error.details, ...details } };
}

function attemptLost(state: CoreState, task: number, resource: Resource, reason: string): void {
  const { tasks } = state;
  const losses = tasks.losses[task]! + (wantsInput(state, task, resource) ? 0 : 1);
  tasks.losses[task] = losses;
  if (losses > state.settings.maxLosses) {
    const details = { task: taskName(state.taskId(task)), signature: state.signature(task), losses, reason };
    const error = errorInfo(new RuntimeError('ERR_TASK_LOST', { ...details, node: resource.description.name }));
    endUnwritten(state, task, ownFailure(state, task, { status: 'failed', error, expected: false }));
    return;
  }
  state.rerun += 1;
  tie(state, task, NONE, resource.state === 'gone' ? tasks.avoid[task]! : resource.row);
  makeReadyAgain(state, task);
}

/**
 * The attempt ended for want of an input, whose holder may be gone and is not yet known to be: no fault of the task. What
 * cannot be had is written again after some failures in a row; where that is of no use, that failure counts.
 */
function wantsInput(state: CoreState, task: number, resource: Resource): boolean {
  const { tasks, registry } = state;
  if (resource.state === 'gone') return false;
  for (let position = 0; position < tasks.inputs[task]!; position++) {
    const input = tasks.input(task, position);
    if (input === NONE) continue;
    const version = registry.resolve(input);
    if (state.missed.delete(version) || registry.isPending(version) || registry.isLost(version)) return true;
  }
  return false;
}

/** A task that shares an instance goes where that is. */
function tie(state: CoreState, task: number, pin: number, avoid: number): void {
  const { tasks } = state;
  const spec = tasks.spec[task]!;
  if ((tasks.flags[task]! & SHARES) !== 0 || (spec.computingNodes ?? 1) > 1 || spec.isReplicated === true) return;
  tasks.pin[task] = pin !== NONE && state.resources[pin]!.state === 'active' ? pin : NONE;
  tasks.avoid[task] = avoid === tasks.pin[task] ? NONE : avoid;
}

// ------------------------------------------------------------------------------------------ one attempt on every node

/** Completed when all have; the first failure stops the others and counts for the task. Lost ones are done without. */
function copySettled(state: CoreState, task: number, attempt: number, outcome: InvocationOutcome): void {
  const copies = state.copies.get(task)!;
  copies.splice(copies.indexOf(attempt), 1);
  const resource = resourceOf(state, attempt);
  let results = state.copyResults.get(task);
  if (results === undefined) {
    results = { completed: 0, reports: [], kept: [], other: undefined };
    state.copyResults.set(task, results);
  }
  noteDuration(state, attempt, outcome);
  const isFailed = outcome.status === 'failed';
  if (isCompleted(outcome)) {
    if (results.completed++ === 0) {
      results.reports = outcome.outputs;
      results.kept = keepOutputs(state, task);
    }
    addCopies(state, task, attempt, outcome.outputs);
  } else {
    // What its code did counts before what became of a node.
    if (results.other === undefined || (isFailed && results.other.outcome.status !== 'failed')) {
      results.other = { outcome, resource };
    }
    if (isFailed) for (const other of copies) stopAttempt(state, other, 'another copy failed');
  }
  leaveAttempt(state, task, attempt, isCompleted(outcome));
  if (copies.length === 0) {
    allCopiesSettled(state, task, outcome, resource);
    for (const version of results.kept) state.registry.unneed(version);
  } else state.tasks.invocation[task] = copies[0]!;
}

function allCopiesSettled(state: CoreState, task: number, last: InvocationOutcome, resource: Resource): void {
  const { completed, reports, other } = state.copyResults.get(task)!;
  state.copies.delete(task);
  state.copyResults.delete(task);
  if (state.tasks.status[task] === CANCELLING) {
    dropCopies(state, task);
    endUnwritten(state, task, cancelledFailure(state, task));
    return;
  }
  const isMade = completed > 0 && other?.outcome.status !== 'failed';
  if (isMade && !copiesLost(state, task, reports)) {
    writeCopies(state, task);
    finishTask(state, task, isCompleted(last) ? last : { status: 'completed', outputs: [] });
    return;
  }
  dropCopies(state, task);
  const outcome = isMade || other === undefined ? NODE_LOST : other.outcome;
  notCompleted(state, task, other?.resource ?? resource, { outcome, wasSent: true });
}
