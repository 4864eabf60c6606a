import type { Millis } from '../../common/brand.ts';
import type { DatumKind } from '../model/access.ts';
import type { CoreElement } from '../model/core-element.ts';
import type { CoreId, DatumId, Handle, InvocationId, ResourceId, ScopeId, TaskId, VersionId } from '../model/ids.ts';
import type { ResourceDescription } from '../model/resource.ts';
import type { TaskSpec, TaskStatus } from '../model/task.ts';
import type { SchedulerEffect } from './effects.ts';
import type { SchedulerEvent } from './events.ts';

/** A point in the life of a task. */
export interface StoryEntry {
  readonly at: Millis;
  readonly from: TaskStatus;
  readonly to: TaskStatus;
  /** Type of the event that caused it. */
  readonly cause: SchedulerEvent['type'];
  readonly resource?: ResourceId;
}

/** A snapshot of a task for people: built on demand, never kept. */
export interface TaskView {
  readonly id: TaskId;
  readonly scope: ScopeId;
  readonly seq: number;
  readonly signature: string;
  readonly status: TaskStatus;
  readonly attempts: number;
  readonly invocation?: InvocationId;
  readonly resource?: ResourceId;
  /** Tasks it waits for. */
  readonly predecessors: readonly TaskId[];
  readonly recomputes?: TaskId;
}

export interface VersionView {
  readonly id: VersionId;
  readonly datum: DatumId;
  /** From 1, as in `d3v1`. */
  readonly number: number;
  readonly kind: DatumKind;
  readonly name?: string;
  readonly bytes: number;
  readonly holders: readonly ResourceId[];
  readonly written: boolean;
}

export interface ResourceStatus {
  readonly id: ResourceId;
  readonly description: ResourceDescription;
  readonly self: boolean;
  readonly state: 'active' | 'shrinking' | 'leaving';
  readonly freeCpus: number;
  readonly running: number;
  readonly queued: number;
}

/** Why a task waits, in a form a person can act on. */
export interface Explanation {
  readonly task: TaskId;
  readonly status: TaskStatus;
  readonly summary: string;
  readonly waitsFor: readonly { readonly version: string; readonly writer?: TaskId; readonly status?: TaskStatus }[];
  /** For a ready task: every resource and why it did not take the task. */
  readonly resources: readonly { readonly name: string; readonly reason: string }[];
}

/** An edge of the graph as drawn: task to task over a version. */
export interface GraphView {
  readonly tasks: readonly TaskView[];
  readonly edges: readonly { readonly from: TaskId; readonly to: TaskId; readonly label: string }[];
}

export interface CoreStats {
  readonly submitted: number;
  readonly completed: number;
  readonly failed: number;
  readonly cancelled: number;
  readonly blocked: number;
  readonly ready: number;
  readonly running: number;
  /** Attempts that were lost with a node and ran again; tasks that recompute lost data. */
  readonly rerun: number;
  readonly recomputed: number;
  /** Events about unknown or superseded rows. */
  readonly ignored: number;
  readonly liveVersions: number;
  readonly liveTasks: number;
}

export interface CoreOptions {
  /** Name of a placement policy: 'fifo', 'lifo', 'locality' (default), 'load-balance', 'weighted', … */
  readonly policy?: string;
  /** For 'weighted': relative weights of time, cost and energy. */
  readonly weights?: { readonly time?: number; readonly cost?: number; readonly energy?: number };
  /** Lost attempts of one task before it fails with ERR_TASK_LOST. Default 5. */
  readonly maxLosses?: number;
  readonly lineageMaxTasks?: number;
  /** Settled tasks and their stories that stay for `story` and `graph`. Default 10,000. */
  readonly historySize?: number;
  /** Tell every completed task that can be replayed (effect `task-completed`). Default false. */
  readonly reportCompleted?: boolean;
  /** Profiles of implementations (spec 3.8): mean milliseconds by signature. */
  readonly profiles?: Readonly<Record<string, { readonly averageMs: number }>>;
}

/**
 * The scheduler as a function: same events in, same effects out. Synchronous, no clock, no randomness, no I/O. Only the
 * dispatcher (or the simulator, or a test) may hold it.
 */
export interface SchedulerCore {
  /**
   * Applies a batch and returns the effects in order. The array is reused by the next call.
   * Throws RuntimeError ERR_INVALID_TRANSITION on a bug of ours, never on bad input.
   */
  step(at: Millis, events: readonly SchedulerEvent[]): readonly SchedulerEffect[];
  /** The spec of a task that has not been forgotten. */
  spec(task: TaskId): TaskSpec;
  element(task: TaskId): CoreElement;
  /** Stable key: the submitter's, or made from the parent's; undefined: what the task submits cannot be replayed. */
  key(task: TaskId): string | undefined;
  /** `t42`, `d3v2`: printed names of ids. */
  taskName(task: TaskId): string;
  versionName(version: VersionId): string;
  version(version: VersionId): VersionView | undefined;
  /** Holders without building a view: the hot path of the dispatcher. */
  holders(version: VersionId): readonly ResourceId[];
  /** Current version of a handle. */
  latest(scope: ScopeId, handle: Handle): VersionId | undefined;
  /** Written without content (an IGNOREd task's output): nothing is held anywhere, readers get undefined or an empty file. */
  isEmpty(version: VersionId): boolean;
  /** Every version that has not been freed. */
  versions(): readonly VersionId[];
  /** Tasks of a core element that have been submitted and do not run: blocked and ready ones. */
  pending(core: CoreId): number;
  taskOf(scope: ScopeId, seq: number): TaskId | undefined;
  task(task: TaskId): TaskView | undefined;
  resources(): readonly ResourceStatus[];
  story(task: TaskId): readonly StoryEntry[];
  explain(task: TaskId): Explanation;
  graph(scope?: ScopeId): GraphView;
  stats(): CoreStats;
  /** Throws with the first broken invariant. For tests, and with `--check-invariants`. */
  checkInvariants(): void;
}
