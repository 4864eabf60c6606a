import type { DatumKind } from '../model/access.ts';
import type { CoreElement } from '../model/core-element.ts';
import type {
  CoreId,
  GroupId,
  Handle,
  InvocationId,
  ResourceId,
  ScopeId,
  TaskId,
  TimerId,
  VersionId,
  WaitId,
} from '../model/ids.ts';
import type { InvocationOutcome } from '../model/outcome.ts';
import type { ResourceDescription } from '../model/resource.ts';
import type { TaskSpec } from '../model/task.ts';

/** What a submitter may wait for. A data wait also brings the versions to this agent. */
export type WaitTarget =
  | { readonly on: 'data'; readonly handles: readonly Handle[] }
  | { readonly on: 'tasks'; readonly seqs: readonly number[] }
  | { readonly on: 'group'; readonly group: GroupId }
  /** Every task submitted to the scope so far. */
  | { readonly on: 'scope' };

/**
 * What happened. Events are plain data in the past tense; the time of a batch comes with `step`. An event about an
 * unknown or superseded row is counted (`stats().ignored`) and ignored.
 */
export type SchedulerEvent =
  // --- who submits, and what can be called
  | { readonly type: 'core-registered'; readonly core: CoreId; readonly element: CoreElement }
  | {
      readonly type: 'scope-opened';
      readonly scope: ScopeId;
      readonly name: string;
      /** The attempt whose code submits here; absent for applications and peers. */
      readonly parent?: InvocationId;
      /** Stable key of the parent, for replay. */
      readonly key?: string;
    }
  /** No more submissions. The scope ends (effect `scope-ended`) when its last task has; `cancel` cancels what is left. */
  | { readonly type: 'scope-closed'; readonly scope: ScopeId; readonly cancel?: string }
  | {
      readonly type: 'group-opened';
      readonly scope: ScopeId;
      readonly group: GroupId;
      readonly name: string;
      readonly parent?: GroupId;
    }
  /**
   * What an attempt in an earlier life of this agent has completed: data of `scope` by submission index. The attempt
   * whose scope opens with that key need not run it again. What nobody takes goes with `scope`.
   */
  | {
      readonly type: 'replay-offered';
      readonly scope: ScopeId;
      readonly key: string;
      readonly entries: readonly {
        readonly seq: number;
        readonly digest: number;
        readonly outputs: readonly Handle[];
      }[];
    }
  // --- data
  /** A datum that no task wrote: a value put by the submitter, a file, an input of a peer's call. */
  | {
      readonly type: 'datum-declared';
      readonly scope: ScopeId;
      readonly handle: Handle;
      readonly kind: DatumKind;
      readonly bytes: number;
      /** Where its first version is; empty: nowhere known to the core (the shell finds it when a task needs it). */
      readonly holders: readonly ResourceId[];
      /** Files: canonical path; two declarations of one name in one scope are one datum. */
      readonly name?: string;
      /** The shell can always provide it again (a file outside our directories, a peer that holds it). */
      readonly durable?: boolean;
    }
  /** The submitter can no longer name the datum (future collected, deleteObject, deleteFile). */
  | { readonly type: 'handle-released'; readonly scope: ScopeId; readonly handle: Handle }
  /** The submitter itself wrote a datum (waitOn with RW, an opened file): a new version held by this agent. */
  | { readonly type: 'datum-written'; readonly scope: ScopeId; readonly handle: Handle; readonly bytes: number }
  | {
      readonly type: 'replica-added';
      readonly version: VersionId;
      readonly resource: ResourceId;
      readonly bytes: number;
    }
  | { readonly type: 'replica-lost'; readonly version: VersionId; readonly resource: ResourceId }
  | { readonly type: 'transfer-failed'; readonly version: VersionId; readonly to: ResourceId; readonly reason: string }
  // --- tasks
  | { readonly type: 'task-submitted'; readonly task: TaskSpec }
  | {
      readonly type: 'cancel-requested';
      readonly scope: ScopeId;
      readonly target: CancelTarget;
      readonly reason: string;
    }
  | { readonly type: 'wait-requested'; readonly scope: ScopeId; readonly wait: WaitId; readonly target: WaitTarget }
  | { readonly type: 'wait-abandoned'; readonly wait: WaitId }
  // --- attempts
  | { readonly type: 'invocation-started'; readonly invocation: InvocationId }
  | { readonly type: 'invocation-settled'; readonly invocation: InvocationId; readonly outcome: InvocationOutcome }
  /** The attempt blocks in waitOn or a barrier and has given its units back. */
  | { readonly type: 'invocation-suspended'; readonly invocation: InvocationId }
  /** It wants its units again: answered by `resume` when they are booked. */
  | { readonly type: 'invocation-resume-requested'; readonly invocation: InvocationId }
  /** A peer re-booked the units itself: our view follows, over capacity if need be. */
  | { readonly type: 'invocation-resumed'; readonly invocation: InvocationId }
  // --- resources
  | {
      readonly type: 'resource-joined';
      readonly resource: ResourceId;
      readonly description: ResourceDescription;
      readonly self?: boolean;
    }
  /** `addResources` on a known name: merges (spec 3.1). */
  | { readonly type: 'resource-grown'; readonly resource: ResourceId; readonly by: ResourceDescription }
  /** Graceful (spec 3.2): waits until that much is free. More than there is shrinks to nothing. */
  | { readonly type: 'resource-shrink-requested'; readonly resource: ResourceId; readonly by: ResourceDescription }
  /** Graceful: its tasks end, data held only there are copied away, then `resource-drained`. */
  | { readonly type: 'resource-leave-requested'; readonly resource: ResourceId }
  | { readonly type: 'resource-lost'; readonly resource: ResourceId; readonly reason: string }
  | { readonly type: 'timer-fired'; readonly timer: TimerId };

export type CancelTarget =
  | { readonly task: number }
  | { readonly group: GroupId }
  | { readonly taskId: TaskId }
  | { readonly all: true };
