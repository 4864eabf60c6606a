import { type DescMessage, type MessageShape, toBinary } from '@bufbuild/protobuf';
import { type Close, CloseSchema, type Hello, HelloSchema, type Welcome, WelcomeSchema } from '../gen/agent_pb.ts';
import { DoubleColumn, DoubleView } from './columns.ts';
import { fieldSize, messageSize, readMessage, WireReader, WireWriter } from './wire.ts';

/** Raised by every change that an older peer would misread. */
export const PROTOCOL_VERSION = 1;

/** Field numbers of `Section.body`. */
export const SECTION = {
  elements: 1,
  launches: 2,
  cancels: 3,
  recalls: 4,
  evictions: 6,
  stageIns: 7,
  cancelStageIns: 8,
  started: 16,
  settled: 17,
  suspended: 18,
  resumed: 19,
  replicas: 20,
  replicasLost: 21,
  transfersFailed: 22,
  output: 23,
  resized: 24,
} as const;
export type SectionField = (typeof SECTION)[keyof typeof SECTION];

const FRAME_SEQ = 1;
const FRAME_ACK = 2;
const FRAME_HELLO = 3;
const FRAME_WELCOME = 4;
const FRAME_CLOSE = 5;
const FRAME_SECTIONS = 6;
const IDS_FIELD = 1;

export interface ReceivedSection {
  readonly field: number;
  /** The body, where it lies in the frame. */
  readonly body: Uint8Array;
}

export interface ReceivedFrame {
  readonly seq: number;
  readonly ack: number;
  readonly hello?: Hello;
  readonly welcome?: Welcome;
  readonly close?: Close;
  readonly sections: readonly ReceivedSection[];
}

/** What a batch encoder offers to a frame. */
export interface SectionBody {
  byteLength(): number;
  writeTo(writer: WireWriter): void;
}

/** Builds the sections of one frame after the other; the memory is reused. */
export class FrameWriter {
  readonly #sections = new WireWriter();
  readonly #frame = new WireWriter();
  readonly #ids = new DoubleColumn();

  /** Bytes of the sections so far. */
  get size(): number {
    return this.#sections.size;
  }

  batch(field: SectionField, body: SectionBody): void {
    const length = body.byteLength();
    this.#open(field, length);
    body.writeTo(this.#sections);
  }

  ids(field: SectionField, ids: readonly number[]): void {
    this.#ids.clear();
    for (const id of ids) this.#ids.push(id);
    this.#open(field, fieldSize(IDS_FIELD, this.#ids.size));
    this.#sections.column(IDS_FIELD, this.#ids);
  }

  message<Schema extends DescMessage>(field: SectionField, schema: Schema, message: MessageShape<Schema>): void {
    const bytes = toBinary(schema, message);
    this.#open(field, bytes.length);
    this.#sections.raw(bytes);
  }

  #open(field: SectionField, length: number): void {
    this.#sections.header(FRAME_SECTIONS, messageSize(field, length));
    this.#sections.header(field, length);
  }

  /** The frame with the sections written since the last one. */
  finish(seq: number, ack: number): Buffer {
    this.#frame.uint(FRAME_SEQ, seq);
    this.#frame.uint(FRAME_ACK, ack);
    this.#frame.raw(this.#sections.bytes());
    this.#sections.clear();
    return this.#frame.take();
  }
}

export const helloFrame = (hello: Hello): Buffer => messageFrame(FRAME_HELLO, toBinary(HelloSchema, hello));
export const welcomeFrame = (welcome: Welcome): Buffer => messageFrame(FRAME_WELCOME, toBinary(WelcomeSchema, welcome));
export const closeFrame = (close: Close): Buffer => messageFrame(FRAME_CLOSE, toBinary(CloseSchema, close));

function messageFrame(field: number, bytes: Uint8Array): Buffer {
  const writer = new WireWriter();
  writer.message(field, bytes);
  return writer.take();
}

export function ackFrame(ack: number): Buffer {
  const writer = new WireWriter();
  writer.uint(FRAME_ACK, ack);
  return writer.take();
}

/** Throws ERR_FRAME_INVALID. Bodies of sections are checked when they are read. */
export function readFrame(bytes: Uint8Array): ReceivedFrame {
  const frame: { -readonly [K in keyof ReceivedFrame]: ReceivedFrame[K] } & { sections: ReceivedSection[] } = {
    seq: 0,
    ack: 0,
    sections: [],
  };
  const reader = new WireReader(bytes);
  while (reader.next()) {
    if (reader.field === FRAME_SEQ) frame.seq = reader.uint();
    else if (reader.field === FRAME_ACK) frame.ack = reader.uint();
    else if (reader.field === FRAME_HELLO) frame.hello = readMessage(HelloSchema, reader.bytes());
    else if (reader.field === FRAME_WELCOME) frame.welcome = readMessage(WelcomeSchema, reader.bytes());
    else if (reader.field === FRAME_CLOSE) frame.close = readMessage(CloseSchema, reader.bytes());
    else if (reader.field === FRAME_SECTIONS) frame.sections.push(...readSection(reader.bytes()));
    else reader.skip();
  }
  return frame;
}

/** A section of a later version has no body that is known here: nothing is done for it. */
function readSection(bytes: Uint8Array): ReceivedSection[] {
  const found: ReceivedSection[] = [];
  const reader = new WireReader(bytes);
  while (reader.next()) found.push({ field: reader.field, body: reader.bytes() });
  return found;
}

export function readIds(body: Uint8Array): DoubleView {
  const reader = new WireReader(body);
  let ids = new DoubleView();
  while (reader.next()) {
    if (reader.field === IDS_FIELD) ids = new DoubleView(reader.packed(8));
    else reader.skip();
  }
  return ids;
}
