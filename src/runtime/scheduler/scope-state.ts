import type { ErrorInfo } from '../../common/errors.ts';
import type { Failure } from '../graph/failure.ts';
import { type GroupId, NONE, type ScopeId } from '../model/ids.ts';
import { PagedInts } from '../model/paged-ints.ts';
import { DoneLog, type ReplayTable } from './replay-table.ts';
import type { Wait } from './waits.ts';

/** A task group of a scope. Its members and those of the groups inside it are one set. */
export interface GroupState {
  readonly id: GroupId;
  readonly name: string;
  readonly parent: GroupState | undefined;
  /** Rows of the members that have not settled, in order of submission. */
  readonly members: Set<number>;
  /** Thrown by a member: what every wait for the group ends with. */
  exception: ErrorInfo | undefined;
}

/** A place that tasks are submitted from. */
export class ScopeState {
  readonly id: ScopeId;
  readonly name: string;
  /** Invocation row of the attempt whose code submits here, or NONE. */
  parent = NONE;
  readonly key: string | undefined;
  /** No more submissions. */
  closed = false;
  /** Its last task has settled and its submitter knows. */
  ended = false;
  /** Tasks that have not settled; the last one submitted (TaskRows.scopeNext leads to older ones). */
  live = 0;
  lastTask = NONE;
  nextSeq = 0;
  /** Datum row by handle; GONE once released. */
  readonly handles = new PagedInts();
  /** Task row by submission index, while the task is remembered. */
  readonly tasks = new PagedInts();
  /** Data by the name of their file. */
  readonly data = new Map<string, { readonly row: number; readonly id: number }>();
  readonly groups = new Map<GroupId, GroupState>();
  /** Barriers of the scope and its groups: they count settlements. */
  readonly barriers: Wait[] = [];
  readonly waits = new Set<Wait>();
  /** Failed and cancelled tasks by submission index: outlives their rows. */
  readonly failures = new Map<number, Failure>();
  /** Failures that no wait has told the submitter yet, by the task that failed first. */
  readonly untold = new Map<number, Untold>();
  /** What a former attempt of the parent has completed. */
  replay: ReplayTable | undefined;
  /** Tasks without outputs that have completed, for the case that the parent runs again. */
  readonly done = new DoneLog();

  constructor(id: ScopeId, name: string, key: string | undefined) {
    this.id = id;
    this.name = name;
    this.key = key;
  }
}

/** Its submitter is an attempt that may be run again and will then submit the same. */
export const isReplayable = (scope: ScopeState): boolean => scope.key !== undefined && scope.parent !== NONE;

export interface Untold {
  /** Of the task (TaskRows.number). */
  readonly number: number;
  readonly failure: Failure;
  readonly groups: readonly GroupState[];
}
