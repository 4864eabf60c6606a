import { RuntimeError } from '../../common/errors.ts';
import { errorInfo } from '../graph/access-analysis.ts';
import type { Failure } from '../graph/failure.ts';
import { EMPTY, SHARED } from '../graph/version-rows.ts';
import { writes } from '../model/access.ts';
import { type Handle, NONE } from '../model/ids.ts';
import type { OutputReport } from '../model/outcome.ts';
import { resourceOf } from './attempts.ts';
import { advanceTails } from './commute-groups.ts';
import { aliasVersion, writeVersion } from './ends.ts';
import { consequence } from './failures.ts';
import type { Resource } from './resources.ts';
import type { CoreState } from './state.ts';
import { LOCKED } from './task-rows.ts';

/** Where an output is: with this agent when its value came with the report, else where the task ran. */
const holderOf = (state: CoreState, resource: Resource, report: OutputReport): number =>
  report.inline && state.registry.self !== NONE ? state.registry.self : resource.row;

/**
 * The outputs of a completed attempt become readable. Gives a failure instead, and writes nothing, when the task has
 * handed on the future of a task that did not complete.
 */
export function writeOutputs(
  state: CoreState,
  task: number,
  attempt: number,
  reports: readonly OutputReport[],
): Failure | undefined {
  const { tasks, registry } = state;
  const count = tasks.outputs[task]!;
  const targets = reports.some((report) => report.delegatedTo !== undefined)
    ? delegations(state, task, attempt, reports)
    : undefined;
  if (targets !== undefined && 'status' in targets) return targets;
  if ((tasks.flags[task]! & LOCKED) !== 0) advanceTails(state, task);
  const resource = resourceOf(state, attempt);
  for (let position = 0; position < count; position++) {
    const version = tasks.output(task, position);
    const report = reports[position];
    const target = targets?.[position] ?? NONE;
    if (target !== NONE) aliasVersion(state, version, target);
    else if (report === undefined) writeEmpty(state, version);
    else if (registry.is(version, SHARED))
      writeInstance(state, version, holderOf(state, resource, report), report.bytes);
    else {
      registry.addHolder(version, holderOf(state, resource, report));
      writeVersion(state, version, report.bytes);
    }
  }
  return undefined;
}

function writeEmpty(state: CoreState, version: number): void {
  if (state.registry.is(version, SHARED)) return;
  state.registry.versions.flags[version]! |= EMPTY;
  writeVersion(state, version, 0);
}

/** A member has changed the instance: copies made before are stale. It is read when all members have settled. */
function writeInstance(state: CoreState, version: number, holder: number, bytes: number): void {
  const { registry } = state;
  for (const other of registry.holdersOf(version)) if (other !== holder) registry.evict(version, other);
  registry.addHolder(version, holder);
  registry.versions.bytes[version] = bytes;
}

/** The versions that stand for the outputs, or NONE for those that were written. */
function delegations(
  state: CoreState,
  task: number,
  attempt: number,
  reports: readonly OutputReport[],
): readonly number[] | Failure {
  const { registry } = state;
  const targets: number[] = [];
  for (const report of reports) {
    const target = report.delegatedTo === undefined ? NONE : childVersion(state, attempt, report.delegatedTo);
    if (report.delegatedTo !== undefined && target === NONE) {
      const error = errorInfo(new RuntimeError('ERR_DATA_UNWRITTEN', { datum: `of handle ${report.delegatedTo}` }));
      return { status: 'failed', error, expected: false };
    }
    const failure = target === NONE ? undefined : registry.failures.get(registry.resolve(target));
    if (failure !== undefined) return consequence(state, task, failure);
    targets.push(target);
  }
  return targets;
}

function childVersion(state: CoreState, attempt: number, handle: Handle): number {
  for (const scope of state.children.get(attempt) ?? []) {
    const datum = scope.handles.get(handle);
    const version = datum < 0 ? NONE : state.analysis.current(datum);
    if (version !== NONE) return version;
  }
  return NONE;
}

/** A failure that is ignored: what was to be changed stays as it was, what was to be made is empty. */
export function writeNothing(state: CoreState, task: number): void {
  const { tasks } = state;
  const { accesses } = tasks.spec[task]!;
  let output = 0;
  for (let position = 0; position < accesses.length; position++) {
    const { direction } = accesses[position]!;
    if (!writes(direction)) continue;
    const version = tasks.output(task, output++);
    const before = direction === 'OUT' ? NONE : tasks.input(task, position);
    // COMMUTATIVE: no output was made; CONCURRENT: the instance stays as it is.
    if (version === NONE || state.registry.is(version, SHARED)) continue;
    if (before === NONE) writeEmpty(state, version);
    else aliasVersion(state, version, before);
  }
  for (; output < tasks.outputs[task]!; output++) writeEmpty(state, tasks.output(task, output));
}

/** The task was cancelled meanwhile: what the attempt has left behind goes. */
export function discardOutputs(
  state: CoreState,
  task: number,
  resource: Resource,
  reports: readonly OutputReport[],
): void {
  const { tasks, registry } = state;
  for (let position = 0; position < tasks.outputs[task]!; position++) {
    const report = reports[position];
    const version = tasks.output(task, position);
    if (report === undefined || report.delegatedTo !== undefined || version === NONE) continue;
    const holder = holderOf(state, resource, report);
    // It has changed the instance, which goes or stays with its group.
    if (registry.is(version, SHARED)) writeInstance(state, version, holder, report.bytes);
    else registry.frees.push(registry.versions.idOf(version), holder);
  }
}

/** An attempt that worked in place did not complete: its inputs there are neither old nor new. */
export function spoilInputs(state: CoreState, task: number, resource: Resource): void {
  const { tasks, registry } = state;
  const { accesses } = tasks.spec[task]!;
  for (let position = 0; position < accesses.length; position++) {
    const { direction } = accesses[position]!;
    const version = tasks.input(task, position);
    if (version === NONE || !writes(direction)) continue;
    const row = registry.resolve(version);
    registry.evict(row, resource.row);
  }
}

// ------------------------------------------------------------------------------------------ one attempt on every node

/** One of several attempts has completed: the outputs are there, and are written when all have. */
export function addCopies(state: CoreState, task: number, attempt: number, reports: readonly OutputReport[]): void {
  const { tasks, registry } = state;
  const resource = resourceOf(state, attempt);
  for (let position = 0; position < tasks.outputs[task]!; position++) {
    const report = reports[position];
    if (report === undefined || report.delegatedTo !== undefined) continue;
    registry.addHolder(tasks.output(task, position), holderOf(state, resource, report));
    registry.versions.bytes[tasks.output(task, position)] = report.bytes;
  }
}

/** What some have made is kept until all have: it would be made and freed in turn. */
export function keepOutputs({ tasks, registry }: CoreState, task: number): readonly number[] {
  const versions = Array.from({ length: tasks.outputs[task]! }, (_, position) => tasks.output(task, position));
  for (const version of versions) registry.need(version);
  return versions;
}

/** What the copies have made is gone with their nodes. */
export const copiesLost = ({ tasks, registry }: CoreState, task: number, reports: readonly OutputReport[]): boolean =>
  reports.some(
    (report, position) =>
      report.delegatedTo === undefined && registry.versions.holder[tasks.output(task, position)] === NONE,
  );

export function writeCopies(state: CoreState, task: number): void {
  const { tasks, registry } = state;
  for (let position = 0; position < tasks.outputs[task]!; position++) {
    const version = tasks.output(task, position);
    if (registry.versions.holder[version] === NONE) writeEmpty(state, version);
    else writeVersion(state, version, registry.versions.bytes[version]!);
  }
}

export function dropCopies(state: CoreState, task: number): void {
  for (let position = 0; position < state.tasks.outputs[task]!; position++) {
    state.registry.evictAll(state.tasks.output(task, position));
  }
}
