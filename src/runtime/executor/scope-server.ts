import type { ErrorInfo } from '../../common/errors.ts';
import { decode, encode } from '../data/value-codec.ts';
import { DATUM_KINDS } from '../model/access.ts';
import type { CoreElement } from '../model/core-element.ts';
import { type CoreId, type GroupId, type Handle, NONE, type VersionId, type WaitId } from '../model/ids.ts';
import type {
  CancelTarget,
  DatumContent,
  ExecutionRequest,
  ExecutorHost,
  Scope,
  WaitResult,
  WaitTarget,
} from '../ports.ts';
import type { BatchReader } from './batch.ts';
import { FROM_THREAD, TO_THREAD } from './protocol.ts';
import { writeContent } from './run-record.ts';
import { GIVEN, readTask, WAITED } from './scope-records.ts';
import type { ThreadHost } from './thread-host.ts';

interface Done {
  readonly wait: number;
  readonly result: WaitResult;
}

/**
 * The executor's end of an attempt that submits tasks: its scope, opened at the first call. Results of waits are held
 * back while the attempt is parked, until its units are booked again.
 */
export class ScopeServer {
  readonly #request: ExecutionRequest;
  readonly #host: ExecutorHost;
  readonly #thread: ThreadHost;
  readonly #slot: number;
  readonly #cores: CoreId[] = [];
  readonly #groups: GroupId[] = [];
  readonly #waits = new Map<number, WaitId>();
  readonly #pinned = new Map<number, readonly VersionId[]>();
  #scope: Scope | undefined;
  #held: Done[] = [];
  #sent = 0;
  #ended = false;
  parked = false;

  constructor(request: ExecutionRequest, host: ExecutorHost, thread: ThreadHost, slot: number) {
    this.#request = request;
    this.#host = host;
    this.#thread = thread;
    this.#slot = slot;
  }

  /** A record of this attempt, after kind and slot. */
  record(kind: number, batch: BatchReader): void {
    switch (kind) {
      case FROM_THREAD.ELEMENT:
        this.#cores[batch.word()] = this.#open().register(decode(batch.view(), { copy: true }) as CoreElement);
        break;
      case FROM_THREAD.SUBMIT:
        this.#submit(batch);
        break;
      case FROM_THREAD.WAIT:
        this.#wait(batch.word(), decode(batch.view(), { copy: true }) as WaitTarget);
        break;
      case FROM_THREAD.ABANDON:
        this.#abandon(batch.word());
        break;
      case FROM_THREAD.UNPIN:
        this.#unpin(batch.word());
        break;
      case FROM_THREAD.RELEASE:
        this.#open().release([batch.word() as Handle]);
        break;
      case FROM_THREAD.OPEN_GROUP:
        this.#openGroup(batch);
        break;
      case FROM_THREAD.CANCEL:
        this.#open().cancel(decode(batch.view(), { copy: true }) as CancelTarget, batch.text());
        break;
      default:
        this.#datum(kind, batch);
    }
  }

  #datum(kind: number, batch: BatchReader): void {
    const handle = batch.word() as Handle;
    if (kind === FROM_THREAD.WRITTEN) {
      this.#open().written(handle, this.#content(batch));
      return;
    }
    const datumKind = DATUM_KINDS[batch.word()]!;
    const content = this.#content(batch);
    const name = batch.text();
    this.#open().declare(handle, datumKind, content, name === '' ? undefined : name);
  }

  #content(batch: BatchReader): DatumContent {
    switch (batch.word()) {
      case GIVEN.INLINE:
        return { from: 'inline', bytes: batch.bytes() };
      case GIVEN.RESERVATION: {
        const reservation = this.#thread.take(batch.word());
        const length = batch.word();
        return reservation === undefined ? { from: 'nothing' } : { from: 'reservation', reservation, length };
      }
      case GIVEN.PATH:
        return { from: 'path', path: batch.text(), length: batch.word() };
      default:
        return { from: 'nothing' };
    }
  }

  #open(): Scope {
    this.#scope ??= this.#host.scope(this.#request.invocation, {
      name: `${this.#request.signature} (t${this.#request.task})`,
      settled: () => undefined,
      notice: () => undefined,
      ended: () => undefined,
    });
    return this.#scope;
  }

  #submit(batch: BatchReader): void {
    const task = readTask(batch);
    const scope = this.#open();
    const { key } = this.#request;
    const core = this.#cores[task.core] ?? (NONE as CoreId);
    scope.submit([{ ...task, scope: scope.id, core, ...(key === undefined ? {} : { key: `${key}/${task.seq}` }) }]);
  }

  #openGroup(batch: BatchReader): void {
    const group = batch.word();
    const parent = batch.word();
    this.#groups[group] = this.#open().openGroup(batch.text(), parent === NONE ? undefined : this.#groups[parent]);
  }

  #wait(wait: number, target: WaitTarget): void {
    const id = this.#open().wait(target, (result) => {
      this.#waits.delete(wait);
      this.#done({ wait, result });
    });
    this.#waits.set(wait, id);
  }

  #abandon(wait: number): void {
    const id = this.#waits.get(wait);
    if (id !== undefined) this.#open().abandon(id);
    this.#waits.delete(wait);
  }

  #done(done: Done): void {
    const { result } = done;
    if (result.status === 'satisfied') this.#pinned.set(done.wait, result.versions);
    if (this.#ended) {
      this.#unpin(done.wait);
      return;
    }
    if (!this.parked) {
      this.#send(done);
      return;
    }
    this.#held.push(done);
    if (this.#held.length === 1) this.#host.resumeRequested(this.#request.invocation);
  }

  /** The thread says that the attempt waits, having received so many results. False when more are on their way. */
  suspend(received: number): boolean {
    if (received !== this.#sent || this.#ended) return false;
    this.parked = true;
    return true;
  }

  /** The units are booked again. */
  resume(): void {
    this.parked = false;
    for (const done of this.#held.splice(0)) this.#send(done);
  }

  #send({ wait, result }: Done): void {
    this.#sent += 1;
    const { out } = this.#thread;
    out.word(TO_THREAD.WAIT_DONE);
    out.word(this.#slot);
    out.word(wait);
    if (result.status === 'failed') this.#writeError(result.error);
    else this.#writeValues(result.versions);
    this.#thread.flush();
  }

  #writeError(error: ErrorInfo): void {
    const { out } = this.#thread;
    out.word(WAITED.FAILED);
    out.bytes(encode(error));
  }

  #writeValues(versions: readonly VersionId[]): void {
    const { out } = this.#thread;
    const { store } = this.#host;
    out.word(WAITED.SATISFIED);
    out.word(versions.length);
    for (const version of versions) {
      const value = store.acquire(version);
      writeContent(out, value, this.#thread.slabNumber);
      // The wait itself keeps it pinned until the thread has read it.
      if (value !== undefined) store.release(version);
    }
  }

  #unpin(wait: number): void {
    const versions = this.#pinned.get(wait);
    this.#pinned.delete(wait);
    if (versions !== undefined) this.#open().unpin(versions);
  }

  /** The attempt has ended: nothing more is sent to its thread. */
  end(): void {
    this.#ended = true;
    this.#held = [];
    for (const wait of [...this.#pinned.keys()]) this.#unpin(wait);
  }
}
