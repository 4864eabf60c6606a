/**
 * What the REST interface needs from the runtime. `routes/` and the things around it (event streams, callbacks, exports,
 * metrics) see nothing else, so they run over any implementation.
 *
 * Errors are `RuntimeError`s: their code decides the HTTP status. Views are plain data, made on demand.
 */
import type { ErrorInfo } from '../common/errors.ts';
import type {
  ApplicationId,
  ApplicationLanguage,
  EndApplication,
  NewResource,
  ReduceResource,
  StartApplication,
} from '../contracts/agent/model.ts';
import type { ResourceDescription } from '../runtime/model/resource.ts';
import type { TaskStatus } from '../runtime/model/task.ts';
import type { StoreStats } from '../runtime/ports.ts';

export const APPLICATION_STATUSES = ['accepted', 'running', 'completed', 'failed', 'cancelled', 'lost'] as const;
export type ApplicationStatus = (typeof APPLICATION_STATUSES)[number];

/** No event follows one of these. */
export const hasEnded = (status: ApplicationStatus): boolean => status !== 'accepted' && status !== 'running';

export interface TaskCounts {
  readonly submitted: number;
  readonly blocked: number;
  readonly ready: number;
  readonly running: number;
  readonly completed: number;
  readonly failed: number;
  readonly cancelled: number;
}

export interface ApplicationView {
  readonly id: ApplicationId;
  readonly status: ApplicationStatus;
  readonly language: ApplicationLanguage;
  readonly className: string;
  readonly methodName: string;
  /** Node that runs (or ran) the main function; absent until it started. */
  readonly node?: string;
  /** Wall-clock milliseconds. */
  readonly createdAt: number;
  readonly startedAt?: number;
  readonly endedAt?: number;
  /** The nested tasks of every depth that this agent knows of; without the main itself. */
  readonly tasks: TaskCounts;
  /** Completed tasks by node. */
  readonly completedByNode: Readonly<Record<string, number>>;
  /** When failed, cancelled or lost: with the chain of causes. */
  readonly error?: ErrorInfo;
}

/** A value that the application gave back, decoded. */
export interface ResultValue {
  /** 'return' or the parameter's direction. */
  readonly from: 'return' | 'OUT' | 'INOUT' | 'CONCURRENT' | 'COMMUTATIVE';
  /** Index among the returns, or of the parameter. */
  readonly index: number;
  readonly name?: string;
  /** Any value a task can return: typed arrays, Map, Date and bigint included. Files: absent, see `path`. */
  readonly value?: unknown;
  /** Files and directories: where they are on this agent. */
  readonly path?: string;
  /** Where COMPSs's dialect says the value is. */
  readonly locations?: readonly string[];
}

/** `seq` is dense from 1 in each application: the id of the event stream. */
export type ApplicationEvent = {
  readonly application: ApplicationId;
  readonly seq: number;
  readonly at: number;
} & ApplicationEventBody;

export type ApplicationEventBody =
  /** `status` changed; `view` is as of then. The last one of an application has an ended status. */
  | { readonly type: 'status'; readonly view: ApplicationView }
  /** Counts changed; at most a few a second, and once before an ended status. */
  | {
      readonly type: 'progress';
      readonly tasks: TaskCounts;
      readonly completedByNode: Readonly<Record<string, number>>;
    }
  /** Something the user should know (ERR_UNSCHEDULABLE, ERR_REPLAY_DIVERGED). */
  | { readonly type: 'notice'; readonly error: ErrorInfo };

export type EventListener = (events: readonly ApplicationEvent[]) => void;

export interface Page {
  readonly limit: number;
  /** Ids created before this one. */
  readonly before?: ApplicationId;
  readonly status?: ApplicationStatus;
}

export interface LogQuery {
  readonly stream: 'stdout' | 'stderr';
  /** `t42`: that task; absent: the main function. */
  readonly task?: string;
  /** From 1; absent: the last one. */
  readonly attempt?: number;
  /** Bytes to skip. */
  readonly offset: number;
  /** Go on until the attempt ends. */
  readonly follow: boolean;
  readonly signal: AbortSignal;
}

/** Ids as printed: `t42`, `d3v2`. */
export interface GraphData {
  readonly tasks: readonly {
    readonly id: string;
    readonly signature: string;
    readonly status: TaskStatus;
    readonly node?: string;
    readonly attempts: number;
    /** More than 1: a multi-node task. */
    readonly computingNodes?: number;
    readonly group?: string;
    readonly recomputes?: string;
  }[];
  readonly edges: readonly { readonly from: string; readonly to: string; readonly version: string }[];
  /** Points where the submitter waited: for the versions, or (empty) for everything before. */
  readonly syncs: readonly { readonly waitedFor: readonly { readonly task: string; readonly version?: string }[] }[];
  /** Tasks that are older than the history the agent keeps. */
  readonly forgotten: number;
}

/** Wall-clock milliseconds with fractions; an absent end is "still going on". */
export interface TimelineData {
  readonly attempts: readonly {
    readonly task: string;
    readonly attempt: number;
    readonly signature: string;
    readonly node: string;
    /** Dense from 0 on each node; absent: the exporter packs them. */
    readonly slot?: number;
    readonly startedAt: number;
    readonly endedAt?: number;
    readonly status: string;
  }[];
  readonly transfers: readonly {
    readonly version: string;
    readonly from?: string;
    readonly to: string;
    readonly bytes: number;
    readonly startedAt: number;
    readonly endedAt?: number;
    readonly failed?: boolean;
  }[];
}

export interface TaskExplanation {
  readonly task: string;
  readonly status: TaskStatus;
  readonly summary: string;
  readonly waitsFor: readonly { readonly version: string; readonly writer?: string; readonly status?: TaskStatus }[];
  readonly resources: readonly { readonly name: string; readonly reason: string }[];
}

export interface TaskStory {
  readonly task: string;
  readonly signature: string;
  readonly entries: readonly {
    readonly at: number;
    readonly from: TaskStatus;
    readonly to: TaskStatus;
    readonly cause: string;
    readonly node?: string;
  }[];
}

export interface ResourceView {
  readonly description: ResourceDescription;
  readonly self: boolean;
  readonly state: 'connecting' | 'active' | 'shrinking' | 'leaving';
  readonly freeCpus: number;
  readonly running: number;
  readonly queued: number;
  readonly completed: number;
  readonly pid?: number;
  readonly bytesIn?: number;
  readonly bytesOut?: number;
}

/** Times of the attempts that ran on this node, by signature; milliseconds. */
export interface CoreElementStats {
  readonly signature: string;
  readonly executed: number;
  readonly pending: number;
  readonly running: number;
  readonly minMs?: number;
  readonly averageMs?: number;
  readonly maxMs?: number;
}

export interface AgentStats {
  readonly applications: Readonly<Record<ApplicationStatus, number>>;
  readonly tasks: TaskCounts & { readonly rerun: number; readonly recomputed: number; readonly ignored: number };
  readonly coreElements: readonly CoreElementStats[];
  readonly store: StoreStats;
  readonly transfers: {
    readonly bytesIn: number;
    readonly bytesOut: number;
    readonly pulls: number;
    readonly failures: number;
  };
  readonly liveVersions: number;
  readonly loopLagMs: number;
}

/** The data that this agent knows of, biggest first. */
export interface DataReport {
  readonly store: StoreStats;
  readonly transfers: AgentStats['transfers'];
  readonly versions: readonly {
    readonly version: string;
    readonly kind: string;
    readonly name?: string;
    readonly bytes: number;
    readonly holders: readonly string[];
  }[];
  readonly total: number;
}

/** The end of a task of another agent. */
export type TaskEnd = Pick<EndApplication, 'outputs' | 'ranMs'> & { readonly exception?: ErrorInfo };

export interface AgentBackend {
  readonly name: string;
  /** New at every start of the process. */
  readonly incarnation?: string;

  /**
   * Accepts the call and returns; what happens then is told by events. Rejects when it can be told at once that the call
   * cannot run (module outside the code path, shutting down).
   */
  startApplication(request: StartApplication, context: CallContext): Promise<ApplicationId>;
  application(id: ApplicationId): ApplicationView | undefined;
  /** The request as accepted: kept as long as the application is known. */
  request(id: ApplicationId): StartApplication | undefined;
  listApplications(page: Page): readonly ApplicationView[];
  /** False when it has ended already. Throws ERR_APPLICATION_UNKNOWN. */
  cancelApplication(id: ApplicationId, reason: string): boolean;
  /** Values of a completed application. */
  result(id: ApplicationId): Promise<readonly ResultValue[]>;
  /**
   * Delivers the kept events after `after` at once, then new ones; in batches, in order, synchronously. `'all'`: every
   * application, new events only. Returns the way to stop it.
   */
  subscribe(id: ApplicationId | 'all', after: number, listener: EventListener): () => void;
  /** A callee of ours says how a call ended. False when nothing is known of that call; true when it need not say it again. */
  endApplication(end: EndApplication): Promise<boolean>;
  /** What an ended application holds for the agent that called it, beside its results. */
  taskEnd(id: ApplicationId): TaskEnd | undefined;
  /** The agent that called has been told of the end, or cannot be. */
  release(id: ApplicationId): void;

  log(id: ApplicationId, query: LogQuery): AsyncIterable<Uint8Array>;
  graph(id: ApplicationId): GraphData;
  timeline(id: ApplicationId): TimelineData;
  /** Throws ERR_TASK_UNKNOWN. */
  explain(id: ApplicationId, task: string): TaskExplanation;
  story(id: ApplicationId, task: string): TaskStory;

  resources(): readonly ResourceView[];
  /** Ends when the node is connected (or merged into a known one). */
  addResource(request: NewResource): Promise<void>;
  /** These three end when the request is queued. They throw ERR_RESOURCE_UNKNOWN. */
  reduceResource(request: ReduceResource): void;
  removeNode(name: string): void;
  lostNode(name: string, reason: string): void;

  stats(): AgentStats;
  data(limit: number): DataReport;
  /** Empty when the agent can take work; else why not. */
  notReady(): readonly string[];
  /** Drains and stops the runtime; the REST listener is closed by whoever called. Idempotent. */
  shutdown(reason: string): Promise<void>;
}

export interface CallContext {
  /** W3C traceparent of the caller. */
  readonly trace?: string;
}
