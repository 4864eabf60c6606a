import { create } from '@bufbuild/protobuf';
import { type FrameWriter, SECTION } from '../../contracts/agent-link/frame.ts';
import {
  accessMode,
  INPUT_INLINE,
  INPUT_NONE,
  INPUT_PASSING,
  INPUT_SOURCES,
  INPUT_THERE,
  LaunchEncoder,
} from '../../contracts/agent-link/launch-batch.ts';
import { ElementSchema, ElementsSchema, type Provenance, ProvenanceSchema } from '../../contracts/gen/agent_pb.ts';
import { type Access, reads, writes } from '../../runtime/model/access.ts';
import type { Implementation } from '../../runtime/model/core-element.ts';
import { NONE, type VersionId } from '../../runtime/model/ids.ts';
import { type DataSource, INLINE_BYTES, type LaunchRequest, type ObjectStore } from '../../runtime/ports.ts';
import { constraintsToWire, directionOrdinal, implementationToWire, kindOrdinal } from './model-wire.ts';
import type { OutSection } from './reliable-channel.ts';

/** Values up to this size are sent with every launch that reads them: dearer to keep track of than to send. */
const PASSING_BYTES = 512;

/** What writing a launch needs to know of the node and its agent. */
export interface LaunchContext {
  readonly store: ObjectStore;
  /** Versions that the peer has, or was told how to get. */
  readonly there: Set<VersionId>;
  sources(version: VersionId): readonly DataSource[];
  /** Encoded size, as far as it is known: the callee places by it. */
  bytes(version: VersionId): number;
  /** The peer holds a value now that went to it inline. */
  sent(version: VersionId, bytes: number): void;
}

/** Writes launches for one link. Elements are numbered as they come up and sent once. */
export class LaunchWriter {
  readonly encoder = new LaunchEncoder();
  readonly #context: LaunchContext;
  readonly #numbers = new Map<Implementation, number>();
  /** The same by content: an application that is run again declares its elements anew. */
  readonly #known = new Map<string, number>();

  constructor(context: LaunchContext) {
    this.#context = context;
  }

  write(request: LaunchRequest, frame: FrameWriter): void {
    const { encoder } = this;
    const { accesses, outputs } = request;
    encoder.launch(request.invocation, this.#element(request, frame), request.preserveInputs, request.args);
    let written = 0;
    for (const access of accesses) if (writes(access.direction)) written += 1;
    encoder.counts(accesses.length, outputs.length - written, request.key);
    for (let position = 0; position < accesses.length; position++) {
      this.#access(accesses[position] as Access, request.inputs[position] ?? (NONE as VersionId));
    }
    for (const output of outputs) encoder.output(output);
    if (hasExtra(request)) this.#extra(request);
  }

  #element(request: LaunchRequest, frame: FrameWriter): number {
    const found = this.#numbers.get(request.implementation);
    if (found !== undefined) return found;
    const content = JSON.stringify([request.signature, request.implementation]);
    let number = this.#known.get(content);
    if (number === undefined) {
      number = this.#known.size;
      this.#known.set(content, number);
      const implementation = implementationToWire(request.implementation);
      const element = create(ElementSchema, { number, signature: request.signature, implementation });
      frame.message(SECTION.elements, ElementsSchema, create(ElementsSchema, { elements: [element] }));
    }
    this.#numbers.set(request.implementation, number);
    return number;
  }

  #access(access: Access, input: VersionId): void {
    const mode = (form: number): number =>
      accessMode(directionOrdinal(access.direction), kindOrdinal(access.kind), access.keepRename === true, form);
    if (input === NONE || !reads(access.direction)) this.encoder.access(mode(INPUT_NONE), NONE);
    else if (this.#context.there.has(input)) this.encoder.access(mode(INPUT_THERE), input);
    else this.#bring(access, input, mode);
  }

  /** A version that the task updates is not kept by the peer under its old name, so that it may work on it in place. */
  #bring(access: Access, input: VersionId, mode: (form: number) => number): void {
    const { there, store } = this.#context;
    const updates = writes(access.direction);
    const bytes = access.kind === 'value' ? inlineBytes(store, input) : undefined;
    if (bytes === undefined) {
      this.encoder.access(mode(INPUT_SOURCES), input);
      this.encoder.sources(this.provenance(input));
      if (!updates) there.add(input);
      return;
    }
    const passing = updates || bytes.length <= PASSING_BYTES;
    this.encoder.access(mode(passing ? INPUT_PASSING : INPUT_INLINE), input);
    this.encoder.inline(bytes);
    store.release(input);
    if (passing) return;
    there.add(input);
    this.#context.sent(input, bytes.length);
  }

  provenance(version: VersionId): Provenance {
    const sources = this.#context.sources(version).map((source) => ({ ...source, path: source.path ?? '' }));
    return create(ProvenanceSchema, { bytes: this.#context.bytes(version), sources });
  }

  #extra(request: LaunchRequest): void {
    const { accesses, constraints } = request;
    const weighted = accesses.some((access) => access.weight !== undefined);
    const named = accesses.some((access) => access.name !== undefined);
    this.encoder.extra({
      timeOutMs: request.timeOutMs ?? 0,
      trace: request.trace ?? '',
      hostNames: [...(request.hostNames ?? [])],
      names: named ? accesses.map((access) => access.name ?? '') : [],
      weights: weighted ? accesses.map((access) => access.weight ?? 1) : [],
      ...(constraints === undefined ? {} : { constraints: constraintsToWire(constraints) }),
    });
  }
}

function hasExtra(request: LaunchRequest): boolean {
  return (
    (request.timeOutMs ?? 0) > 0 ||
    request.trace !== undefined ||
    request.hostNames !== undefined ||
    request.constraints !== undefined ||
    request.accesses.some((access) => access.weight !== undefined || access.name !== undefined)
  );
}

/** The bytes of a small value in the store, pinned: release it. Undefined: it is elsewhere, large, or a file. */
export function inlineBytes(store: ObjectStore, version: VersionId): Uint8Array | undefined {
  if (!store.has(version) || store.size(version) > INLINE_BYTES) return undefined;
  const value = store.acquire(version);
  if (value === undefined) return undefined;
  if (value.in === 'memory') return value.bytes;
  if (value.in === 'slab') return new Uint8Array(value.slab, value.offset, value.length);
  store.release(version);
  return undefined;
}

/** Launches in the order they came. Written as far as the frame goes; grows while it is the newest section. */
export class LaunchSection implements OutSection {
  readonly #writer: LaunchWriter;
  readonly #requests: LaunchRequest[] = [];
  #next = 0;

  constructor(writer: LaunchWriter) {
    this.#writer = writer;
  }

  add(batch: readonly LaunchRequest[]): void {
    for (const request of batch) this.#requests.push(request);
  }

  write(frame: FrameWriter, limit: number): boolean {
    const { encoder } = this.#writer;
    encoder.clear();
    do {
      this.#writer.write(this.#requests[this.#next++] as LaunchRequest, frame);
    } while (this.#next < this.#requests.length && frame.size + encoder.estimate < limit);
    frame.batch(SECTION.launches, encoder);
    return this.#next >= this.#requests.length;
  }
}
