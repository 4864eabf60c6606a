import { create, toBinary } from '@bufbuild/protobuf';
import type { ErrorInfo } from '../../common/errors.ts';
import { SettledErrorSchema } from '../gen/agent_pb.ts';
import { BlobColumn, ByteColumn, DoubleColumn, DoubleView, Fixed32Column, Fixed32View } from './columns.ts';
import { errorFromWire, errorToWire } from './error-info.ts';
import { fieldSize, invalidFrame, messageSize, readMessage, WireReader, type WireWriter } from './wire.ts';

/** Ordinals on the wire, in the order of the runtime's outcomes. */
export const SETTLED_STATUSES = ['completed', 'failed', 'exception', 'lost', 'cancelled', 'recalled'] as const;
export type SettledStatus = (typeof SETTLED_STATUSES)[number];

export const OUTPUT_STAYS = 0;
export const OUTPUT_INLINE = 1;

/** Columns of outcomes on their way out; reused after `clear`. */
export class SettledEncoder {
  #count = 0;
  #timed = false;
  #outputs = 0;
  readonly #invocations = new DoubleColumn();
  readonly #statuses = new ByteColumn();
  readonly #outputCounts = new Fixed32Column();
  readonly #ranMs = new DoubleColumn();
  readonly #outputBytes = new DoubleColumn();
  readonly #outputPlaces = new ByteColumn();
  readonly #inline = new BlobColumn();
  #errors: Uint8Array[] = [];

  readonly #columns = [
    [1, this.#invocations],
    [2, this.#statuses],
    [3, this.#outputCounts],
    [4, this.#ranMs],
    [5, this.#outputBytes],
    [6, this.#outputPlaces],
    [7, this.#inline],
  ] as const;

  get count(): number {
    return this.#count;
  }

  /** `outputs` calls of `inline` or `stays` follow. */
  settled(invocation: number, status: SettledStatus, outputs: number, ranMs?: number): void {
    this.#count += 1;
    this.#outputs += outputs;
    this.#invocations.push(invocation);
    this.#statuses.push(SETTLED_STATUSES.indexOf(status));
    this.#outputCounts.push(outputs);
    this.#ranMs.push(ranMs ?? Number.NaN);
    if (ranMs !== undefined) this.#timed = true;
  }

  inline(bytes: Uint8Array): void {
    this.#outputBytes.push(bytes.length);
    this.#outputPlaces.push(OUTPUT_INLINE);
    this.#inline.push(bytes);
  }

  stays(bytes: number): void {
    this.#outputBytes.push(bytes);
    this.#outputPlaces.push(OUTPUT_STAYS);
  }

  /** What went wrong with the one before. */
  wrong(error: ErrorInfo | undefined, reason: string): void {
    const message = create(SettledErrorSchema, {
      index: this.#count - 1,
      reason,
      ...(error === undefined ? {} : { error: errorToWire(error) }),
    });
    this.#errors.push(toBinary(SettledErrorSchema, message));
  }

  get estimate(): number {
    return this.#count * 24 + this.#outputs * 9 + this.#inline.size + this.#errors.length * 512;
  }

  byteLength(): number {
    if (!this.#timed) this.#ranMs.clear();
    let size = 0;
    for (const [field, column] of this.#columns) size += fieldSize(field, column.size);
    for (const error of this.#errors) size += messageSize(8, error.length);
    return size;
  }

  /** Call `byteLength` before. */
  writeTo(writer: WireWriter): void {
    for (const [field, column] of this.#columns) writer.column(field, column);
    for (const error of this.#errors) writer.message(8, error);
  }

  clear(): void {
    this.#count = 0;
    this.#outputs = 0;
    this.#timed = false;
    for (const [, column] of this.#columns) column.clear();
    this.#errors = [];
  }
}

interface SettledColumns {
  invocations: DoubleView;
  statuses: Uint8Array;
  outputCounts: Fixed32View;
  ranMs: DoubleView;
  outputBytes: DoubleView;
  outputPlaces: Uint8Array;
  inline: Uint8Array;
  errors: { readonly index: number; readonly error?: ErrorInfo; readonly reason: string }[];
}

const NONE = new Uint8Array(0);

/** Cursor over a received batch: `next`, then `nextOutput` as often as `outputCount` says. */
export class SettledReader {
  invocation = 0;
  status: SettledStatus = 'completed';
  outputCount = 0;
  /** Undefined: unknown. */
  ranMs: number | undefined;
  error: ErrorInfo | undefined;
  reason = '';

  outputBytes = 0;
  /** The value, where it lies in the frame; undefined: it stayed at the callee. */
  inline: Uint8Array | undefined;

  readonly #columns: SettledColumns;
  #index = -1;
  #output = 0;
  #inlineAt = 0;
  #errorIndex = 0;

  constructor(bytes: Uint8Array) {
    this.#columns = readColumns(bytes);
    checkColumns(this.#columns);
  }

  get count(): number {
    return this.#columns.invocations.length;
  }

  next(): boolean {
    const columns = this.#columns;
    const index = ++this.#index;
    if (index >= columns.invocations.length) return false;
    this.invocation = columns.invocations.at(index);
    this.status = SETTLED_STATUSES[columns.statuses[index] as number] as SettledStatus;
    this.outputCount = columns.outputCounts.at(index);
    const ranMs = columns.ranMs.length === 0 ? Number.NaN : columns.ranMs.at(index);
    this.ranMs = Number.isNaN(ranMs) ? undefined : ranMs;
    this.#readError(index);
    return true;
  }

  nextOutput(): void {
    const columns = this.#columns;
    const index = this.#output++;
    this.outputBytes = columns.outputBytes.at(index);
    if (columns.outputPlaces[index] === OUTPUT_STAYS) {
      this.inline = undefined;
      return;
    }
    this.inline = columns.inline.subarray(this.#inlineAt, this.#inlineAt + this.outputBytes);
    this.#inlineAt += this.outputBytes;
  }

  #readError(index: number): void {
    const wrong = this.#columns.errors[this.#errorIndex];
    const mine = wrong?.index === index;
    this.error = mine ? wrong.error : undefined;
    this.reason = mine ? wrong.reason : '';
    if (mine) this.#errorIndex += 1;
  }
}

function readError(bytes: Uint8Array): SettledColumns['errors'][number] {
  const { index, error, reason } = readMessage(SettledErrorSchema, bytes);
  return error === undefined ? { index, reason } : { index, reason, error: errorFromWire(error) };
}

type ColumnField = (columns: SettledColumns, reader: WireReader) => void;

const FIELDS: readonly (ColumnField | undefined)[] = [
  undefined,
  (columns, reader) => (columns.invocations = new DoubleView(reader.packed(8))),
  (columns, reader) => (columns.statuses = reader.bytes()),
  (columns, reader) => (columns.outputCounts = new Fixed32View(reader.packed(4))),
  (columns, reader) => (columns.ranMs = new DoubleView(reader.packed(8))),
  (columns, reader) => (columns.outputBytes = new DoubleView(reader.packed(8))),
  (columns, reader) => (columns.outputPlaces = reader.bytes()),
  (columns, reader) => (columns.inline = reader.bytes()),
  (columns, reader) => columns.errors.push(readError(reader.bytes())),
];

function readColumns(bytes: Uint8Array): SettledColumns {
  const columns: SettledColumns = {
    invocations: new DoubleView(),
    statuses: NONE,
    outputCounts: new Fixed32View(),
    ranMs: new DoubleView(),
    outputBytes: new DoubleView(),
    outputPlaces: NONE,
    inline: NONE,
    errors: [],
  };
  const reader = new WireReader(bytes);
  while (reader.next()) {
    const read = FIELDS[reader.field];
    if (read === undefined) reader.skip();
    else read(columns, reader);
  }
  return columns;
}

function checkColumns(columns: SettledColumns): void {
  const count = columns.invocations.length;
  if (columns.statuses.length !== count || columns.outputCounts.length !== count) {
    throw invalidFrame('the columns of a settled batch differ in length');
  }
  if (columns.ranMs.length !== 0 && columns.ranMs.length !== count) throw invalidFrame('run times are missing');
  for (const status of columns.statuses) {
    if (status >= SETTLED_STATUSES.length) throw invalidFrame(`status ${status} is unknown`);
  }
  const outputs = columns.outputCounts.sum();
  if (columns.outputBytes.length !== outputs || columns.outputPlaces.length !== outputs) {
    throw invalidFrame('outputs do not add up');
  }
  checkInline(columns);
}

function checkInline(columns: SettledColumns): void {
  let inline = 0;
  for (let index = 0; index < columns.outputBytes.length; index++) {
    const bytes = columns.outputBytes.at(index);
    if (!Number.isSafeInteger(bytes) || bytes < 0) throw invalidFrame(`output size ${bytes}`);
    if (columns.outputPlaces[index] !== OUTPUT_STAYS) inline += bytes;
  }
  if (inline !== columns.inline.length) throw invalidFrame('inline outputs do not add up');
}
