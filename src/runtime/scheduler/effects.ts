import type { Millis } from '../../common/brand.ts';
import type { ErrorInfo } from '../../common/errors.ts';
import type {
  GroupId,
  ImplementationIndex,
  InvocationId,
  ResourceId,
  ScopeId,
  TaskId,
  TimerId,
  VersionId,
  WaitId,
} from '../model/ids.ts';
import type { TaskOutcome } from '../model/outcome.ts';
import type { ResourceDescription } from '../model/resource.ts';

/** Units and devices that an attempt holds on its resource. */
export interface Booking {
  readonly cpus: number;
  readonly gpus: number;
  readonly fpgas: number;
  readonly memoryGb: number;
}

/**
 * Orders for the shell. Anything asynchronous comes back later as an event. Effects of one step are performed in order.
 */
export type SchedulerEffect =
  | {
      readonly type: 'launch';
      readonly invocation: InvocationId;
      readonly task: TaskId;
      /** From 1. */
      readonly attempt: number;
      readonly resource: ResourceId;
      readonly implementation: ImplementationIndex;
      readonly booking: Booking;
      /**
       * Versions read, in access order; `NONE` where an access reads nothing, or what an IGNOREd failure left empty. A
       * CONCURRENT access whose input is its output works on the instance that is on the node already.
       */
      readonly inputs: readonly VersionId[];
      /**
       * Only when other members of a CONCURRENT group are making the instance: as `inputs`, with the version that it is
       * made from in its place, for nodes where each attempt works on a copy of its own.
       */
      readonly bases?: readonly VersionId[];
      /** Versions written, in the order: written accesses, then returns. */
      readonly outputs: readonly VersionId[];
      /** False when the writer may work on the old version in place (nobody else can read it again). */
      readonly preserveInputs: boolean;
      /** Multi-node tasks: the other resources of the group; the first of the group is the master. */
      readonly companions?: readonly ResourceId[];
    }
  /** Stop an attempt: it answers `invocation-settled` (cancelled, or whatever it became first). */
  | {
      readonly type: 'cancel';
      readonly invocation: InvocationId;
      readonly resource: ResourceId;
      readonly reason: string;
    }
  /** Give an attempt back if it has not started: answers `recalled`, or goes on and answers as usual. */
  | { readonly type: 'recall'; readonly invocation: InvocationId; readonly resource: ResourceId }
  /** The units of a suspended attempt are booked again. */
  | { readonly type: 'resume'; readonly invocation: InvocationId; readonly resource: ResourceId }
  /** Only for tasks with `notify`, and once for each. */
  | {
      readonly type: 'task-settled';
      readonly scope: ScopeId;
      readonly seq: number;
      readonly task: TaskId;
      readonly outcome: TaskOutcome;
      /** Versions of the outputs in report order; empty unless completed. */
      readonly outputs: readonly VersionId[];
    }
  /** With `reportCompleted`: a task has completed that its parent, run again, need not run again. */
  | {
      readonly type: 'task-completed';
      /** Of the parent, for `replay-offered`. */
      readonly key: string;
      readonly seq: number;
      readonly digest: number;
      readonly outputs: readonly VersionId[];
    }
  | { readonly type: 'wait-done'; readonly scope: ScopeId; readonly wait: WaitId; readonly result: WaitResult }
  | { readonly type: 'scope-ended'; readonly scope: ScopeId }
  /** Copy a version to a node (a waiter on this agent, a second replica, a safe copy before a node leaves). */
  | { readonly type: 'transfer'; readonly version: VersionId; readonly to: ResourceId }
  | { readonly type: 'cancel-transfer'; readonly version: VersionId; readonly to: ResourceId }
  /** Drop the replica. */
  | { readonly type: 'free'; readonly version: VersionId; readonly resource: ResourceId }
  | { readonly type: 'arm-timer'; readonly timer: TimerId; readonly at: Millis }
  | { readonly type: 'disarm-timer'; readonly timer: TimerId }
  /** The description after growing or shrinking. */
  | { readonly type: 'resource-resized'; readonly resource: ResourceId; readonly description: ResourceDescription }
  /** Nothing runs there and nothing is held there alone: the shell may close it. */
  | { readonly type: 'resource-drained'; readonly resource: ResourceId }
  /** Something the user should be told once (ERR_REPLAY_DIVERGED, ERR_UNSCHEDULABLE). */
  | { readonly type: 'notice'; readonly scope: ScopeId; readonly error: ErrorInfo };

export type WaitResult =
  /** Data waits: versions in the order of the handles, all held by this agent. Else empty. */
  | { readonly status: 'satisfied'; readonly versions: readonly VersionId[] }
  /** The first of the awaited that did not complete, or the exception of the group. */
  | { readonly status: 'failed'; readonly error: ErrorInfo; readonly task?: TaskId; readonly group?: GroupId };
