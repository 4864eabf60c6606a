/**
 * The records of a frame (frame.ts). Each begins with its number; what follows is words, and bytes whose length is a word.
 * `bindings/python/metakernel/protocol.py` has the same numbers. `index` counts the attempts that a process was given.
 */
import type { ErrorInfo } from '../../../common/errors.ts';
import { decode, encode } from '../../data/value-codec.ts';
import type { Access, DatumKind } from '../../model/access.ts';
import { DATUM_KINDS, DIRECTIONS, writes } from '../../model/access.ts';
import type { CoreElement } from '../../model/core-element.ts';
import type { CoreId, GroupId, Handle } from '../../model/ids.ts';
import type { TaskSpec } from '../../model/task.ts';
import type { CancelTarget, DatumContent, ExecutionRequest, WaitTarget } from '../../ports.ts';
import type { FrameReader, FrameWriter } from './frame.ts';

export const TO_PYTHON = {
  /** number, signature, module, method. */
  IMPLEMENTATION: 1,
  /** See `writeRun`. */
  RUN: 2,
  /** index, wait, count or -1, contents or the encoded error. */
  WAIT_DONE: 3,
  CLOSE: 4,
} as const;

export const FROM_PYTHON = {
  /** number of the process, pid: first of all. */
  HELLO: 1,
  /** index: when the attempt has a time limit. */
  STARTED: 2,
  /** index, status, milliseconds of user code, error, outputs: see `readOutcome`. */
  SETTLED: 3,
  /** index: it had been taken back. */
  SKIPPED: 4,
  /** index, 1 or 2, number of the file, its length now: what the attempt has printed so far ends there. */
  PRINTED: 5,
  /** The rest: index, then what the call needs. */
  ELEMENT: 6,
  SUBMIT: 7,
  WAIT: 8,
  UNPIN: 9,
  RELEASE: 10,
  DECLARE: 11,
  WRITTEN: 12,
  OPEN_GROUP: 13,
  CANCEL: 14,
} as const;

export const RUN_FLAG = { ANNOUNCE: 1, EXTRA: 2 } as const;
export const STATUS = { COMPLETED: 1, FAILED: 2, EXCEPTION: 3, CANCELLED: 4 } as const;
const CONTENT = { NONE: 0, INLINE: 1, FILE: 2 } as const;
const OUTPUT = { INLINE: 1, FILE: 2, DELEGATED: 3 } as const;
const DECLARED = { INLINE: 1, SHARED: 2, PATH: 3, NOTHING: 4 } as const;
const TARGET = { DATA: 1, TASKS: 2, GROUP: 3, SCOPE: 4 } as const;
const CANCELS = { TASK: 1, GROUP: 2, ALL: 3 } as const;
const NO_WAIT = -1;
const NO_ARGS = new Uint8Array(0);

/** A datum's content as a process gets it. */
export type PythonContent =
  | { readonly in: 'none' }
  | { readonly in: 'memory'; readonly bytes: Uint8Array }
  | { readonly in: 'file'; readonly path: string; readonly length: number };

export function writeContent(frame: FrameWriter, content: PythonContent): void {
  switch (content.in) {
    case 'none':
      frame.word(CONTENT.NONE);
      break;
    case 'memory':
      frame.word(CONTENT.INLINE);
      frame.bytes(content.bytes);
      break;
    case 'file':
      frame.word(CONTENT.FILE);
      frame.word(content.length);
      frame.text(content.path);
  }
}

export interface RunPlace {
  readonly index: number;
  readonly implementation: number;
}

/** index, implementation, flags, cpus, attempt, task, returns, accesses, args, extra if flagged, then each access. */
export function writeRun(
  frame: FrameWriter,
  request: ExecutionRequest,
  place: RunPlace,
  contents: readonly PythonContent[],
): void {
  const { accesses } = request;
  const extra = extraOf(request);
  frame.word(TO_PYTHON.RUN);
  frame.word(place.index);
  frame.word(place.implementation);
  frame.word((request.timeOutMs ? RUN_FLAG.ANNOUNCE : 0) | (extra === undefined ? 0 : RUN_FLAG.EXTRA));
  frame.word(request.booking.cpus);
  frame.word(request.attempt);
  frame.word(request.task);
  frame.word(request.outputs.length - writtenCount(accesses));
  frame.word(accesses.length);
  frame.bytes(request.args ?? NO_ARGS);
  if (extra !== undefined) frame.bytes(encode(extra));
  for (let i = 0; i < accesses.length; i++) {
    frame.word(accessCode(accesses[i]!));
    writeContent(frame, contents[i]!);
  }
}

export function writtenCount(accesses: readonly Access[]): number {
  let count = 0;
  for (const access of accesses) if (writes(access.direction)) count += 1;
  return count;
}

const accessCode = ({ direction, kind }: Access): number =>
  DIRECTIONS.indexOf(direction) * DATUM_KINDS.length + DATUM_KINDS.indexOf(kind);

/** What few attempts have. */
function extraOf(request: ExecutionRequest): Record<string, unknown> | undefined {
  const { hostNames, gpus, fpgas, accesses } = request;
  const files = accesses.some((access) => access.kind !== 'value');
  if (!files && hostNames === undefined && gpus.length === 0 && fpgas.length === 0) return undefined;
  const names = accesses.map((access, i) =>
    access.keepRename === true ? null : (access.name ?? request.names?.[i] ?? null),
  );
  return {
    gpus,
    fpgas,
    hostNames: hostNames ?? [],
    ...(files ? { workingDir: request.workingDir, names, ...sharedOf(request) } : {}),
  };
}

/** Names of the instances that CONCURRENT accesses work on together, by access. */
function sharedOf({ accesses, outputs }: ExecutionRequest): { readonly shared?: readonly (string | null)[] } {
  if (!accesses.some(({ direction, kind }) => direction === 'CONCURRENT' && kind === 'file')) return {};
  let written = 0;
  const shared = accesses.map(({ direction, kind }) => {
    const output = writes(direction) ? outputs[written++] : undefined;
    return direction === 'CONCURRENT' && kind === 'file' && output !== undefined ? String(output) : null;
  });
  return { shared };
}

export type PythonOutput =
  | { readonly as: 'inline'; readonly bytes: Uint8Array<ArrayBuffer> }
  | { readonly as: 'file'; readonly path: string; readonly length: number }
  | { readonly as: 'delegated'; readonly handle: Handle };

export interface PythonOutcome {
  readonly status: number;
  readonly ranMs: number;
  readonly error: ErrorInfo | undefined;
  readonly outputs: readonly PythonOutput[];
}

const NO_OUTPUTS: readonly PythonOutput[] = [];

export function readOutcome(frame: FrameReader): PythonOutcome {
  const status = frame.word();
  const ranMs = frame.word();
  const withError = status === STATUS.FAILED || status === STATUS.EXCEPTION;
  const error = withError ? (decode(frame.view(), { copy: true }) as ErrorInfo) : undefined;
  const withOutputs = status === STATUS.COMPLETED || status === STATUS.EXCEPTION;
  return { status, ranMs, error, outputs: withOutputs ? readOutputs(frame) : NO_OUTPUTS };
}

function readOutputs(frame: FrameReader): readonly PythonOutput[] {
  const count = frame.word();
  if (count === 0) return NO_OUTPUTS;
  const outputs: PythonOutput[] = [];
  for (let i = 0; i < count; i++) outputs.push(readOutput(frame));
  return outputs;
}

function readOutput(frame: FrameReader): PythonOutput {
  switch (frame.word()) {
    case OUTPUT.INLINE:
      return { as: 'inline', bytes: frame.bytes() };
    case OUTPUT.FILE:
      return { as: 'file', length: frame.word(), path: frame.text() };
    default:
      return { as: 'delegated', handle: frame.word() as Handle };
  }
}

// ------------------------------------------------------------------------------------------ calls on a scope

export type PythonCall = Omit<TaskSpec, 'scope'>;

/** seq, core, returns, first handle of them, accesses, args, each access (handle, code), more fields encoded or empty. */
export function readSubmission(frame: FrameReader): PythonCall {
  const seq = frame.word();
  const core = frame.word() as CoreId;
  const returnCount = frame.word();
  const firstReturn = frame.word();
  const accessCount = frame.word();
  const args = frame.bytes();
  const returns = Array.from({ length: returnCount }, (_, i) => (firstReturn + i) as Handle);
  const accesses = Array.from({ length: accessCount }, () => readAccess(frame));
  const more = frame.view();
  if (more.length === 0) return { seq, core, args, accesses, returns };
  const { extras, ...fields } = decode(more, { copy: true }) as Partial<TaskSpec> & {
    readonly extras?: readonly Partial<Access>[];
  };
  const full = extras === undefined ? accesses : accesses.map((access, i) => ({ ...access, ...extras[i] }));
  return { ...fields, seq, core, args, accesses: full, returns };
}

function readAccess(frame: FrameReader): Access {
  const handle = frame.word() as Handle;
  const code = frame.word();
  const kind = DATUM_KINDS[code % DATUM_KINDS.length]!;
  return { handle, direction: DIRECTIONS[Math.floor(code / DATUM_KINDS.length)]!, kind };
}

export const readElement = (frame: FrameReader): CoreElement => decode(frame.view(), { copy: true }) as CoreElement;

/** `shared`: a value in a file of the shared folder that is the runtime's from now on. */
export type PythonDeclared =
  | Extract<DatumContent, { readonly from: 'inline' | 'path' | 'nothing' }>
  | { readonly from: 'shared'; readonly path: string; readonly length: number };

export function readDeclared(frame: FrameReader): PythonDeclared {
  switch (frame.word()) {
    case DECLARED.INLINE:
      return { from: 'inline', bytes: frame.bytes() };
    case DECLARED.SHARED:
      return { from: 'shared', length: frame.word(), path: frame.text() };
    case DECLARED.PATH:
      return { from: 'path', length: frame.word(), path: frame.text() };
    default:
      return { from: 'nothing' };
  }
}

/** handle, kind, name or empty; the content follows. */
export function readDeclaration(frame: FrameReader): { handle: Handle; kind: DatumKind; name: string | undefined } {
  const handle = frame.word() as Handle;
  const kind = DATUM_KINDS[frame.word()]!;
  const name = frame.text();
  return { handle, kind, name: name === '' ? undefined : name };
}

export function readTarget(frame: FrameReader, group: (local: number) => GroupId): WaitTarget {
  switch (frame.word()) {
    case TARGET.DATA:
      return { on: 'data', handles: frame.words(frame.word()) as Handle[] };
    case TARGET.TASKS:
      return { on: 'tasks', seqs: frame.words(frame.word()) };
    case TARGET.GROUP:
      return { on: 'group', group: group(frame.word()) };
    default:
      return { on: 'scope' };
  }
}

export function readCancel(
  frame: FrameReader,
  group: (local: number) => GroupId,
): { readonly target: CancelTarget; readonly reason: string } {
  const kind = frame.word();
  const value = frame.word();
  const reason = frame.text();
  if (kind === CANCELS.TASK) return { target: { task: value }, reason };
  if (kind === CANCELS.GROUP) return { target: { group: group(value) }, reason };
  return { target: { all: true }, reason };
}

export function writeWaitFailed(frame: FrameWriter, index: number, wait: number, error: ErrorInfo): void {
  frame.word(TO_PYTHON.WAIT_DONE);
  frame.word(index);
  frame.word(wait);
  frame.word(NO_WAIT);
  frame.bytes(encode(error));
}

export function writeWaitDone(
  frame: FrameWriter,
  index: number,
  wait: number,
  contents: readonly PythonContent[],
): void {
  frame.word(TO_PYTHON.WAIT_DONE);
  frame.word(index);
  frame.word(wait);
  frame.word(contents.length);
  for (const content of contents) writeContent(frame, content);
}
