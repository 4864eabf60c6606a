import type { ErrorInfo } from '../../../common/errors.ts';
import { decode, encode } from '../../data/value-codec.ts';
import type { DatumKind } from '../../model/access.ts';
import type { CoreElement } from '../../model/core-element.ts';
import { type CoreId, type GroupId, type Handle, NONE } from '../../model/ids.ts';
import type { CancelTarget, WaitTarget } from '../../ports.ts';
import type {
  Brought,
  Link,
  LinkContent,
  LinkWaitResult,
  ProgramReservation,
  TaskCall,
  TaskFields,
} from '../../program/link.ts';
import type { BatchReader, BatchWriter } from '../batch.ts';
import { FROM_THREAD } from '../protocol.ts';
import { readContent, type ThreadContent } from '../run-record.ts';
import { writeCancel, writeContentOf, writeDeclaration, writeSubmission, writeTarget } from '../scope-records.ts';
import type { Attempt } from './attempt.ts';
import type { Slabs } from './slabs.ts';

/** Bytes of calls that go out at once, also while the calling code does not yield. */
const FLUSH_BYTES = 32_768;

export interface PortLinkParts {
  readonly out: BatchWriter;
  readonly flush: () => void;
  /** Flush at the end of this turn. */
  readonly flushLater: () => void;
  readonly slabs: Slabs;
  /** Numbers of core elements on this thread. */
  readonly elements: Map<CoreElement, number>;
  /** The attempt begins to wait, or goes on. */
  readonly waiting: (attempt: Attempt, waiting: boolean) => void;
}

type Done = (result: LinkWaitResult) => void;

/** The programming model's way from an attempt to the agent: records in the thread's batch. */
export class PortLink implements Link {
  readonly #attempt: Attempt;
  readonly #parts: PortLinkParts;
  readonly #waits = new Map<number, Done>();
  #nextWait = 0;
  #nextGroup = 0;
  #received = 0;
  #suspendScheduled = false;

  constructor(attempt: Attempt, parts: PortLinkParts) {
    this.#attempt = attempt;
    this.#parts = parts;
  }

  register(element: CoreElement): CoreId {
    const { elements } = this.#parts;
    let local = elements.get(element);
    if (local === undefined) {
      local = elements.size;
      elements.set(element, local);
      const out = this.#begin(FROM_THREAD.ELEMENT);
      out.word(local);
      out.bytes(encode(element));
    }
    return local as CoreId;
  }

  openGroup(name: string, parent?: GroupId): GroupId {
    const group = this.#nextGroup++;
    const out = this.#begin(FROM_THREAD.OPEN_GROUP);
    out.word(group);
    out.word(parent ?? NONE);
    out.text(name);
    this.#end();
    return group as GroupId;
  }

  declare(handle: Handle, kind: DatumKind, content: LinkContent, name = ''): void {
    const out = this.#begin(FROM_THREAD.DECLARE);
    writeDeclaration(out, handle, kind, name);
    writeContentOf(out, content);
    this.#end();
  }

  written(handle: Handle, content: LinkContent): void {
    const out = this.#begin(FROM_THREAD.WRITTEN);
    out.word(handle);
    writeContentOf(out, content);
    this.#end();
  }

  submit(task: TaskCall, fields: TaskFields | undefined): void {
    writeSubmission(this.#begin(FROM_THREAD.SUBMIT), task, fields);
    this.#end();
  }

  wait(target: WaitTarget, done: Done): number {
    const wait = this.#nextWait++;
    this.#waits.set(wait, done);
    const out = this.#begin(FROM_THREAD.WAIT);
    out.word(wait);
    writeTarget(out, target);
    this.#suspendLater();
    this.#end();
    return wait;
  }

  abandon(wait: number): void {
    if (!this.#waits.delete(wait)) return;
    this.#begin(FROM_THREAD.ABANDON).word(wait);
    this.#end();
  }

  release(handle: Handle): void {
    if (this.#attempt.settled) return;
    this.#begin(FROM_THREAD.RELEASE).word(handle);
    this.#end();
  }

  cancel(target: CancelTarget, reason: string): void {
    writeCancel(this.#begin(FROM_THREAD.CANCEL), target, reason);
    this.#end();
  }

  reserve(bytes: number): ProgramReservation {
    return this.#parts.slabs.reserve(bytes);
  }

  discard(reservation: ProgramReservation): void {
    const { out, flushLater } = this.#parts;
    out.word(FROM_THREAD.DISCARD);
    out.word(reservation.id);
    flushLater();
  }

  /** Reads over a WAIT_DONE record for an attempt that has ended. */
  static skip(batch: BatchReader): void {
    batch.word();
    readResult(batch);
  }

  /** A WAIT_DONE record for this attempt, after its slot. */
  receive(batch: BatchReader): void {
    const wait = batch.word();
    this.#received += 1;
    const result = readResult(batch);
    const done = this.#waits.get(wait);
    this.#waits.delete(wait);
    if (this.#attempt.waiting) this.#parts.waiting(this.#attempt, false);
    if (!Array.isArray(result)) done?.(result);
    else {
      done?.({ status: 'satisfied', data: result.map((content) => this.#brought(content)) });
      if (result.some((content) => content.in === 'slab' || content.in === 'file')) this.#unpin(wait);
    }
    if (this.#waits.size > 0) this.#suspendLater();
  }

  #brought(content: ThreadContent): Brought {
    switch (content.in) {
      case 'memory':
        return { kind: 'value', bytes: content.bytes };
      case 'slab':
        return { kind: 'value', bytes: this.#parts.slabs.region(content.slab, content.offset, content.length) };
      case 'file':
        return { kind: 'file', path: content.path };
      case 'none':
        return { kind: 'nothing' };
    }
  }

  #unpin(wait: number): void {
    this.#begin(FROM_THREAD.UNPIN).word(wait);
    this.#end();
  }

  /**
   * At the end of the turn, when the code has had its chance to go on: with waits still open, the attempt gives its
   * units back until one of them ends.
   */
  #suspendLater(): void {
    if (this.#suspendScheduled) return;
    this.#suspendScheduled = true;
    setImmediate(() => {
      this.#suspendScheduled = false;
      const attempt = this.#attempt;
      if (this.#waits.size === 0 || attempt.settled || attempt.waiting) return;
      this.#begin(FROM_THREAD.SUSPENDED).word(this.#received);
      this.#parts.waiting(attempt, true);
      this.#parts.flush();
    });
  }

  #begin(record: number): BatchWriter {
    const { out } = this.#parts;
    out.word(record);
    out.word(this.#attempt.slot);
    return out;
  }

  #end(): void {
    const { out, flush, flushLater } = this.#parts;
    if (out.size > FLUSH_BYTES) flush();
    else flushLater();
  }
}

function failed(batch: BatchReader): LinkWaitResult {
  return { status: 'failed', error: decode(batch.view(), { copy: true }) as ErrorInfo };
}

function readResult(batch: BatchReader): LinkWaitResult | ThreadContent[] {
  const count = batch.word();
  return count === NONE ? failed(batch) : Array.from({ length: count }, () => readContent(batch));
}
