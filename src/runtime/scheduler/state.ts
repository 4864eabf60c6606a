import type { Millis } from '../../common/brand.ts';
import { Registry } from '../data/registry.ts';
import type { AccessAnalysis } from '../graph/access-analysis.ts';
import type { Failure } from '../graph/failure.ts';
import type { CommuteGroup, Commuting, SharedGroup } from '../graph/groups.ts';
import type { CoreElement } from '../model/core-element.ts';
import type { InvocationId, ResourceId, ScopeId, TaskId, VersionId, WaitId } from '../model/ids.ts';
import { NONE } from '../model/ids.ts';
import type { InvocationOutcome, OutputReport, TaskOutcome } from '../model/outcome.ts';
import { NeedTable } from './constraints.ts';
import type { Explanation } from './core.ts';
import type { Durations } from './durations.ts';
import type { SchedulerEffect } from './effects.ts';
import { InvocationRows } from './invocation-rows.ts';
import type { PlacementPolicy } from './policies/policy.ts';
import type { ReadyClass } from './ready-class.ts';
import { ReadyQueues } from './ready-queues.ts';
import type { ReplayOffer, ReplayTable } from './replay-table.ts';
import type { ResourceClass } from './resource-classes.ts';
import type { Resource } from './resources.ts';
import type { ScopeState } from './scope-state.ts';
import { Stories } from './story.ts';
import { TaskRows } from './task-rows.ts';
import type { Transfer } from './transfers.ts';
import { STATUSES } from './transitions.ts';
import type { Wait } from './waits.ts';

/** What the options of `createCore` come to. */
export interface CoreSettings {
  readonly policy: PlacementPolicy;
  readonly maxLosses: number;
  readonly lineageMaxTasks: number;
  readonly historySize: number;
  readonly reportCompleted: boolean;
}

/** A core element as registered, with what its implementations need by their own constraints. */
export interface RegisteredElement {
  element: CoreElement;
  needs: readonly number[];
  /** Submitted tasks that do not run yet. */
  pending: number;
  /** Next resource in turn, for distributed tasks. */
  turn: number;
}

export type CompletedOutcome = Extract<InvocationOutcome, { readonly status: 'completed' | 'exception' }>;

/** How the attempts of a task that runs on every node have ended so far. */
export interface CopyResults {
  completed: number;
  /** What the first that completed has made. */
  reports: readonly OutputReport[];
  /** Outputs that are not freed before all have ended. */
  kept: readonly number[];
  /** The first that did not complete. */
  other: { readonly outcome: InvocationOutcome; readonly resource: Resource } | undefined;
}

/** Everything the core knows. Only `step` changes it; every module beside this one is functions over it. */
export class CoreState {
  readonly settings: CoreSettings;
  readonly tasks = new TaskRows(1024);
  readonly registry = new Registry(this.tasks);
  readonly invocations = new InvocationRows(256);
  readonly needs = new NeedTable();
  readonly elements: (RegisteredElement | undefined)[] = [];
  readonly durations: Durations;
  readonly scopes = new Map<ScopeId, ScopeState>();

  /** By row; rows are never recycled. */
  readonly resources: Resource[] = [];
  readonly resourceRows = new Map<ResourceId, number>();
  readonly resourceClasses = new Map<string, ResourceClass>();
  /** Resources that take work. */
  activeResources = 0;
  /** Changes when a class of resources appears or goes, or a core element gets an implementation. */
  epoch = 0;
  readonly ready = new ReadyQueues(this.tasks);

  readonly waits = new Map<WaitId, Wait>();
  /** Data waits by version row; waits for tasks by task row. */
  readonly versionWaits = new Map<number, Wait[]>();
  readonly taskWaits = new Map<number, Wait[]>();
  readonly transfers = new Map<number, Transfer>();
  /** Transfers of a version that failed in a row. */
  readonly strikes = new Map<number, number>();
  /** Versions that an attempt did not get, until its end is told. */
  readonly missed = new Set<number>();

  /** CONCURRENT groups by version row, until all members have settled and nobody can join. */
  readonly shared = new Map<number, SharedGroup>();
  /** COMMUTATIVE groups: by id until dissolved, by datum row while open, by member task row. */
  readonly commutes = new Map<number, CommuteGroup>();
  readonly openCommutes = new Map<number, CommuteGroup>();
  readonly commuting = new Map<number, readonly Commuting[]>();
  nextCommute = 0;

  /** Of tasks that have failed or were cancelled, or are about to be. */
  readonly failures = new Map<number, Failure>();
  readonly recomputes = new Map<number, TaskId>();
  /** What lost or failed attempts of a task completed before, by the row of the task. */
  readonly replays = new Map<number, ReplayTable>();
  /** What an earlier life of this agent has completed, by the key of the parent, until that submits again. */
  readonly offers = new Map<string, ReplayOffer>();
  /** Scopes whose parent is an attempt, by its row. */
  readonly children = new Map<number, ScopeState[]>();
  /** Attempts whose code has completed, while their children have not. */
  readonly draining = new Map<number, CompletedOutcome>();
  /** Further resource rows of attempts that run on several nodes. */
  readonly companions = new Map<number, readonly number[]>();
  readonly leaving = new Set<Resource>();
  /** Live attempts of tasks that run one on each of several nodes; what became of the others. */
  readonly copies = new Map<number, number[]>();
  readonly copyResults = new Map<number, CopyResults>();

  /** Settled tasks that are kept for people: a ring of task rows. */
  readonly history: Int32Array;
  historyStart = 0;
  historyCount = 0;
  readonly stories = new Stories();

  /** Tasks that must fail or be cancelled because of an input: worked off after the event. */
  readonly doomed: number[] = [];
  /** Settled tasks that no pending version leads to any more. */
  readonly settledEdges: number[] = [];
  /** Attempts whose last child has ended: they complete after the event. */
  readonly drained: number[] = [];
  /** Resources with other free units than before: served after the event. */
  readonly freed: Resource[] = [];
  /** Resources that have left: told after the frees on them. */
  readonly drainedResources: ResourceId[] = [];
  /** Resources with attempts that were sent ahead. */
  readonly queuedOn = new Set<Resource>();
  /** Of the task that is completing, when there is more to say than that. */
  completion: TaskOutcome | undefined;
  /** Bound by `createCore`, since the rules of both lead into each other. */
  analysis!: AccessAnalysis;
  /** The bytes of a version are needed: if they were lost it is written again, or fails. */
  demand!: (version: number) => void;
  /** For every resource why it does not take a task of the queue now. */
  explainResources!: (queue: ReadyClass) => Explanation['resources'];
  readonly effects: SchedulerEffect[] = [];
  at = 0 as Millis;
  /** Code of the event at hand. */
  cause = 0;

  /** Tasks by status code. */
  readonly counts: number[] = STATUSES.map(() => 0);
  submitted = 0;
  completed = 0;
  failed = 0;
  cancelled = 0;
  rerun = 0;
  recomputed = 0;
  ignored = 0;
  /** Attempts sent ahead; recalls under way. */
  queued = 0;
  recalling = 0;

  constructor(settings: CoreSettings, durations: Durations) {
    this.settings = settings;
    this.durations = durations;
    this.history = new Int32Array(settings.historySize);
  }

  get self(): Resource | undefined {
    return this.registry.self === NONE ? undefined : this.resources[this.registry.self];
  }

  resourceOf(id: ResourceId): Resource | undefined {
    const row = this.resourceRows.get(id);
    return row === undefined ? undefined : this.resources[row];
  }

  taskId(row: number): TaskId {
    return this.tasks.idOf(row) as TaskId;
  }

  versionId(row: number): VersionId {
    return this.registry.versions.idOf(row) as VersionId;
  }

  invocationId(row: number): InvocationId {
    return this.invocations.idOf(row) as InvocationId;
  }

  signature(task: number): string {
    return this.elements[this.tasks.core[task]!]?.element.signature ?? `core ${this.tasks.core[task]}`;
  }
}
