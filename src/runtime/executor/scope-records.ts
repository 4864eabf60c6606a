import { decode, encode } from '../data/value-codec.ts';
import { type Access, DATUM_KINDS, DIRECTIONS } from '../model/access.ts';
import type { CoreId, Handle } from '../model/ids.ts';
import type { TaskSpec } from '../model/task.ts';
import type { BatchReader, BatchWriter } from './batch.ts';

/** A task as its thread submits it: scope and key are the executor's to add. */
export type SubmittedTask = Omit<TaskSpec, 'scope' | 'key'>;

/** Fields that few tasks have, as one encoded value. */
type Rest = Pick<
  SubmittedTask,
  | 'priority'
  | 'onFailure'
  | 'timeOutMs'
  | 'groups'
  | 'computingNodes'
  | 'constraints'
  | 'repeatable'
  | 'isReplicated'
  | 'isDistributed'
>;

const NO_BYTES = new Uint8Array(0);

export function writeTask(batch: BatchWriter, task: SubmittedTask): void {
  const { seq, core, args, accesses, returns, notify: _notify, trace: _trace, ...rest } = task;
  batch.word(seq);
  batch.word(core);
  batch.bytes(args ?? NO_BYTES);
  batch.word(accesses.length);
  for (const access of accesses) writeAccess(batch, access);
  batch.word(returns.length);
  for (const handle of returns) batch.word(handle);
  batch.bytes(Object.keys(rest).length === 0 ? NO_BYTES : encode(rest));
}

export function readTask(batch: BatchReader): SubmittedTask {
  const seq = batch.word();
  const core = batch.word() as CoreId;
  const args = batch.bytes();
  const accesses = Array.from({ length: batch.word() }, () => readAccess(batch));
  const returns = Array.from({ length: batch.word() }, () => batch.word() as Handle);
  const rest = batch.view();
  return {
    seq,
    core,
    accesses,
    returns,
    ...(args.length === 0 ? {} : { args }),
    ...(rest.length === 0 ? {} : (decode(rest, { copy: true }) as Rest)),
  };
}

function writeAccess(batch: BatchWriter, access: Access): void {
  batch.word(access.handle);
  batch.word(DIRECTIONS.indexOf(access.direction) * DATUM_KINDS.length + DATUM_KINDS.indexOf(access.kind));
  batch.word(access.weight ?? 1);
  batch.text(access.name ?? '');
}

function readAccess(batch: BatchReader): Access {
  const handle = batch.word() as Handle;
  const code = batch.word();
  const weight = batch.word();
  const name = batch.text();
  return {
    handle,
    direction: DIRECTIONS[Math.floor(code / DATUM_KINDS.length)]!,
    kind: DATUM_KINDS[code % DATUM_KINDS.length]!,
    ...(weight === 1 ? {} : { weight }),
    ...(name === '' ? {} : { name }),
  };
}

/** Content of a declared or written datum. */
export const GIVEN = { NOTHING: 0, INLINE: 1, RESERVATION: 2, PATH: 3 } as const;
/** Status of a WAIT_DONE record. */
export const WAITED = { SATISFIED: 1, FAILED: 2 } as const;
