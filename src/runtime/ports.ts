/**
 * What the dispatcher needs from the outside, and what it offers to those who submit tasks. `offloader/`,
 * `runtime/executor/` and `runtime/data/` implement the first half; interfaces only.
 *
 * Nothing on these paths returns a promise per task: batches go in, callbacks come out.
 */
import type { ErrorInfo } from '../common/errors.ts';
import type { Access, DatumKind } from './model/access.ts';
import type { CoreElement, Implementation } from './model/core-element.ts';
import type { CoreId, GroupId, Handle, InvocationId, ScopeId, TaskId, VersionId, WaitId } from './model/ids.ts';
import type { InvocationOutcome, TaskOutcome } from './model/outcome.ts';
import type { Constraints, ResourceDescription } from './model/resource.ts';
import type { TaskSpec } from './model/task.ts';
import type { Booking, WaitResult } from './scheduler/effects.ts';
import type { CancelTarget, WaitTarget } from './scheduler/events.ts';

export type { Booking, CancelTarget, WaitResult, WaitTarget };

// ---------------------------------------------------------------------------------------------- data

/**
 * Name of a version between agents: `<incarnation of the agent that named it>/<its VersionId>`. An agent that is called
 * keeps the caller's key as an alias of its own VersionId.
 */
export type DataKey = string;

/** Where a version can be pulled from. Good until `ticket` expires. */
export interface DataSource {
  /** Name of the holder, for messages and for "nearest first". */
  readonly node: string;
  readonly host: string;
  readonly port: number;
  readonly key: DataKey;
  /** HMAC ticket of the holder's link (see data/ticket.ts); empty for a path on this machine. */
  readonly ticket: string;
  /** Files only: a path that this machine can open itself (shared storage, same host). */
  readonly path?: string;
}

/** A sealed value on this node. Encoded as data/value-codec.ts says, whatever holds it. */
export type StoredValue =
  | { readonly in: 'memory'; readonly bytes: Uint8Array }
  /** A region of a shared slab: any thread may build views on it while it is pinned. */
  | { readonly in: 'slab'; readonly slab: SharedArrayBuffer; readonly offset: number; readonly length: number }
  /** Files and directories (their own content, not encoded); spilled values (encoded). */
  | {
      readonly in: 'file';
      readonly path: string;
      readonly length: number;
      /** The file holds one encoded value, as a region would; else it is a file or directory datum itself. */
      readonly encoded?: boolean;
    };

/** A region that a writer fills before sealing. */
export interface Reservation {
  readonly slab: SharedArrayBuffer;
  readonly offset: number;
  readonly length: number;
}

/** The values that this node holds, by its own VersionIds. Values at or below `INLINE_BYTES` stay on the heap. */
export interface ObjectStore extends AsyncDisposable {
  /** Takes ownership of `bytes`. */
  putInline(version: VersionId, bytes: Uint8Array): void;
  /**
   * Takes a file or directory as the content of the version; `owned`: delete it when the version is freed; `encoded`: it
   * holds an encoded value, which processes map.
   */
  putFile(version: VersionId, path: string, length: number, owned: boolean, encoded?: boolean): void;
  /**
   * Shared memory to write into. May spill sealed values to make room; throws ERR_STORE_FULL when neither memory nor the
   * spill disk has room. Synchronous, so that a task may allocate in the middle of its code.
   */
  reserve(bytes: number): Reservation;
  /** Makes a reservation (or its first `length` bytes) the content of the version. */
  seal(version: VersionId, reservation: Reservation, length?: number): void;
  discard(reservation: Reservation): void;
  has(version: VersionId): boolean;
  size(version: VersionId): number;
  /** Pins the value: it is neither spilled nor reused until as many `release`s. A spilled value is brought back. */
  acquire(version: VersionId): StoredValue | undefined;
  release(version: VersionId): void;
  /** Drops the value once nobody has it pinned. Unknown versions are ignored. */
  free(version: VersionId): void;
  stats(): StoreStats;
}

export interface StoreStats {
  readonly versions: number;
  readonly pinned: number;
  /** Heap bytes of inline values; bytes of sealed and reserved regions; bytes of slabs; bytes on the spill disk. */
  readonly inlineBytes: number;
  readonly regionBytes: number;
  readonly slabBytes: number;
  readonly spilledBytes: number;
}

/** Moves versions between nodes: the data port's server and client. */
export interface DataMover extends AsyncDisposable {
  readonly port: number;
  /** The version answers to this foreign name too, until freed. */
  alias(key: DataKey, version: VersionId): void;
  resolve(key: DataKey): VersionId | undefined;
  /**
   * Brings a version into the store from the first source that works. Pulls of one version are merged; `done` runs once,
   * with the size or with the reason of the last source's failure.
   */
  pull(version: VersionId, kind: DatumKind, sources: readonly DataSource[], done: PullDone): void;
  /** The waiters so far get ERR_TRANSFER_CANCELLED. */
  cancelPull(version: VersionId): void;
  /**
   * Asked when a reader with a good ticket wants a version that is known and not here: `provide` brings it, if it can.
   */
  onMissing?(provide: (version: VersionId, reader: string, done: PullDone) => void): void;
  /** A ticket that lets `reader` pull `keys` from this node. */
  ticket(reader: string, keys: readonly DataKey[]): string;
  /** The key that a peer signs tickets for this node's data with; sent to it over the control link. */
  linkKey(issuer: string): string;
  stats(): { readonly bytesIn: number; readonly bytesOut: number; readonly pulls: number; readonly failures: number };
}

export type PullDone = (result: { readonly bytes: number } | { readonly error: ErrorInfo }) => void;

// ---------------------------------------------------------------------------------------------- nodes

/** One attempt, as a node gets it. */
export interface LaunchRequest {
  readonly invocation: InvocationId;
  readonly task: TaskId;
  readonly attempt: number;
  readonly core: CoreId;
  readonly signature: string;
  readonly implementation: Implementation;
  readonly booking: Booking;
  readonly args?: Uint8Array | undefined;
  readonly accesses: readonly Access[];
  /** Parallel to `accesses`; NONE where nothing is read. */
  readonly inputs: readonly VersionId[];
  /** In report order: written accesses, then returns. */
  readonly outputs: readonly VersionId[];
  readonly preserveInputs: boolean;
  readonly timeOutMs?: number | undefined;
  /** Stable key of the task: the parent key of what it submits. */
  readonly key?: string | undefined;
  readonly trace?: string | undefined;
  /** Names of the nodes of a multi-node task, master first. */
  readonly hostNames?: readonly string[] | undefined;
  /** The task's own constraints, where it has some: they replace those of the implementation. */
  readonly constraints?: Constraints | undefined;
  /** Names of files and directories, parallel to `accesses`; absent: those of the accesses themselves. */
  readonly names?: readonly (string | undefined)[] | undefined;
}

/** A live node. The dispatcher alone calls it; calls do not throw for what a peer does: they end in the watcher. */
export interface NodeHandle extends AsyncDisposable {
  readonly description: ResourceDescription;
  launch(batch: readonly LaunchRequest[]): void;
  cancel(invocation: InvocationId, reason: string): void;
  recall(invocation: InvocationId): void;
  resume(invocation: InvocationId): void;
  /** Copies a version there; ends in `replicaAdded` or `transferFailed`. Idempotent. */
  stageIn(version: VersionId, kind: DatumKind): void;
  cancelStageIn(version: VersionId): void;
  evict(versions: readonly VersionId[]): void;
  /** How `reader` (a node name) can pull a version held there; undefined when it cannot. */
  source(version: VersionId, reader: string): DataSource | undefined;
  /** This view's capacity changed (addResources, removeResources). */
  resize(description: ResourceDescription): void;
  /** Bytes that the peer's data port has moved, as it last said. */
  traffic?(): { readonly bytesIn: number; readonly bytesOut: number } | undefined;
  /** Process id of the peer where it is known; for `out/result.json` and for people. */
  readonly pid?: number;
}

/** What a node tells the dispatcher. A message about an unknown invocation is counted and ignored there. */
export interface NodeWatcher {
  started(invocation: InvocationId): void;
  settled(invocation: InvocationId, outcome: InvocationOutcome): void;
  suspended(invocation: InvocationId): void;
  /** Only from the local node: it waits for `resume`. */
  resumeRequested(invocation: InvocationId): void;
  /** From peers: they have re-booked. */
  resumed(invocation: InvocationId): void;
  replicaAdded(version: VersionId, bytes: number): void;
  replicaLost(version: VersionId): void;
  transferFailed(version: VersionId, reason: string): void;
  output(invocation: InvocationId, stream: 'stdout' | 'stderr', chunk: Uint8Array): void;
  resized(description: ResourceDescription): void;
  lost(reason: string): void;
}

/** What an adaptor may ask of the agent it works for. */
export interface NodeContext {
  readonly self: AgentIdentity;
  readonly store: ObjectStore;
  readonly mover: DataMover;
  /** Every known way to get a version, nearest first, with tickets for `reader`. */
  sources(version: VersionId, reader: string): readonly DataSource[];
  /** Encoded size as far as it is known; absent: the store's own values only. */
  bytes?(version: VersionId): number;
}

export interface AgentIdentity {
  /** Node name; identity in `addResources`. */
  readonly name: string;
  /** New at every start of the process. */
  readonly incarnation: string;
  readonly host: string;
  readonly dataPort: number;
}

/** Turns a resource spec of one scheme into a live node. One for each transport. */
export interface Adaptor<Spec extends { readonly scheme: string } = { readonly scheme: string }> {
  readonly scheme: Spec['scheme'];
  /** Other names accepted in `addResources` (COMPSs's class names). */
  readonly aliases: readonly string[];
  /** Validates untyped properties; throws ERR_CONFIG_INVALID naming the key. */
  parseSpec(name: string, properties: Readonly<Record<string, string>>): Spec;
  connect(
    spec: Spec,
    description: ResourceDescription,
    context: NodeContext,
    watcher: NodeWatcher,
    signal: AbortSignal,
  ): Promise<NodeHandle>;
}

// ---------------------------------------------------------------------------------------------- executors

/** An attempt whose inputs are on this machine. */
export interface ExecutionRequest extends LaunchRequest {
  /** Parallel to `inputs`; pinned by the caller until the attempt has settled. Undefined where nothing is read. */
  readonly values: readonly (StoredValue | undefined)[];
  /** Device indexes held exclusively. */
  readonly gpus: readonly number[];
  readonly fpgas: readonly number[];
  readonly workingDir: string;
}

/** Runs attempts of some languages on this machine. Has no capacity of its own: the local node admits. */
export interface Executor extends AsyncDisposable {
  readonly languages: readonly string[];
  /** Starts all of them now, in order of the batch; more than one may be given to a thread or process ahead of time. */
  execute(batch: readonly ExecutionRequest[]): void;
  /** Stops the code for good; ends in `settled` with 'cancelled' (or with what it became first). */
  cancel(invocation: InvocationId, reason: string): void;
  /** Gives it back when it has not started: true, and it will not settle. */
  recall(invocation: InvocationId): boolean;
  /** The units of a suspended attempt are booked again: let it go on. */
  resume(invocation: InvocationId): void;
  /** Units it will be given at most at once; it may start or retire threads or processes. */
  resize(slots: number): Promise<void>;
}

/** What an executor tells the local node, and what it may ask. */
export interface ExecutorHost {
  readonly store: ObjectStore;
  started(invocation: InvocationId): void;
  /** Outputs have been put into the store before (inline ones too). */
  settled(invocation: InvocationId, outcome: InvocationOutcome): void;
  suspended(invocation: InvocationId): void;
  resumeRequested(invocation: InvocationId): void;
  output(invocation: InvocationId, stream: 'stdout' | 'stderr', chunk: Uint8Array): void;
  /** The attempt submits tasks: its scope, opened at the first call. Closed by the host when the attempt settles. */
  scope(invocation: InvocationId, owner: ScopeOwner): Scope;
}

// ---------------------------------------------------------------------------------------------- submitters

/** How a declared datum is given. */
export type DatumContent =
  /** `key`: the version answers to this foreign name too. */
  | { readonly from: 'inline'; readonly bytes: Uint8Array; readonly key?: DataKey }
  | { readonly from: 'reservation'; readonly reservation: Reservation; readonly length: number }
  /** A file or directory on this machine; `encoded`: a file with one encoded value, the store's own from now on. */
  | { readonly from: 'path'; readonly path: string; readonly length: number; readonly encoded?: boolean }
  /** Held elsewhere, pulled when needed. */
  | { readonly from: 'sources'; readonly sources: readonly DataSource[]; readonly bytes: number; readonly key: DataKey }
  /** A file that the first task to write it will create; its name is where waitOn brings it. */
  | { readonly from: 'nothing' };

/** What the dispatcher gives to a submitter: an application, a nested parent, a peer link, an embedding program. */
export interface Scope {
  readonly id: ScopeId;
  /** Idempotent by signature. Implementations are added when the signature is known. */
  register(element: CoreElement): CoreId;
  openGroup(name: string, parent?: GroupId): GroupId;
  declare(handle: Handle, kind: DatumKind, content: DatumContent, name?: string): void;
  /** Specs whose `scope` is this one; `seq` dense and rising. */
  submit(tasks: readonly TaskSpec[]): void;
  /** `done` runs once. For data, the versions are pinned until `unpin`. */
  wait(target: WaitTarget, done: (result: WaitResult) => void): WaitId;
  abandon(wait: WaitId): void;
  unpin(versions: readonly VersionId[]): void;
  /** The submitter wrote the datum itself. */
  written(handle: Handle, content: DatumContent): void;
  release(handles: readonly Handle[]): void;
  cancel(target: CancelTarget, reason: string): void;
  /** Takes a task back that has not been given to a node: it settles as cancelled. Else it goes on and settles as usual. */
  recall?(seq: number): void;
  /** What the parent with this key completed in an earlier life of the agent; the data are declared in this scope. */
  offer?(key: string, tasks: readonly OfferedTask[]): void;
  /** With a reason: cancels what has not ended. `owner.ended` follows when the last task has ended. */
  close(cancel?: string): void;
}

/** What a submitter is told. */
export interface ScopeOwner {
  readonly name: string;
  readonly parent?: InvocationId;
  readonly key?: string;
  /** For tasks with `notify`. */
  settled(seq: number, task: TaskId, outcome: TaskOutcome, outputs: readonly VersionId[]): void;
  /** For tasks with `notify`, about their current attempt: a peer passes it on to the agent that called. */
  started?(seq: number): void;
  suspended?(seq: number): void;
  resumed?(seq: number): void;
  output?(seq: number, stream: 'stdout' | 'stderr', chunk: Uint8Array): void;
  notice(error: ErrorInfo): void;
  ended(): void;
}

/** Keeps what has completed beyond the life of this process. */
export interface TaskJournal {
  /** Called while the outputs are still there: whoever wants them later pins them. */
  completed(task: CompletedTask): void;
}

export interface CompletedTask {
  /** Of the parent that submitted it. */
  readonly key: string;
  readonly seq: number;
  readonly digest: number;
  readonly outputs: readonly VersionId[];
}

/** A task that need not run again, with the handles that its outputs have in the scope that offers it. */
export interface OfferedTask {
  readonly seq: number;
  readonly digest: number;
  readonly outputs: readonly Handle[];
}

export interface Clock {
  /** Wall-clock milliseconds with sub-millisecond digits, never going back within a process. */
  now(): number;
}

/** Values at or below this many encoded bytes travel inside messages and live on the heap. */
export const INLINE_BYTES = 65_536;
