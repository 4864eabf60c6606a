import { type ErrorInfo, RuntimeError } from '../../../common/errors.ts';
import type { CoreId, GroupId, Handle, VersionId, WaitId } from '../../model/ids.ts';
import { NONE } from '../../model/ids.ts';
import type { TaskSpec } from '../../model/task.ts';
import type { DatumContent, ExecutorHost, Scope, ScopeOwner, WaitResult } from '../../ports.ts';
import type { FrameReader } from './frame.ts';
import {
  FROM_PYTHON,
  type PythonDeclared,
  readCancel,
  readDeclaration,
  readDeclared,
  readElement,
  readSubmission,
  readTarget,
  writeWaitDone,
  writeWaitFailed,
} from './records.ts';
import type { PythonRun } from './run.ts';
import type { SharedFiles } from './shared-files.ts';

export interface ScopeEvents {
  /** The attempt does nothing but wait. */
  waiting(): void;
  /** Its wait has ended: `deliver` when it may go on. */
  ready(): void;
}

/** The executor's end of the scope of one attempt: plays the records of its process on the host's Scope. */
export class PythonScope {
  readonly #run: PythonRun;
  readonly #host: ExecutorHost;
  readonly #files: SharedFiles;
  readonly #events: ScopeEvents;
  readonly #scope: Scope;
  readonly #groups: GroupId[] = [];
  readonly #waits = new Map<number, WaitId>();
  #results: { readonly wait: number; readonly result: WaitResult }[] = [];
  /** Delivered and not read: pinned until then. */
  readonly #unread = new Map<number, readonly VersionId[]>();
  #tasks: TaskSpec[] = [];
  #detached = false;

  constructor(run: PythonRun, host: ExecutorHost, files: SharedFiles, events: ScopeEvents) {
    this.#run = run;
    this.#host = host;
    this.#files = files;
    this.#events = events;
    this.#scope = host.scope(run.request.invocation, this.#owner());
  }

  get hasResults(): boolean {
    return this.#results.length > 0;
  }

  call(record: number, frame: FrameReader): void {
    if (record === FROM_PYTHON.SUBMIT) {
      this.#submit(frame);
      return;
    }
    this.flush();
    switch (record) {
      case FROM_PYTHON.ELEMENT:
        this.#element(frame.word(), frame);
        break;
      case FROM_PYTHON.WAIT:
        this.#wait(frame.word(), frame);
        break;
      case FROM_PYTHON.UNPIN:
        this.#read(frame.word());
        break;
      case FROM_PYTHON.RELEASE:
        this.#scope.release(frame.words(frame.word()) as Handle[]);
        break;
      case FROM_PYTHON.DECLARE: {
        const { handle, kind, name } = readDeclaration(frame);
        this.#scope.declare(handle, kind, this.#contentOf(readDeclared(frame)), name);
        break;
      }
      case FROM_PYTHON.WRITTEN:
        this.#scope.written(frame.word() as Handle, this.#contentOf(readDeclared(frame)));
        break;
      case FROM_PYTHON.OPEN_GROUP:
        this.#openGroup(frame.word(), frame.word(), frame.text());
        break;
      case FROM_PYTHON.CANCEL: {
        const { target, reason } = readCancel(frame, this.#group);
        this.#scope.cancel(target, reason);
        break;
      }
      default:
        throw new RuntimeError('ERR_INTERNAL', { reason: `record ${record} means nothing` });
    }
  }

  /** Submissions of one frame go on together; anything else sends them first. */
  flush(): void {
    if (this.#tasks.length === 0) return;
    const tasks = this.#tasks;
    this.#tasks = [];
    this.#scope.submit(tasks);
  }

  /** Writes the ended waits to the process of the attempt. */
  deliver(): void {
    const results = this.#results;
    this.#results = [];
    for (const { wait, result } of results) this.#write(wait, result);
  }

  /** The attempt has ended: what it waited for is of no interest. The scope is closed by the host. */
  detach(): void {
    if (this.#detached) return;
    this.flush();
    this.#detached = true;
    for (const wait of this.#waits.values()) this.#scope.abandon(wait);
    this.#waits.clear();
    for (const { result } of this.#results) if (result.status === 'satisfied') this.#scope.unpin(result.versions);
    this.#results = [];
    for (const wait of [...this.#unread.keys()]) this.#read(wait);
  }

  #owner(): ScopeOwner {
    const { request } = this.#run;
    return {
      name: request.signature,
      parent: request.invocation,
      ...(request.key === undefined ? {} : { key: request.key }),
      settled: () => undefined,
      notice: (error) => this.#notice(error),
      ended: () => undefined,
    };
  }

  /** What the runtime has to say of its tasks goes where the attempt writes its errors. */
  #notice(error: ErrorInfo): void {
    if (this.#detached) return;
    this.#host.output(this.#run.request.invocation, 'stderr', Buffer.from(`${error.code}: ${error.message}\n`));
  }

  #submit(frame: FrameReader): void {
    const call = readSubmission(frame);
    const { key } = this.#run.request;
    this.#tasks.push({
      ...call,
      core: this.#coreId(call.core),
      scope: this.#scope.id,
      ...(call.groups === undefined ? undefined : { groups: call.groups.map(this.#group) }),
      ...(key === undefined ? undefined : { key: `${key}/${call.seq}` }),
    });
  }

  /** The process numbers its elements itself; the agent is asked once for each process, and when one has grown. */
  #element(local: number, frame: FrameReader): void {
    const worker = this.#run.worker!;
    worker.elements[local] = readElement(frame);
    worker.coreIds[local] = this.#scope.register(worker.elements[local]);
  }

  #coreId(local: number): CoreId {
    const core = this.#run.worker!.coreIds[local];
    if (core === undefined) throw new RuntimeError('ERR_INTERNAL', { reason: `element ${local} was not registered` });
    return core;
  }

  readonly #group = (local: number): GroupId => {
    const group = this.#groups[local];
    if (group === undefined) throw new RuntimeError('ERR_INTERNAL', { reason: `group ${local} was not opened` });
    return group;
  };

  #openGroup(local: number, parent: number, name: string): void {
    this.#groups[local] = this.#scope.openGroup(name, parent === NONE ? undefined : this.#group(parent));
  }

  #wait(wait: number, frame: FrameReader): void {
    const target = readTarget(frame, this.#group);
    let ended = false;
    const id = this.#scope.wait(target, (result) => {
      ended = true;
      this.#waits.delete(wait);
      if (this.#detached) {
        if (result.status === 'satisfied') this.#scope.unpin(result.versions);
        return;
      }
      this.#results.push({ wait, result });
      this.#events.ready();
    });
    if (ended) return;
    this.#waits.set(wait, id);
    // What is there already comes before this: then its units need not change hands twice.
    setImmediate(() => {
      if (this.#waits.has(wait) && !this.#detached) this.#events.waiting();
    });
  }

  #write(wait: number, result: WaitResult): void {
    const { index } = this.#run;
    const { out } = this.#run.worker!;
    if (result.status === 'failed') {
      writeWaitFailed(out, index, wait, result.error);
      return;
    }
    const { versions } = result;
    const { store } = this.#host;
    const contents = versions.map((version) => {
      const value = store.acquire(version);
      if (value !== undefined) store.release(version);
      return this.#files.content(version, value);
    });
    writeWaitDone(out, index, wait, contents);
    if (contents.every((content) => content.in !== 'file')) this.#scope.unpin(versions);
    else this.#unread.set(wait, versions);
  }

  #read(wait: number): void {
    const versions = this.#unread.get(wait);
    if (versions === undefined) return;
    this.#unread.delete(wait);
    for (const version of versions) this.#files.release(version);
    this.#scope.unpin(versions);
  }

  #contentOf(declared: PythonDeclared): DatumContent {
    if (declared.from !== 'shared') return declared;
    return { from: 'path', path: this.#files.adopt(declared.path), length: declared.length, encoded: true };
  }
}
