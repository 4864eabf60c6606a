import type { Access } from './access.ts';
import type { CoreId, GroupId, Handle, ScopeId } from './ids.ts';
import type { Constraints } from './resource.ts';

export const ON_FAILURE = ['RETRY', 'FAIL', 'IGNORE', 'CANCEL_SUCCESSORS'] as const;
export type OnFailure = (typeof ON_FAILURE)[number];

/** What a submitter says of one task. Plain data: it crosses threads, the wire and the journal. */
export interface TaskSpec {
  readonly scope: ScopeId;
  /** Submission index in the scope, dense from 0: with the scope it names the task for its submitter. */
  readonly seq: number;
  readonly core: CoreId;
  /**
   * Literal arguments, encoded by the submitter for the executor of `core`'s language. Places that hold a datum are
   * references to `accesses` by index. The core never looks inside.
   */
  readonly args?: Uint8Array;
  readonly accesses: readonly Access[];
  /** Handles that the return values are bound to: OUT accesses of kind 'value' after `accesses`. */
  readonly returns: readonly Handle[];
  readonly priority?: boolean;
  /** Default RETRY for declared tasks; roots of applications are FAIL. */
  readonly onFailure?: OnFailure;
  /** Milliseconds of one attempt; 0 or absent: none. */
  readonly timeOutMs?: number;
  readonly groups?: readonly GroupId[];
  /** More than 1: a multi-node task that holds its constraints on so many nodes at once. */
  readonly computingNodes?: number;
  /** Names of the nodes that the caller holds for the task, master first: set for tasks of peers. */
  readonly hostNames?: readonly string[];
  /** Run one copy on every compatible node / round-robin over them (COMPSs isReplicated, isDistributed). */
  readonly isReplicated?: boolean;
  readonly isDistributed?: boolean;
  /** Replaces the implementations' own constraints (dynamic constraints). */
  readonly constraints?: Constraints;
  /** False: never run a second time after success (side effects); then lost outputs are an error. Default true. */
  readonly repeatable?: boolean;
  /** Stable key (architecture 4, Replay); absent: the task cannot be replayed. */
  readonly key?: string;
  /** True: `task-settled` is wanted for this task even when nobody waits (roots, tasks of peers). */
  readonly notify?: boolean;
  /** W3C traceparent of the submitter. */
  readonly trace?: string;
}

export type TaskStatus =
  | 'blocked'
  | 'ready'
  | 'assigned'
  | 'running'
  | 'suspended'
  | 'cancelling'
  | 'completed'
  | 'failed'
  | 'cancelled';
