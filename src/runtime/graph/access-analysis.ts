import { type ErrorInfo, RuntimeError } from '../../common/errors.ts';
import type { Registry } from '../data/registry.ts';
import { type Access, type DatumKind, reads, writes } from '../model/access.ts';
import { type Handle, NONE } from '../model/ids.ts';
import type { TaskSpec } from '../model/task.ts';
import type { ScopeState } from '../scheduler/scope-state.ts';
import type { TaskRows } from '../scheduler/task-rows.ts';
import { COMMUTES, SHARES, UPDATES } from '../scheduler/task-rows.ts';
import { DELETED, OPEN_COMMUTATIVE, OPEN_SHARED } from './datum-rows.ts';
import type { Failure } from './failure.ts';
import { CommuteGroup, type Commuting, SharedGroup } from './groups.ts';
import { SHARED } from './version-rows.ts';

/** Value of a handle that has been released: it must not be used again. */
export const RELEASED = -2;

/** What the analysis works on, and what it asks of the scheduler. */
export interface AccessContext {
  readonly registry: Registry;
  readonly tasks: TaskRows;
  readonly shared: Map<number, SharedGroup>;
  readonly commutes: Map<number, CommuteGroup>;
  readonly openCommutes: Map<number, CommuteGroup>;
  readonly commuting: Map<number, readonly Commuting[]>;
  nextCommute: number;
}

/** What becomes of groups that nobody joins any more. */
export interface GroupEnds {
  /** All members of a closed CONCURRENT group have settled. */
  sharedEnded(group: SharedGroup): void;
  /** All members of a closed COMMUTATIVE group have settled. */
  commuteEnded(group: CommuteGroup): void;
  /** The bytes of a version were lost and are needed: written again, or failed. */
  demand(version: number): void;
}

/**
 * Accesses in program order become versions, and waiting for versions: only a read of what another task writes orders
 * two tasks. All reads of a task come before its writes, whatever the order of its parameters.
 */
export class AccessAnalysis {
  readonly #context: AccessContext;
  readonly #ends: GroupEnds;

  constructor(context: AccessContext, ends: GroupEnds) {
    this.#context = context;
    this.#ends = ends;
  }

  /** Binds a new task to its versions. Gives why it can never run, if so; its outputs exist all the same. */
  bind(scope: ScopeState, spec: TaskSpec, task: number): Failure | undefined {
    const { accesses, returns } = spec;
    let failure: Failure | undefined;
    // Copies of a replicated task each make all outputs: they have no part in what others make together.
    const alone = accesses.length > 0 && spec.isReplicated !== true ? groupable(scope, accesses) : undefined;
    for (let position = 0; position < accesses.length; position++) {
      const access = accesses[position]!;
      if (!reads(access.direction)) continue;
      const datum = scope.handles.get(access.handle);
      failure = this.#read(task, position, datum, access, alone?.has(position) === true) ?? failure;
    }
    let output = 0;
    for (let position = 0; position < accesses.length; position++) {
      const access = accesses[position]!;
      if (writes(access.direction)) this.#write(scope, task, output++, access, alone?.has(position) === true);
    }
    for (const handle of returns) this.#writeNew(task, output++, this.datumOf(scope, handle, 'value'));
    for (const access of accesses) if (access.direction === 'IN_DELETE') this.#delete(scope, access.handle);
    return failure;
  }

  // ------------------------------------------------------------------------------------------ reads

  #read(task: number, position: number, datum: number, access: Access, groups: boolean): Failure | undefined {
    if (groups && datum >= 0) {
      return access.direction === 'CONCURRENT'
        ? this.#joinShared(task, position, datum, access.handle)
        : this.#joinCommute(task, position, datum, access.handle);
    }
    if (access.direction !== 'IN' && access.direction !== 'IN_DELETE') this.#context.tasks.flags[task]! |= UPDATES;
    const version = datum < 0 ? NONE : this.current(datum);
    if (version === NONE) return this.unreadable(datum, access.handle);
    return this.attach(task, position, version);
  }

  /**
   * The version that a reader gets now: what all accesses so far have made of the datum, or NONE. Nobody joins an open
   * group after that.
   */
  current(datum: number): number {
    const { registry } = this.#context;
    const flags = registry.data.flags[datum]!;
    if ((flags & OPEN_SHARED) !== 0) this.#closeShared(datum);
    else if ((flags & OPEN_COMMUTATIVE) !== 0) this.#closeCommute(datum, true);
    return registry.data.latest[datum]!;
  }

  /** The task reads a version: it needs it until it has settled, and waits for it until it is written. */
  attach(task: number, position: number, version: number): Failure | undefined {
    const { registry, tasks } = this.#context;
    const row = registry.resolve(version);
    registry.mention(row);
    registry.need(row);
    tasks.setInput(task, position, row);
    return this.waitFor(task, row);
  }

  /** While it is not written the task waits; gives its failure when it will not be. */
  waitFor(task: number, version: number): Failure | undefined {
    const { registry, tasks } = this.#context;
    this.#ends.demand(version);
    if (registry.isPending(version)) {
      registry.versions.waiters[version] = registry.waiters.push(registry.versions.waiters[version]!, task);
      tasks.missing[task]! += 1;
      return undefined;
    }
    return registry.failures.get(version);
  }

  /** Why there is nothing to read behind a handle. */
  unreadable(datum: number, handle: Handle): Failure {
    const { registry } = this.#context;
    const deleted = datum === RELEASED || (datum >= 0 && (registry.data.flags[datum]! & DELETED) !== 0);
    const name = datum >= 0 ? `d${registry.data.number[datum]}` : `of handle ${handle}`;
    const error = deleted
      ? errorInfo(new RuntimeError('ERR_DATA_DELETED', { datum: name }))
      : errorInfo(new RuntimeError('ERR_DATA_UNWRITTEN', { datum: name }));
    return { status: 'failed', error, expected: false };
  }

  // ------------------------------------------------------------------------------------------ writes

  #write(scope: ScopeState, task: number, output: number, access: Access, groups: boolean): void {
    if (groups && access.direction === 'COMMUTATIVE') return;
    const datum = this.datumOf(scope, access.handle, access.kind);
    const open = (this.#context.registry.data.flags[datum]! & OPEN_SHARED) !== 0;
    if (groups && access.direction === 'CONCURRENT' && open) this.#writeShared(task, output, datum);
    else this.#writeNew(task, output, datum);
  }

  #writeNew(task: number, output: number, datum: number): void {
    const { registry, tasks } = this.#context;
    this.close(datum);
    const version = registry.addVersion(datum);
    registry.mention(version);
    tasks.setOutput(task, output, version);
    registry.data.flags[datum]! &= ~DELETED;
    registry.setLatest(datum, version);
  }

  /** The datum behind a handle; a handle not seen before, or released, names a new one. */
  datumOf(scope: ScopeState, handle: Handle, kind: DatumKind, name?: string): number {
    const known = scope.handles.get(handle);
    if (known >= 0) return known;
    const { registry } = this.#context;
    const datum = registry.addDatum(kind, name);
    registry.addHandle(datum);
    scope.handles.set(handle, datum);
    return datum;
  }

  #delete(scope: ScopeState, handle: Handle): void {
    const datum = scope.handles.get(handle);
    if (datum < 0) return;
    const { registry } = this.#context;
    this.close(datum);
    registry.data.flags[datum]! |= DELETED;
    registry.setLatest(datum, NONE);
  }

  /** The submitter cannot name the datum by this handle any more. */
  release(scope: ScopeState, handle: Handle): boolean {
    const datum = scope.handles.get(handle);
    if (datum < 0) return false;
    scope.handles.set(handle, RELEASED);
    this.dropHandle(datum);
    return true;
  }

  dropHandle(datum: number): void {
    const { registry } = this.#context;
    if (registry.data.handles[datum] === 1) this.close(datum);
    registry.dropHandle(datum);
  }

  /** Nobody joins an open group of the datum any more, and nobody reads what it makes. */
  close(datum: number): void {
    const flags = this.#context.registry.data.flags[datum]!;
    if ((flags & OPEN_SHARED) !== 0) this.#closeShared(datum);
    else if ((flags & OPEN_COMMUTATIVE) !== 0) this.#closeCommute(datum, false);
  }

  // ------------------------------------------------------------------------------------------ CONCURRENT

  #joinShared(task: number, position: number, datum: number, handle: Handle): Failure | undefined {
    const { registry, tasks, shared } = this.#context;
    let group: SharedGroup | undefined;
    if ((registry.data.flags[datum]! & OPEN_SHARED) !== 0) group = shared.get(registry.data.latest[datum]!);
    if (group === undefined) {
      const base = this.current(datum);
      if (base === NONE) return this.unreadable(datum, handle);
      group = this.#openShared(datum, registry.resolve(base));
    }
    group.pending += 1;
    tasks.flags[task]! |= SHARES;
    return this.attach(task, position, group.base);
  }

  #openShared(datum: number, base: number): SharedGroup {
    const { registry, shared } = this.#context;
    const version = registry.addVersion(datum);
    registry.versions.flags[version]! |= SHARED;
    const group = new SharedGroup(version, base);
    shared.set(version, group);
    // The group mentions both: the base has to be there until the instance is.
    registry.mention(version);
    registry.mention(base);
    registry.need(base);
    registry.setLatest(datum, version);
    registry.data.flags[datum]! |= OPEN_SHARED;
    return group;
  }

  #writeShared(task: number, output: number, datum: number): void {
    const { registry, tasks } = this.#context;
    const version = registry.data.latest[datum]!;
    registry.mention(version);
    registry.need(version);
    tasks.setOutput(task, output, version);
  }

  #closeShared(datum: number): void {
    const { registry, shared } = this.#context;
    registry.data.flags[datum]! &= ~OPEN_SHARED;
    const group = shared.get(registry.data.latest[datum]!)!;
    group.closed = true;
    if (group.pending === 0) this.#ends.sharedEnded(group);
  }

  // ------------------------------------------------------------------------------------------ COMMUTATIVE

  #joinCommute(task: number, position: number, datum: number, handle: Handle): Failure | undefined {
    const { registry, tasks, commuting } = this.#context;
    let group = this.#context.openCommutes.get(datum);
    if (group === undefined) {
      const base = this.current(datum);
      if (base === NONE) return this.unreadable(datum, handle);
      group = this.#openCommute(datum, registry.resolve(base));
    }
    group.pending += 1;
    const output = outputsBefore(tasks.spec[task]!.accesses, position);
    const known = commuting.get(task) ?? [];
    commuting.set(task, [...known, { position, output, group }]);
    tasks.flags[task]! |= COMMUTES;
    return this.waitFor(task, group.tail);
  }

  #openCommute(datum: number, base: number): CommuteGroup {
    const { registry, commutes, openCommutes } = this.#context;
    const group = new CommuteGroup(this.#context.nextCommute++, datum, base);
    commutes.set(group.id, group);
    openCommutes.set(datum, group);
    registry.mention(base);
    registry.need(base);
    registry.mentionDatum(datum);
    registry.data.flags[datum]! |= OPEN_COMMUTATIVE;
    return group;
  }

  /** With a reader: gives the datum the version that the members will have made together. */
  #closeCommute(datum: number, read: boolean): void {
    const { registry, openCommutes } = this.#context;
    const group = openCommutes.get(datum)!;
    openCommutes.delete(datum);
    registry.data.flags[datum]! &= ~OPEN_COMMUTATIVE;
    group.closed = true;
    // Without a failure and without members the last tail is that version.
    if (read && (group.pending > 0 || group.failure !== undefined)) {
      group.final = registry.addVersion(datum);
      registry.mention(group.final);
      registry.setLatest(datum, group.final);
    }
    if (group.pending === 0) this.#ends.commuteEnded(group);
  }
}

/** Positions of CONCURRENT and COMMUTATIVE accesses that are the only ones of their datum; others count as INOUT. */
function groupable(scope: ScopeState, accesses: readonly Access[]): Set<number> | undefined {
  if (!accesses.some(({ direction }) => direction === 'CONCURRENT' || direction === 'COMMUTATIVE')) return undefined;
  const data = accesses.map(({ handle }) => scope.handles.get(handle));
  const alone = new Set<number>();
  accesses.forEach(({ direction, handle }, position) => {
    if (direction !== 'CONCURRENT' && direction !== 'COMMUTATIVE') return;
    const twice = accesses.some(
      (other, at) => at !== position && (other.handle === handle || (data[at]! >= 0 && data[at] === data[position])),
    );
    if (!twice) alone.add(position);
  });
  return alone;
}

const outputsBefore = (accesses: readonly Access[], position: number): number =>
  accesses.slice(0, position).reduce((count, { direction }) => count + (writes(direction) ? 1 : 0), 0);

/** Without a stack: these are the submitter's errors, not ours. */
export function errorInfo(error: RuntimeError, cause?: ErrorInfo): ErrorInfo {
  return {
    code: error.code,
    message: error.message,
    details: error.details,
    ...(cause === undefined ? {} : { cause }),
  };
}
