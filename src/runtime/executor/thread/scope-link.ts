import { type ErrorInfo, RuntimeError } from '../../../common/errors.ts';
import { decode, encode } from '../../data/value-codec.ts';
import { DATUM_KINDS, type DatumKind } from '../../model/access.ts';
import type { CoreElement } from '../../model/core-element.ts';
import type { CoreId, GroupId, Handle } from '../../model/ids.ts';
import { NONE } from '../../model/ids.ts';
import type { CancelTarget, WaitTarget } from '../../ports.ts';
import type { Brought, Link, LinkContent, LinkWaitResult, ProgramReservation } from '../../program/link.ts';
import type { BatchReader, BatchWriter } from '../batch.ts';
import { FROM_THREAD, type ThreadReservation } from '../protocol.ts';
import { readContent, type ThreadContent } from '../run-record.ts';
import { GIVEN, type SubmittedTask, WAITED, writeTask } from '../scope-records.ts';
import type { Attempt } from './attempt.ts';
import type { Slabs } from './slabs.ts';

export interface LinkParts {
  readonly out: BatchWriter;
  /** Sends what has been written at the end of the turn. */
  readonly scheduleFlush: () => void;
  readonly slabs: Slabs;
  /** The attempt has begun or ended to wait for nothing but its tasks. */
  readonly setWaiting: (attempt: Attempt, waiting: boolean) => void;
}

/** How the program of one attempt reaches its scope: records on the thread's batched port. */
export class ScopeLink implements Link {
  readonly #attempt: Attempt;
  readonly #parts: LinkParts;
  readonly #waits = new Map<number, (result: LinkWaitResult) => void>();
  #nextWait = 0;
  #doneReceived = 0;
  #checkScheduled = false;
  #cores = 0;
  #groups = 0;

  constructor(attempt: Attempt, parts: LinkParts) {
    this.#attempt = attempt;
    this.#parts = parts;
  }

  register(element: CoreElement): CoreId {
    const core = this.#cores++;
    const out = this.#begin(FROM_THREAD.ELEMENT);
    out.word(core);
    out.bytes(encode(element));
    return core as CoreId;
  }

  openGroup(name: string, parent?: GroupId): GroupId {
    const group = this.#groups++;
    const out = this.#begin(FROM_THREAD.OPEN_GROUP);
    out.word(group);
    out.word(parent ?? NONE);
    out.text(name);
    return group as GroupId;
  }

  declare(handle: Handle, kind: DatumKind, content: LinkContent, name = ''): void {
    const out = this.#begin(FROM_THREAD.DECLARE);
    out.word(handle);
    out.word(DATUM_KINDS.indexOf(kind));
    this.#content(content);
    out.text(name);
  }

  written(handle: Handle, content: LinkContent): void {
    this.#begin(FROM_THREAD.WRITTEN).word(handle);
    this.#content(content);
  }

  submit(task: SubmittedTask): void {
    writeTask(this.#begin(FROM_THREAD.SUBMIT), task);
  }

  wait(target: WaitTarget, done: (result: LinkWaitResult) => void): number {
    const wait = this.#nextWait++;
    this.#waits.set(wait, done);
    const out = this.#begin(FROM_THREAD.WAIT);
    out.word(wait);
    out.bytes(encode(target));
    this.#checkLater();
    return wait;
  }

  abandon(wait: number): void {
    if (this.#waits.delete(wait)) this.#begin(FROM_THREAD.ABANDON).word(wait);
  }

  release(handle: Handle): void {
    this.#begin(FROM_THREAD.RELEASE).word(handle);
  }

  cancel(target: CancelTarget, reason: string): void {
    const out = this.#begin(FROM_THREAD.CANCEL);
    out.bytes(encode(target));
    out.text(reason);
  }

  reserve(bytes: number): ProgramReservation {
    return this.#parts.slabs.reserve(bytes);
  }

  discard(reservation: ProgramReservation): void {
    const { out, scheduleFlush } = this.#parts;
    out.word(FROM_THREAD.DISCARD);
    out.word((reservation as ThreadReservation).id);
    scheduleFlush();
  }

  #begin(record: number): BatchWriter {
    const { out, scheduleFlush } = this.#parts;
    if (this.#attempt.settled) throw new RuntimeError('ERR_TASK_ENDED');
    out.word(record);
    out.word(this.#attempt.slot);
    scheduleFlush();
    return out;
  }

  #content(content: LinkContent): void {
    const { out } = this.#parts;
    switch (content.from) {
      case 'nothing':
        out.word(GIVEN.NOTHING);
        break;
      case 'inline':
        out.word(GIVEN.INLINE);
        out.bytes(content.bytes);
        break;
      case 'reservation':
        out.word(GIVEN.RESERVATION);
        out.word(content.reservation.id);
        out.word(content.length);
        break;
      case 'path':
        out.word(GIVEN.PATH);
        out.text(content.path);
        out.word(content.length);
        break;
    }
  }

  /** When the turn ends with a wait open, the attempt has nothing else to do: its units may go to another. */
  #checkLater(): void {
    if (this.#checkScheduled) return;
    this.#checkScheduled = true;
    setImmediate(() => {
      this.#checkScheduled = false;
      const attempt = this.#attempt;
      if (this.#waits.size === 0 || attempt.waiting || attempt.settled) return;
      this.#parts.setWaiting(attempt, true);
      this.#begin(FROM_THREAD.SUSPENDED).word(this.#doneReceived);
    });
  }

  receive({ wait, outcome }: WaitDone): void {
    const result = this.#result(outcome);
    this.#doneReceived += 1;
    const attempt = this.#attempt;
    if (attempt.settled) return;
    if (attempt.waiting) this.#parts.setWaiting(attempt, false);
    const done = this.#waits.get(wait);
    this.#waits.delete(wait);
    try {
      done?.(result);
    } finally {
      if (!attempt.settled) this.#begin(FROM_THREAD.UNPIN).word(wait);
    }
    if (this.#waits.size > 0) this.#checkLater();
  }

  #result(outcome: WaitDone['outcome']): LinkWaitResult {
    if ('error' in outcome) return { status: 'failed', error: outcome.error };
    return { status: 'satisfied', data: outcome.contents.map((content) => this.#brought(content)) };
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
        return { kind: 'value', bytes: UNDEFINED };
    }
  }
}

const UNDEFINED = encode(undefined);

/** A WAIT_DONE record. */
export interface WaitDone {
  readonly wait: number;
  readonly outcome: { readonly error: ErrorInfo } | { readonly contents: readonly ThreadContent[] };
}

/** After kind and slot; also for an attempt that has ended, so that the next record is found. */
export function readWaitDone(batch: BatchReader): WaitDone {
  const wait = batch.word();
  if (batch.word() === WAITED.FAILED)
    return { wait, outcome: { error: decode(batch.view(), { copy: true }) as ErrorInfo } };
  return { wait, outcome: { contents: Array.from({ length: batch.word() }, () => readContent(batch)) } };
}
