/**
 * Calls on a scope as records from a thread. All begin with the record's number and the slot of the attempt; what
 * follows is written and read here, side by side.
 */

import { decode, encode } from '../data/value-codec.ts';
import type { Access, DatumKind } from '../model/access.ts';
import { DATUM_KINDS, DIRECTIONS } from '../model/access.ts';
import type { CoreId, GroupId, Handle } from '../model/ids.ts';
import { NONE } from '../model/ids.ts';
import type { CancelTarget, WaitTarget } from '../ports.ts';
import type { LinkContent, TaskCall, TaskFields } from '../program/link.ts';
import type { BatchReader, BatchWriter } from './batch.ts';

const DECLARED = { INLINE: 1, RESERVATION: 2, PATH: 3, NOTHING: 4 } as const;
const TARGET = { DATA: 1, TASKS: 2, GROUP: 3, SCOPE: 4 } as const;
const CANCELS = { TASK: 1, GROUP: 2, ALL: 3 } as const;
const NO_ACCESSES: readonly Access[] = [];
const NO_RETURNS: readonly Handle[] = [];
const NO_BYTES = new Uint8Array(0);
/** Fields of an access that are words of their own. */
const PLAIN_FIELDS = 3;

type AccessExtra = Omit<Access, 'handle' | 'direction' | 'kind'>;

/** Fields that few tasks have: they travel as one encoded object. */
interface MoreFields extends TaskFields {
  /** By access. */
  readonly extras?: readonly AccessExtra[];
}

export function writeSubmission(batch: BatchWriter, task: TaskCall, fields: TaskFields | undefined): void {
  const { accesses, returns } = task;
  batch.word(task.seq);
  batch.word(task.core);
  batch.word(accesses.length);
  batch.word(returns.length);
  // Handles of returns are counted up one after the other.
  batch.word(returns.length > 0 ? returns[0]! : NONE);
  batch.bytes(task.args);
  for (const { handle, direction, kind } of accesses) {
    batch.word(handle);
    batch.word(DIRECTIONS.indexOf(direction) * DATUM_KINDS.length + DATUM_KINDS.indexOf(kind));
  }
  const more = moreFields(fields, accesses);
  batch.bytes(more === undefined ? NO_BYTES : encode(more));
}

export function readSubmission(batch: BatchReader): TaskCall & TaskFields {
  const seq = batch.word();
  const core = batch.word() as CoreId;
  const accessCount = batch.word();
  const returnCount = batch.word();
  const firstReturn = batch.word();
  const returns = returnCount === 0 ? NO_RETURNS : countUp(firstReturn, returnCount);
  const args = batch.bytes();
  const accesses = accessCount === 0 ? NO_ACCESSES : readAccesses(batch, accessCount);
  const more = batch.view();
  if (more.length === 0) return { seq, core, args, accesses, returns };
  const { extras, ...fields } = decode(more, { copy: true }) as MoreFields;
  const full = extras === undefined ? accesses : accesses.map((access, i) => ({ ...access, ...extras[i] }));
  return { seq, core, args, accesses: full, returns, ...fields };
}

function moreFields(fields: TaskFields | undefined, accesses: readonly Access[]): MoreFields | undefined {
  if (!accesses.some(hasExtra)) return fields;
  return { ...fields, extras: accesses.map(extraOf) };
}

const hasExtra = (access: Access): boolean => Object.keys(access).length > PLAIN_FIELDS;

function extraOf(access: Access): AccessExtra {
  const { handle: _handle, direction: _direction, kind: _kind, ...extra } = access;
  return extra;
}

function readAccesses(batch: BatchReader, count: number): Access[] {
  const accesses: Access[] = [];
  for (let i = 0; i < count; i++) {
    const handle = batch.word() as Handle;
    const code = batch.word();
    const kind = DATUM_KINDS[code % DATUM_KINDS.length]!;
    accesses.push({ handle, direction: DIRECTIONS[Math.floor(code / DATUM_KINDS.length)]!, kind });
  }
  return accesses;
}

function countUp(first: number, count: number): Handle[] {
  const handles: Handle[] = [];
  for (let i = 0; i < count; i++) handles.push((first + i) as Handle);
  return handles;
}

/** Contents as they cross: a reservation is named by its number on the thread. */
export type RecordContent =
  | Exclude<LinkContent, { readonly from: 'reservation' }>
  | { readonly from: 'reservation'; readonly id: number; readonly length: number };

export function writeContentOf(batch: BatchWriter, content: LinkContent): void {
  switch (content.from) {
    case 'inline':
      batch.word(DECLARED.INLINE);
      batch.bytes(content.bytes);
      break;
    case 'reservation':
      batch.word(DECLARED.RESERVATION);
      batch.word(content.reservation.id);
      batch.word(content.length);
      break;
    case 'path':
      batch.word(DECLARED.PATH);
      batch.text(content.path);
      batch.word(content.length);
      break;
    case 'nothing':
      batch.word(DECLARED.NOTHING);
  }
}

export function readContentOf(batch: BatchReader): RecordContent {
  switch (batch.word()) {
    case DECLARED.INLINE:
      return { from: 'inline', bytes: batch.bytes() };
    case DECLARED.RESERVATION:
      return { from: 'reservation', id: batch.word(), length: batch.word() };
    case DECLARED.PATH:
      return { from: 'path', path: batch.text(), length: batch.word() };
    default:
      return { from: 'nothing' };
  }
}

export function writeDeclaration(batch: BatchWriter, handle: Handle, kind: DatumKind, name: string): void {
  batch.word(handle);
  batch.word(DATUM_KINDS.indexOf(kind));
  batch.text(name);
}

export function readDeclaration(batch: BatchReader): { handle: Handle; kind: DatumKind; name: string | undefined } {
  const handle = batch.word() as Handle;
  const kind = DATUM_KINDS[batch.word()]!;
  const name = batch.text();
  return { handle, kind, name: name === '' ? undefined : name };
}

export function writeTarget(batch: BatchWriter, target: WaitTarget): void {
  switch (target.on) {
    case 'data':
      batch.word(TARGET.DATA);
      writeNumbers(batch, target.handles);
      break;
    case 'tasks':
      batch.word(TARGET.TASKS);
      writeNumbers(batch, target.seqs);
      break;
    case 'group':
      batch.word(TARGET.GROUP);
      batch.word(target.group);
      break;
    case 'scope':
      batch.word(TARGET.SCOPE);
  }
}

export function readTarget(batch: BatchReader, group: (local: number) => GroupId): WaitTarget {
  switch (batch.word()) {
    case TARGET.DATA:
      return { on: 'data', handles: readNumbers(batch) as Handle[] };
    case TARGET.TASKS:
      return { on: 'tasks', seqs: readNumbers(batch) };
    case TARGET.GROUP:
      return { on: 'group', group: group(batch.word()) };
    default:
      return { on: 'scope' };
  }
}

export function writeCancel(batch: BatchWriter, target: CancelTarget, reason: string): void {
  if ('task' in target) {
    batch.word(CANCELS.TASK);
    batch.word(target.task);
  } else if ('group' in target) {
    batch.word(CANCELS.GROUP);
    batch.word(target.group);
  } else {
    batch.word(CANCELS.ALL);
    batch.word(NONE);
  }
  batch.text(reason);
}

export function readCancel(
  batch: BatchReader,
  group: (local: number) => GroupId,
): { readonly target: CancelTarget; readonly reason: string } {
  const kind = batch.word();
  const value = batch.word();
  const reason = batch.text();
  if (kind === CANCELS.TASK) return { target: { task: value }, reason };
  if (kind === CANCELS.GROUP) return { target: { group: group(value) }, reason };
  return { target: { all: true }, reason };
}

function writeNumbers(batch: BatchWriter, numbers: readonly number[]): void {
  batch.word(numbers.length);
  for (const number of numbers) batch.word(number);
}

function readNumbers(batch: BatchReader): number[] {
  const count = batch.word();
  const numbers: number[] = [];
  for (let i = 0; i < count; i++) numbers.push(batch.word());
  return numbers;
}
