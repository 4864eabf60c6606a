import { type ErrorInfo, RuntimeError, toErrorInfo } from '../../common/errors.ts';
import { addHolder, isFailed, isWritten, need, newVersion, resolved, setLatest } from '../data/registry.ts';
import { type DatumKind, reads, writes } from '../model/access.ts';
import { type Handle, NONE } from '../model/ids.ts';
import type { TaskSpec } from '../model/task.ts';
import type { ScopeState } from '../scheduler/scope-state.ts';
import type { CoreState } from '../scheduler/state.ts';
import { DELETED } from './datum-rows.ts';
import type { Failure } from './failure.ts';
import { DURABLE, UNHELD, WRITTEN } from './version-rows.ts';

/**
 * Access analysis: accesses in program order become versions and waiting. Only a read of what another task writes orders
 * two tasks. CONCURRENT and COMMUTATIVE are taken in program order, as INOUT is: right, with less freedom than allowed.
 */
export function analyse(state: CoreState, scope: ScopeState, spec: TaskSpec, task: number): Failure | undefined {
  let failure: Failure | undefined;
  let output = 0;
  for (let position = 0; position < spec.accesses.length; position++) {
    const access = spec.accesses[position]!;
    if (reads(access.direction)) failure = read(state, scope, task, position, access.handle) ?? failure;
    if (writes(access.direction)) write(state, task, output++, datumFor(state, scope, access.handle, access.kind));
    if (access.direction === 'IN_DELETE') markDeleted(state, scope, access.handle);
  }
  for (const handle of spec.returns) write(state, task, output++, datumFor(state, scope, handle, 'value'));
  return failure;
}

export function datumFor(state: CoreState, scope: ScopeState, handle: Handle, kind: DatumKind): number {
  const known = scope.handles.get(handle);
  if (known !== NONE) return known;
  const datum = state.data.add(kind);
  state.data.handles[datum] = 1;
  scope.handles.set(handle, datum);
  return datum;
}

function read(
  state: CoreState,
  scope: ScopeState,
  task: number,
  position: number,
  handle: Handle,
): Failure | undefined {
  const datum = scope.handles.get(handle);
  const latest = datum === NONE ? NONE : state.data.latest[datum]!;
  if (latest === NONE) return unreadable(state, datum, handle);
  addReader(state, task, position, resolved(state, latest));
  const version = state.tasks.input(task, position);
  return isFailed(state, version) ? state.failures.get(version) : undefined;
}

/** The task needs the version; while it is not written the task waits for it. */
export function addReader(state: CoreState, task: number, position: number, version: number): void {
  state.tasks.setInput(task, position, version);
  need(state, version);
  if (isWritten(state, version) || isFailed(state, version)) return;
  waitFor(state, task, version);
}

export function waitFor(state: CoreState, task: number, version: number): void {
  state.versions.waiters[version] = state.links.push(state.versions.waiters[version]!, task);
  state.tasks.missing[task]! += 1;
}

function unreadable(state: CoreState, datum: number, handle: Handle): Failure {
  const deleted = datum !== NONE && (state.data.flags[datum]! & DELETED) !== 0;
  const error = deleted
    ? new RuntimeError('ERR_DATA_DELETED', { datum: `d${state.data.number[datum]}` })
    : new RuntimeError('ERR_DATA_MISSING', { key: `handle ${handle}` });
  return { status: 'failed', error: withoutStack(toErrorInfo(error)), expected: false };
}

const withoutStack = ({ code, message, details }: ErrorInfo): ErrorInfo => ({
  code,
  message,
  ...(details === undefined ? {} : { details }),
});

function write(state: CoreState, task: number, output: number, datum: number): void {
  const version = newVersion(state, datum);
  state.versions.producer[version] = task;
  state.versions.mentions[version]! += 1;
  state.tasks.setOutput(task, output, version);
  state.data.flags[datum]! &= ~DELETED;
  setLatest(state, datum, version);
}

function markDeleted(state: CoreState, scope: ScopeState, handle: Handle): void {
  const datum = scope.handles.get(handle);
  if (datum === NONE) return;
  state.data.flags[datum]! |= DELETED;
  setLatest(state, datum, NONE);
}

export interface Declared {
  readonly handle: Handle;
  readonly kind: DatumKind;
  readonly bytes: number;
  readonly holders: readonly number[];
  readonly name: string | undefined;
  readonly durable: boolean;
}

/** A datum that no task wrote. Two declarations of one name in one scope are one datum. */
export function declare(state: CoreState, scope: ScopeState, declared: Declared): void {
  const { handle, kind, name } = declared;
  const known = name === undefined ? undefined : scope.data.get(name);
  if (known !== undefined && state.data.isUsed(known)) {
    bindHandle(state, scope, handle, known);
    return;
  }
  const datum = datumFor(state, scope, handle, kind);
  if (name !== undefined) scope.data.set(name, datum);
  if (declared.holders.length === 0 && !declared.durable) return;
  give(state, datum, declared);
}

function bindHandle(state: CoreState, scope: ScopeState, handle: Handle, datum: number): void {
  if (scope.handles.get(handle) === datum) return;
  scope.handles.set(handle, datum);
  state.data.handles[datum]! += 1;
}

/** A new version that is there already. */
export function give(state: CoreState, datum: number, content: Pick<Declared, 'bytes' | 'holders' | 'durable'>): void {
  const version = newVersion(state, datum);
  const unheld = content.holders.length === 0 ? UNHELD : 0;
  state.versions.flags[version] = WRITTEN | (content.durable ? DURABLE : 0) | unheld;
  state.versions.bytes[version] = content.bytes;
  for (const holder of content.holders) addHolder(state, version, holder);
  setLatest(state, datum, version);
}
