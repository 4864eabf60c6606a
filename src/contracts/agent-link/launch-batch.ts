import { create, toBinary } from '@bufbuild/protobuf';
import { type LaunchExtra, LaunchExtraSchema, type Provenance, ProvenanceSchema } from '../gen/agent_pb.ts';
import { BlobColumn, DoubleColumn, DoubleView, Fixed32Column, Fixed32View } from './columns.ts';
import { fieldSize, invalidFrame, messageSize, readMessage, WireReader, type WireWriter } from './wire.ts';

/** How the version that an access reads comes to the callee. */
export const INPUT_NONE = 0;
export const INPUT_THERE = 1;
export const INPUT_INLINE = 2;
/** Inline, for this launch alone: the callee forgets it afterwards. */
export const INPUT_PASSING = 3;
export const INPUT_SOURCES = 4;

/** Ordinals in the order of `DIRECTIONS` and `DATUM_KINDS` of the runtime's model. */
export const DIRECTION_COUNT = 6;
export const KIND_COUNT = 3;
const KEEP_RENAME = 1 << 16;

/** OUT, INOUT, CONCURRENT, COMMUTATIVE: the directions that make a version, by ordinal. */
const WRITES = [false, true, true, true, true, false];
export const writesVersion = (direction: number): boolean => WRITES[direction] as boolean;

export const accessMode = (direction: number, kind: number, keepRename: boolean, input: number): number =>
  (direction | (kind << 8) | (keepRename ? KEEP_RENAME : 0) | (input << 24)) >>> 0;

/** Columns of launches on their way out; reused after `clear`. Calls per launch: `launch`, its accesses, its outputs. */
export class LaunchEncoder {
  #count = 0;
  #keyed = false;
  readonly #invocations = new DoubleColumn();
  readonly #elements = new Fixed32Column();
  readonly #flags = new Fixed32Column();
  readonly #argsLengths = new Fixed32Column();
  readonly #args = new BlobColumn();
  readonly #accessCounts = new Fixed32Column();
  readonly #returnCounts = new Fixed32Column();
  readonly #keyLengths = new Fixed32Column();
  readonly #keys = new BlobColumn();
  readonly #modes = new Fixed32Column();
  readonly #inputs = new DoubleColumn();
  readonly #outputs = new DoubleColumn();
  readonly #inlineLengths = new Fixed32Column();
  readonly #inline = new BlobColumn();
  #sourceMessages: Uint8Array[] = [];
  #extraMessages: Uint8Array[] = [];
  #messageBytes = 0;

  /** Columns by field number, as they go out. */
  readonly #columns = [
    [1, this.#invocations],
    [2, this.#elements],
    [3, this.#flags],
    [4, this.#argsLengths],
    [5, this.#args],
    [6, this.#accessCounts],
    [7, this.#returnCounts],
    [8, this.#keyLengths],
    [9, this.#keys],
    [10, this.#modes],
    [11, this.#inputs],
    [12, this.#outputs],
    [13, this.#inlineLengths],
    [14, this.#inline],
  ] as const;

  get count(): number {
    return this.#count;
  }

  launch(invocation: number, element: number, preserveInputs: boolean, args: Uint8Array | undefined): void {
    this.#count += 1;
    this.#invocations.push(invocation);
    this.#elements.push(element);
    this.#flags.push(preserveInputs ? 1 : 0);
    this.#argsLengths.push(args === undefined ? 0 : args.length);
    if (args !== undefined) this.#args.push(args);
  }

  /** After `launch`, once. */
  counts(accesses: number, returns: number, key: string | undefined): void {
    this.#accessCounts.push(accesses);
    this.#returnCounts.push(returns);
    if (key !== undefined) this.#keyed = true;
    this.#keyLengths.push(key === undefined ? 0 : this.#keys.pushText(key));
  }

  access(mode: number, input: number): void {
    this.#modes.push(mode);
    this.#inputs.push(input);
  }

  output(version: number): void {
    this.#outputs.push(version);
  }

  inline(bytes: Uint8Array): void {
    this.#inlineLengths.push(bytes.length);
    this.#inline.push(bytes);
  }

  sources(provenance: Provenance): void {
    this.#sourceMessages.push(this.#encoded(toBinary(ProvenanceSchema, provenance)));
  }

  /** For the launch before; `index` is filled in. */
  extra(extra: Omit<LaunchExtra, '$typeName' | '$unknown' | 'index'>): void {
    const message = create(LaunchExtraSchema, { ...extra, index: this.#count - 1 });
    this.#extraMessages.push(this.#encoded(toBinary(LaunchExtraSchema, message)));
  }

  #encoded(bytes: Uint8Array): Uint8Array {
    this.#messageBytes += bytes.length + 8;
    return bytes;
  }

  /** About the size of the batch, to keep frames bounded. */
  get estimate(): number {
    return (
      this.#count * 48 +
      this.#args.size +
      this.#inline.size +
      this.#keys.size +
      this.#modes.size * 3 +
      this.#messageBytes
    );
  }

  byteLength(): number {
    if (!this.#keyed) this.#keyLengths.clear();
    let size = 0;
    for (const [field, column] of this.#columns) size += fieldSize(field, column.size);
    for (const message of this.#sourceMessages) size += messageSize(15, message.length);
    for (const message of this.#extraMessages) size += messageSize(16, message.length);
    return size;
  }

  /** Call `byteLength` before. */
  writeTo(writer: WireWriter): void {
    for (const [field, column] of this.#columns) writer.column(field, column);
    for (const message of this.#sourceMessages) writer.message(15, message);
    for (const message of this.#extraMessages) writer.message(16, message);
  }

  clear(): void {
    this.#count = 0;
    this.#keyed = false;
    for (const [, column] of this.#columns) column.clear();
    this.#sourceMessages = [];
    this.#extraMessages = [];
    this.#messageBytes = 0;
  }
}

interface LaunchColumns {
  invocations: DoubleView;
  elements: Fixed32View;
  flags: Fixed32View;
  argsLengths: Fixed32View;
  args: Uint8Array;
  accessCounts: Fixed32View;
  returnCounts: Fixed32View;
  keyLengths: Fixed32View;
  keys: Uint8Array;
  modes: Fixed32View;
  inputs: DoubleView;
  outputs: DoubleView;
  inlineLengths: Fixed32View;
  inline: Uint8Array;
  sources: Provenance[];
  extras: LaunchExtra[];
}

const NONE = new Uint8Array(0);

/**
 * Cursor over a received batch. `next` moves to a launch, then `nextAccess` is called `accessCount` times and
 * `nextOutput` once for every written access and return. All columns are checked against each other before the first.
 *
 * `args` and `inline` lie in the frame: whoever keeps them copies them.
 */
export class LaunchReader {
  invocation = 0;
  element = 0;
  preserveInputs = false;
  args: Uint8Array | undefined;
  key: string | undefined;
  accessCount = 0;
  returnCount = 0;
  extra: LaunchExtra | undefined;

  direction = 0;
  kind = 0;
  keepRename = false;
  /** INPUT_*. */
  inputForm = INPUT_NONE;
  input = -1;
  inline: Uint8Array | undefined;
  provenance: Provenance | undefined;

  readonly #columns: LaunchColumns;
  #launch = -1;
  #access = 0;
  #output = 0;
  #inlineAt = 0;
  #inlineIndex = 0;
  #sourceIndex = 0;
  #argsAt = 0;
  #keysAt = 0;
  #extraIndex = 0;

  constructor(bytes: Uint8Array) {
    this.#columns = readColumns(bytes);
    checkColumns(this.#columns);
  }

  get count(): number {
    return this.#columns.invocations.length;
  }

  next(): boolean {
    const columns = this.#columns;
    const index = ++this.#launch;
    if (index >= columns.invocations.length) return false;
    this.invocation = columns.invocations.at(index);
    this.element = columns.elements.at(index);
    this.preserveInputs = (columns.flags.at(index) & 1) === 1;
    this.accessCount = columns.accessCounts.at(index);
    this.returnCount = columns.returnCounts.at(index);
    this.#readArgs(columns.argsLengths.at(index));
    this.#readKey(index);
    this.#readExtra(index);
    return true;
  }

  nextAccess(): void {
    const columns = this.#columns;
    const mode = columns.modes.at(this.#access);
    this.direction = mode & 255;
    this.kind = (mode >>> 8) & 255;
    this.keepRename = (mode & KEEP_RENAME) !== 0;
    this.inputForm = mode >>> 24;
    this.input = columns.inputs.at(this.#access++);
    this.inline = undefined;
    this.provenance = undefined;
    if (this.inputForm === INPUT_INLINE || this.inputForm === INPUT_PASSING) this.#readInline();
    else if (this.inputForm === INPUT_SOURCES) this.provenance = columns.sources[this.#sourceIndex++];
  }

  nextOutput(): number {
    return this.#columns.outputs.at(this.#output++);
  }

  #readArgs(length: number): void {
    this.args = length === 0 ? undefined : this.#columns.args.subarray(this.#argsAt, this.#argsAt + length);
    this.#argsAt += length;
  }

  #readKey(index: number): void {
    const columns = this.#columns;
    if (columns.keyLengths.length === 0) return;
    const length = columns.keyLengths.at(index);
    this.key = length === 0 ? undefined : textOf(columns.keys, this.#keysAt, length);
    this.#keysAt += length;
  }

  #readExtra(index: number): void {
    const extra = this.#columns.extras[this.#extraIndex];
    this.extra = extra?.index === index ? extra : undefined;
    if (this.extra !== undefined) this.#extraIndex += 1;
  }

  #readInline(): void {
    const length = this.#columns.inlineLengths.at(this.#inlineIndex++);
    this.inline = this.#columns.inline.subarray(this.#inlineAt, this.#inlineAt + length);
    this.#inlineAt += length;
  }
}

const textOf = (bytes: Uint8Array, start: number, length: number): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset + start, length).toString();

function emptyColumns(): LaunchColumns {
  const none = new Fixed32View();
  return {
    invocations: new DoubleView(),
    elements: none,
    flags: none,
    argsLengths: none,
    args: NONE,
    accessCounts: none,
    returnCounts: none,
    keyLengths: none,
    keys: NONE,
    modes: none,
    inputs: new DoubleView(),
    outputs: new DoubleView(),
    inlineLengths: none,
    inline: NONE,
    sources: [],
    extras: [],
  };
}

type ColumnField = (columns: LaunchColumns, reader: WireReader) => void;

const FIELDS: readonly (ColumnField | undefined)[] = [
  undefined,
  (columns, reader) => (columns.invocations = new DoubleView(reader.packed(8))),
  (columns, reader) => (columns.elements = new Fixed32View(reader.packed(4))),
  (columns, reader) => (columns.flags = new Fixed32View(reader.packed(4))),
  (columns, reader) => (columns.argsLengths = new Fixed32View(reader.packed(4))),
  (columns, reader) => (columns.args = reader.bytes()),
  (columns, reader) => (columns.accessCounts = new Fixed32View(reader.packed(4))),
  (columns, reader) => (columns.returnCounts = new Fixed32View(reader.packed(4))),
  (columns, reader) => (columns.keyLengths = new Fixed32View(reader.packed(4))),
  (columns, reader) => (columns.keys = reader.bytes()),
  (columns, reader) => (columns.modes = new Fixed32View(reader.packed(4))),
  (columns, reader) => (columns.inputs = new DoubleView(reader.packed(8))),
  (columns, reader) => (columns.outputs = new DoubleView(reader.packed(8))),
  (columns, reader) => (columns.inlineLengths = new Fixed32View(reader.packed(4))),
  (columns, reader) => (columns.inline = reader.bytes()),
  (columns, reader) => columns.sources.push(readMessage(ProvenanceSchema, reader.bytes())),
  (columns, reader) => columns.extras.push(readMessage(LaunchExtraSchema, reader.bytes())),
];

function readColumns(bytes: Uint8Array): LaunchColumns {
  const columns = emptyColumns();
  const reader = new WireReader(bytes);
  while (reader.next()) {
    const read = FIELDS[reader.field];
    if (read === undefined) reader.skip();
    else read(columns, reader);
  }
  return columns;
}

function checkColumns(columns: LaunchColumns): void {
  const count = columns.invocations.length;
  for (const column of [
    columns.elements,
    columns.flags,
    columns.argsLengths,
    columns.accessCounts,
    columns.returnCounts,
  ]) {
    if (column.length !== count) throw invalidFrame('the columns of a launch batch differ in length');
  }
  if (columns.keyLengths.length !== 0 && columns.keyLengths.length !== count) throw invalidFrame('keys are missing');
  if (columns.argsLengths.sum() !== columns.args.length) throw invalidFrame('arguments do not add up');
  if (columns.keyLengths.sum() !== columns.keys.length) throw invalidFrame('keys do not add up');
  if (columns.accessCounts.sum() !== columns.modes.length) throw invalidFrame('accesses do not add up');
  if (columns.inputs.length !== columns.modes.length) throw invalidFrame('inputs and accesses differ in number');
  checkAccesses(columns);
}

function checkAccesses(columns: LaunchColumns): void {
  let written = columns.returnCounts.sum();
  let inline = 0;
  let sources = 0;
  for (let index = 0; index < columns.modes.length; index++) {
    const mode = columns.modes.at(index);
    const form = mode >>> 24;
    if ((mode & 255) >= DIRECTION_COUNT || ((mode >>> 8) & 255) >= KIND_COUNT || form > INPUT_SOURCES) {
      throw invalidFrame(`access mode ${mode} is unknown`);
    }
    if (writesVersion(mode & 255)) written += 1;
    if (form === INPUT_INLINE || form === INPUT_PASSING) inline += 1;
    if (form === INPUT_SOURCES) sources += 1;
  }
  if (written !== columns.outputs.length) throw invalidFrame('outputs do not add up');
  if (inline !== columns.inlineLengths.length || columns.inlineLengths.sum() !== columns.inline.length) {
    throw invalidFrame('inline inputs do not add up');
  }
  if (sources !== columns.sources.length) throw invalidFrame('sources do not add up');
}
