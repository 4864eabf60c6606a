import { type ErrorInfo, RuntimeError } from '../../common/errors.ts';
import { decode, encode } from '../data/value-codec.ts';
import type { CoreElement } from '../model/core-element.ts';
import type { CoreId, GroupId, Handle, VersionId, WaitId } from '../model/ids.ts';
import { NONE } from '../model/ids.ts';
import type { TaskSpec } from '../model/task.ts';
import type { DatumContent, ExecutorHost, Scope, ScopeOwner, WaitResult } from '../ports.ts';
import type { BatchReader } from './batch.ts';
import { FROM_THREAD, TO_THREAD } from './protocol.ts';
import type { Run } from './run.ts';
import { writeContent } from './run-record.ts';
import {
  type RecordContent,
  readCancel,
  readContentOf,
  readDeclaration,
  readSubmission,
  readTarget,
} from './scope-records.ts';

export interface NestedEvents {
  /** A wait has ended: `deliver` when the attempt may go on. */
  ready(): void;
}

/** A spec that is still being put together. */
type Mutable<T> = { -readonly [K in keyof T]: T[K] };

interface EndedWait {
  readonly wait: number;
  readonly result: WaitResult;
}

/** The executor's end of the scope of one attempt: plays the records of its thread on the host's Scope. */
export class NestedScope {
  /** Results sent to the thread: a SUSPENDED that has seen fewer is out of date. */
  delivered = 0;
  readonly #run: Run;
  readonly #host: ExecutorHost;
  readonly #events: NestedEvents;
  readonly #scope: Scope;
  readonly #groups: GroupId[] = [];
  /** By the thread's number of the wait: not ended, then ended and not delivered, then delivered and not read. */
  readonly #waits = new Map<number, WaitId>();
  #results: EndedWait[] = [];
  readonly #unread = new Map<number, readonly VersionId[]>();
  #tasks: TaskSpec[] = [];
  #detached = false;

  constructor(run: Run, host: ExecutorHost, events: NestedEvents) {
    this.#run = run;
    this.#host = host;
    this.#events = events;
    this.#scope = host.scope(run.request.invocation, this.#owner());
  }

  get hasResults(): boolean {
    return this.#results.length > 0;
  }

  call(record: number, batch: BatchReader): void {
    if (record === FROM_THREAD.SUBMIT) {
      this.#submit(batch);
      return;
    }
    this.flush();
    switch (record) {
      case FROM_THREAD.ELEMENT:
        this.#run.lane!.elements[batch.word()] = decode(batch.view(), { copy: true }) as CoreElement;
        break;
      case FROM_THREAD.WAIT:
        this.#wait(batch);
        break;
      case FROM_THREAD.ABANDON:
        this.#abandon(batch.word());
        break;
      case FROM_THREAD.UNPIN:
        this.#read(batch.word());
        break;
      case FROM_THREAD.RELEASE:
        this.#scope.release([batch.word() as Handle]);
        break;
      case FROM_THREAD.DECLARE: {
        const { handle, kind, name } = readDeclaration(batch);
        this.#scope.declare(handle, kind, this.#content(readContentOf(batch)), name);
        break;
      }
      case FROM_THREAD.WRITTEN:
        this.#scope.written(batch.word() as Handle, this.#content(readContentOf(batch)));
        break;
      case FROM_THREAD.OPEN_GROUP:
        this.#openGroup(batch);
        break;
      case FROM_THREAD.CANCEL: {
        const { target, reason } = readCancel(batch, this.#group);
        this.#scope.cancel(target, reason);
        break;
      }
      default:
        throw new RuntimeError('ERR_INTERNAL', { reason: `record ${record} means nothing` });
    }
  }

  /** Submissions of one batch go on together; anything else sends them first. */
  flush(): void {
    if (this.#tasks.length === 0) return;
    const tasks = this.#tasks;
    this.#tasks = [];
    this.#scope.submit(tasks);
  }

  /** Writes the ended waits to the thread of the attempt. */
  deliver(): void {
    const results = this.#results;
    this.#results = [];
    for (const ended of results) this.#write(ended);
  }

  /** The attempt has ended: what it waited for is of no interest. The scope is closed by the host. */
  detach(): void {
    if (this.#detached) return;
    this.flush();
    this.#detached = true;
    for (const wait of this.#waits.values()) this.#scope.abandon(wait);
    this.#waits.clear();
    for (const { result } of this.#results) if (result.status === 'satisfied') this.#unpin(result.versions);
    this.#results = [];
    for (const versions of this.#unread.values()) this.#unpin(versions);
    this.#unread.clear();
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

  #submit(batch: BatchReader): void {
    const task = readSubmission(batch);
    const core = this.#coreId(task.core);
    const spec: Mutable<TaskSpec> = task as Mutable<TaskSpec>;
    spec.scope = this.#scope.id;
    spec.core = core;
    if (task.groups !== undefined) spec.groups = task.groups.map(this.#group);
    const { key } = this.#run.request;
    if (key !== undefined) spec.key = `${key}/${task.seq}`;
    this.#tasks.push(spec);
  }

  /** The thread numbers its elements itself; the agent's number is asked for once per thread. */
  #coreId(local: number): CoreId {
    const lane = this.#run.lane!;
    lane.coreIds[local] ??= this.#scope.register(lane.elements[local]!);
    return lane.coreIds[local];
  }

  readonly #group = (local: number): GroupId => {
    const group = this.#groups[local];
    if (group === undefined) throw new RuntimeError('ERR_INTERNAL', { reason: `group ${local} was not opened` });
    return group;
  };

  #openGroup(batch: BatchReader): void {
    const local = batch.word();
    const parent = batch.word();
    const name = batch.text();
    this.#groups[local] = this.#scope.openGroup(name, parent === NONE ? undefined : this.#group(parent));
  }

  #content(content: RecordContent): DatumContent {
    if (content.from !== 'reservation') return content;
    return { from: 'reservation', reservation: this.#run.lane!.takeReservation(content.id), length: content.length };
  }

  #wait(batch: BatchReader): void {
    const wait = batch.word();
    const target = readTarget(batch, this.#group);
    let ended = false;
    const id = this.#scope.wait(target, (result) => {
      ended = true;
      this.#waits.delete(wait);
      if (this.#detached) {
        if (result.status === 'satisfied') this.#unpin(result.versions);
        return;
      }
      this.#results.push({ wait, result });
      this.#events.ready();
    });
    if (!ended) this.#waits.set(wait, id);
  }

  #abandon(wait: number): void {
    const id = this.#waits.get(wait);
    if (id === undefined) return;
    this.#waits.delete(wait);
    this.#scope.abandon(id);
  }

  #write({ wait, result }: EndedWait): void {
    const { out, slabNumber } = this.#run.lane!;
    this.delivered += 1;
    out.word(TO_THREAD.WAIT_DONE);
    out.word(this.#run.slot);
    out.word(wait);
    if (result.status === 'failed') {
      out.word(NONE);
      out.bytes(encode(result.error));
      return;
    }
    const { versions } = result;
    let inMessage = true;
    out.word(versions.length);
    for (const version of versions) {
      const value = this.#host.store.acquire(version);
      if (value !== undefined) {
        if (value.in !== 'memory') inMessage = false;
        this.#host.store.release(version);
      }
      writeContent(out, value, slabNumber);
    }
    if (inMessage) this.#unpin(versions);
    else this.#unread.set(wait, versions);
  }

  #read(wait: number): void {
    const versions = this.#unread.get(wait);
    if (versions === undefined) return;
    this.#unread.delete(wait);
    this.#unpin(versions);
  }

  #unpin(versions: readonly VersionId[]): void {
    if (versions.length > 0) this.#scope.unpin(versions);
  }
}
