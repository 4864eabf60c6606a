import { type Millis, millis } from '../../common/brand.ts';
import { DatumRows } from '../graph/datum-rows.ts';
import type { Failure } from '../graph/failure.ts';
import { VersionRows } from '../graph/version-rows.ts';
import type { CoreElement } from '../model/core-element.ts';
import { NONE, type ResourceId, type ScopeId, type TaskId, type VersionId } from '../model/ids.ts';
import { Links } from '../model/links.ts';
import type { Constraints } from '../model/resource.ts';
import type { TaskSpec } from '../model/task.ts';
import { makeNeed, type Need } from './constraints.ts';
import type { CoreOptions, GraphView, StoryEntry, TaskView } from './core.ts';
import type { SchedulerEffect } from './effects.ts';
import type { SchedulerEvent } from './events.ts';
import { InvocationRows } from './invocation-rows.ts';
import type { ReadyClass } from './ready-class.ts';
import type { Resource } from './resources.ts';
import { ScopeState } from './scope-state.ts';
import { TaskRows } from './task-rows.ts';
import type { Wait } from './waits.ts';

/** How a completed task can be run again: outlives its row while a version that depends on it is remembered. */
export interface LineageRecord {
  readonly task: TaskId;
  readonly spec: TaskSpec;
  /** Version rows; inputs are kept remembered by the record. */
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
  /** Outputs whose rows are remembered. */
  live: number;
  /** A task that writes them again is under way. */
  again: boolean;
}

/** A settled task as people see it. */
export interface HistoryEntry {
  readonly view: TaskView;
  readonly story: readonly StoryEntry[];
  readonly edges: GraphView['edges'];
}

/** Rules that lower modules call upwards; bound once by `createCore`. */
export interface Rules {
  recompute(version: number): void;
  makeReady(task: number): void;
  failReaders(version: number, failure: Failure): void;
  cancelTask(task: number, reason: string): void;
  /** The attempt that a scope belongs to has settled; its children go on only if it completed. */
  childEnded(scope: ScopeState, completed: boolean): void;
}

export const DEFAULT_MAX_LOSSES = 5;
const DEFAULT_HISTORY = 10_000;

/** Everything the core knows; the modules beside it hold the rules. */
export class CoreState {
  readonly options: CoreOptions;
  rules!: Rules;
  readonly historySize: number;
  readonly maxLosses: number;
  readonly tasks = new TaskRows(1024);
  readonly versions = new VersionRows(1024);
  readonly data = new DatumRows(1024);
  readonly invocations = new InvocationRows(256);
  /** Blocked readers of versions, holders beyond the first. */
  readonly links = new Links();
  readonly scopes = new Map<ScopeId, ScopeState>();
  /** Of tasks that recompute lost data: nobody waits for them as tasks. */
  readonly recomputing = new ScopeState(NONE as ScopeId, 'recomputation', undefined);
  /** By invocation row of the attempt whose code submits there. */
  readonly childScopes = new Map<number, ScopeState>();
  readonly elements: CoreElement[] = [];
  readonly elementNeeds: (readonly Need[])[] = [];
  readonly needs: Need[] = [];
  readonly #needByKey = new Map<string, Need>();
  readonly resources = new Map<ResourceId, Resource>();
  readonly resourceRows: Resource[] = [];
  self: Resource | undefined;
  readonly readyClasses = new Map<string, ReadyClass>();
  readonly readyByRow: ReadyClass[] = [];
  readonly failures = new Map<number, Failure>();
  readonly lineage = new Map<number, LineageRecord>();
  readonly recomputes = new Map<number, TaskId>();
  readonly versionWaits = new Map<number, Set<Wait>>();
  readonly waits = new Map<number, Wait>();
  /** Versions on their way to a resource: `version row * 2^20 + resource row`, with failed tries. */
  readonly transfers = new Map<number, number>();
  readonly history = new Map<TaskId, HistoryEntry>();
  readonly stories: (StoryEntry[] | undefined)[] = [];
  readonly counts = { submitted: 0, completed: 0, failed: 0, cancelled: 0, rerun: 0, recomputed: 0, ignored: 0 };
  /** By status code. */
  readonly byStatus = new Int32Array(16);
  readonly pendingByCore: number[] = [];
  effects: SchedulerEffect[] = [];
  now: Millis = millis(0);
  cause: SchedulerEvent['type'] = 'task-submitted';
  /** Something may have become placeable. */
  dirty = false;
  /** Of resources and implementations: hosts of a ready class are valid for one. */
  epoch = 0;

  constructor(options: CoreOptions) {
    this.options = options;
    this.historySize = options.historySize ?? DEFAULT_HISTORY;
    this.maxLosses = options.maxLosses ?? DEFAULT_MAX_LOSSES;
  }

  emit(effect: SchedulerEffect): void {
    this.effects.push(effect);
  }

  needFor(constraints: Constraints): Need {
    const key = JSON.stringify(constraints);
    let need = this.#needByKey.get(key);
    if (need === undefined) {
      need = makeNeed(this.needs.length, constraints);
      this.needs.push(need);
      this.#needByKey.set(key, need);
    }
    return need;
  }

  taskId(row: number): TaskId {
    return this.tasks.idOf(row) as TaskId;
  }

  versionId(row: number): VersionId {
    return this.versions.idOf(row) as VersionId;
  }

  taskName(row: number): string {
    return `t${this.tasks.number[row]}`;
  }

  versionName(row: number): string {
    return `d${this.data.number[this.versions.datum[row]!]}v${this.versions.number[row]}`;
  }

  signature(row: number): string {
    return this.elements[this.tasks.core[row]!]?.signature ?? 'unknown';
  }
}
