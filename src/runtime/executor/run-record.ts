import { decode, encode } from '../data/value-codec.ts';
import { type Access, DATUM_KINDS, type DatumKind, DIRECTIONS, type Direction, writes } from '../model/access.ts';
import type { Implementation } from '../model/core-element.ts';
import type { ExecutionRequest, StoredValue } from '../ports.ts';
import type { BatchReader, BatchWriter } from './batch.ts';
import { CONTENT, RUN_FLAG, type RunExtra, TO_THREAD } from './protocol.ts';

/** Numbers a slab for a thread, telling it about a new one first. */
export type SlabNumber = (slab: SharedArrayBuffer) => number;

/** Content of a datum as a thread gets it. */
export type ThreadContent =
  | { readonly in: 'none' }
  | { readonly in: 'memory'; readonly bytes: Uint8Array<ArrayBuffer> }
  | { readonly in: 'slab'; readonly slab: number; readonly offset: number; readonly length: number }
  | { readonly in: 'file'; readonly path: string };

export interface RunAccess {
  readonly direction: Direction;
  readonly kind: DatumKind;
  readonly content: ThreadContent;
}

/** One attempt as its thread sees it. */
export interface RunRecord {
  readonly slot: number;
  readonly implementation: number;
  readonly flags: number;
  readonly cpus: number;
  readonly attempt: number;
  readonly returns: number;
  readonly args: Uint8Array<ArrayBuffer>;
  readonly extra: RunExtra | undefined;
  readonly accesses: readonly RunAccess[];
}

const NO_ARGS = new Uint8Array(0);
const NO_ACCESSES: readonly RunAccess[] = [];
const NOTHING: ThreadContent = { in: 'none' };

export interface RunPlace {
  readonly slot: number;
  readonly implementation: number;
  readonly flags: number;
}

export function writeRun(batch: BatchWriter, request: ExecutionRequest, place: RunPlace, slabs: SlabNumber): void {
  const { accesses, values } = request;
  const extra = extraOf(request);
  let written = 0;
  for (const access of accesses) if (writes(access.direction)) written += 1;
  batch.word(TO_THREAD.RUN);
  batch.word(place.slot);
  batch.word(place.implementation);
  batch.word(place.flags | (extra === undefined ? 0 : RUN_FLAG.EXTRA));
  batch.word(request.booking.cpus);
  batch.word(request.attempt);
  batch.word(request.outputs.length - written);
  batch.word(accesses.length);
  batch.bytes(request.args ?? NO_ARGS);
  if (extra !== undefined) batch.bytes(encode(extra));
  for (let i = 0; i < accesses.length; i++) {
    const access = accesses[i]!;
    batch.word(DIRECTIONS.indexOf(access.direction) * DATUM_KINDS.length + DATUM_KINDS.indexOf(access.kind));
    writeContent(batch, values[i], slabs);
  }
}

export function readRun(batch: BatchReader): RunRecord {
  const slot = batch.word();
  const implementation = batch.word();
  const flags = batch.word();
  const cpus = batch.word();
  const attempt = batch.word();
  const returns = batch.word();
  const count = batch.word();
  const args = batch.view();
  const extra = (flags & RUN_FLAG.EXTRA) === 0 ? undefined : (decode(batch.view(), { copy: true }) as RunExtra);
  const accesses = count === 0 ? NO_ACCESSES : readAccesses(batch, count);
  return { slot, implementation, flags, cpus, attempt, returns, args, extra, accesses };
}

function readAccesses(batch: BatchReader, count: number): readonly RunAccess[] {
  const accesses: RunAccess[] = [];
  for (let i = 0; i < count; i++) {
    const code = batch.word();
    const kind = DATUM_KINDS[code % DATUM_KINDS.length]!;
    const direction = DIRECTIONS[Math.floor(code / DATUM_KINDS.length)]!;
    accesses.push({ direction, kind, content: readContent(batch) });
  }
  return accesses;
}

export function writeContent(batch: BatchWriter, value: StoredValue | undefined, slabs: SlabNumber): void {
  if (value === undefined) {
    batch.word(CONTENT.NONE);
  } else if (value.in === 'memory') {
    batch.word(CONTENT.INLINE);
    batch.bytes(value.bytes);
  } else if (value.in === 'slab') {
    batch.word(CONTENT.SLAB);
    batch.word(slabs(value.slab));
    batch.word(value.offset);
    batch.word(value.length);
  } else {
    batch.word(CONTENT.FILE);
    batch.text(value.path);
  }
}

export function readContent(batch: BatchReader): ThreadContent {
  switch (batch.word()) {
    case CONTENT.INLINE:
      return { in: 'memory', bytes: batch.view() };
    case CONTENT.SLAB:
      return { in: 'slab', slab: batch.word(), offset: batch.word(), length: batch.word() };
    case CONTENT.FILE:
      return { in: 'file', path: batch.text() };
    default:
      return NOTHING;
  }
}

/** What must be told beside the common fields; undefined for almost every attempt. */
function extraOf(request: ExecutionRequest): RunExtra | undefined {
  const { hostNames, trace, gpus, fpgas } = request;
  const files = request.accesses.some((access) => access.kind !== 'value');
  if (!files && hostNames === undefined && trace === undefined && gpus.length === 0 && fpgas.length === 0) {
    return undefined;
  }
  return {
    task: request.task,
    ...(files
      ? {
          workingDir: request.workingDir,
          names: request.accesses.map((access, i) => presentedName(access, request.names?.[i])),
        }
      : {}),
    ...(hostNames === undefined ? {} : { hostNames }),
    ...(trace === undefined ? {} : { trace }),
    ...(gpus.length === 0 ? {} : { gpus }),
    ...(fpgas.length === 0 ? {} : { fpgas }),
  };
}

const presentedName = (access: Access, known: string | undefined): string | undefined =>
  access.keepRename === true ? undefined : (access.name ?? known);

/** Same function on the same module: threads know it by one number. */
export const implementationKey = (signature: string, implementation: Implementation): string =>
  `${signature}\n${implementation.module}\n${implementation.method}`;
