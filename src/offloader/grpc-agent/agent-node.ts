import { create } from '@bufbuild/protobuf';
import {
  type FrameWriter,
  type ReceivedSection,
  readIds,
  SECTION,
  type SectionField,
} from '../../contracts/agent-link/frame.ts';
import { SettledReader } from '../../contracts/agent-link/settled-batch.ts';
import { invalidFrame, readMessage } from '../../contracts/agent-link/wire.ts';
import {
  CancelsSchema,
  OutputSchema,
  ReplicasSchema,
  ResourceDescriptionSchema,
  StageInSchema,
  StageInsSchema,
  TransfersFailedSchema,
} from '../../contracts/gen/agent_pb.ts';
import type { DatumKind } from '../../runtime/model/access.ts';
import type { InvocationId, VersionId } from '../../runtime/model/ids.ts';
import type { InvocationOutcome, OutputReport } from '../../runtime/model/outcome.ts';
import type { ResourceDescription } from '../../runtime/model/resource.ts';
import type { DataSource, LaunchRequest, NodeContext, NodeHandle, NodeWatcher } from '../../runtime/ports.ts';
import { inlineBytes, LaunchSection, LaunchWriter } from './launch-section.ts';
import type { LinkClient } from './link-client.ts';
import { descriptionFromWire, kindOrdinal } from './model-wire.ts';
import { IdsSection, type OutSection } from './reliable-channel.ts';
import { copyOf } from './small-copy.ts';

/** Signs a ticket for data of a peer with the key that it gave for this link. */
export type TicketSigner = (key: string, issuer: string, reader: string, keys: readonly string[]) => string;

/** A launch with more literal arguments fails here: no peer takes such a frame. */
const MAX_ARGS_BYTES = 128 * 2 ** 20;

/** Another agent as a node of this one. */
export class AgentNode implements NodeHandle {
  readonly #context: NodeContext;
  readonly #watcher: NodeWatcher;
  readonly #sign: TicketSigner;
  readonly #writer: LaunchWriter;
  readonly #pending = new Map<InvocationId, LaunchRequest>();
  /** Versions that the peer holds or was told how to get. */
  readonly #there = new Set<VersionId>();
  #link: LinkClient | undefined;
  #description: ResourceDescription;
  #ignored = 0;

  constructor(description: ResourceDescription, context: NodeContext, watcher: NodeWatcher, sign: TicketSigner) {
    this.#description = description;
    this.#context = context;
    this.#watcher = watcher;
    this.#sign = sign;
    this.#writer = new LaunchWriter({
      store: context.store,
      there: this.#there,
      sources: (version) => context.sources(version, this.#peer.welcome.name),
      bytes: (version) => context.bytes?.(version) ?? (context.store.has(version) ? context.store.size(version) : 0),
      sent: (version, bytes) => watcher.replicaAdded(version, bytes),
    });
  }

  /** Before any other call. */
  bind(link: LinkClient): void {
    this.#link = link;
  }

  get #peer(): LinkClient {
    return this.#link as LinkClient;
  }

  get description(): ResourceDescription {
    return this.#description;
  }

  get pid(): number {
    return this.#peer.welcome.pid;
  }

  /** Messages about attempts that are not (any more) on this node. */
  get ignored(): number {
    return this.#ignored;
  }

  launch(batch: readonly LaunchRequest[]): void {
    const fitting = batch.some(isTooLarge) ? batch.filter((request) => !this.#refuseTooLarge(request)) : batch;
    if (fitting.length === 0) return;
    for (const request of fitting) this.#pending.set(request.invocation, request);
    const { tail } = this.#peer.channel;
    const section = tail instanceof LaunchSection ? tail : this.#push(new LaunchSection(this.#writer));
    section.add(fitting);
  }

  cancel(invocation: InvocationId, reason: string): void {
    if (!this.#pending.has(invocation)) return;
    const { tail } = this.#peer.channel;
    const section = tail instanceof CancelsSection ? tail : this.#push(new CancelsSection());
    section.add(invocation, reason);
  }

  recall(invocation: InvocationId): void {
    if (this.#pending.has(invocation)) this.#add(SECTION.recalls, invocation);
  }

  /** The peer books the units of its own tasks again and says so with `resumed`. */
  resume(): void {}

  stageIn(version: VersionId, kind: DatumKind): void {
    this.#push({ write: (frame) => this.#writeStageIn(frame, version, kind) });
  }

  cancelStageIn(version: VersionId): void {
    this.#add(SECTION.cancelStageIns, version);
  }

  evict(versions: readonly VersionId[]): void {
    this.#push({
      // Asked only when it is written: a launch that is queued before may still bring the version there.
      write: (frame) => {
        const held = versions.filter((version) => this.#there.delete(version));
        if (held.length > 0) frame.ids(SECTION.evictions, held);
        return true;
      },
    });
  }

  source(version: VersionId, reader: string): DataSource | undefined {
    const { dataPort, linkKey, name, host } = this.#peer.welcome;
    if (dataPort === 0 || linkKey === '') return undefined;
    const { self } = this.#context;
    // A tunnel starts here: others get what lies at its end through this agent.
    if (this.#peer.tunnel !== undefined && reader !== self.name) return undefined;
    const key = `${self.incarnation}/${version}`;
    return { node: name, host, port: dataPort, key, ticket: this.#sign(linkKey, self.name, reader, [key]) };
  }

  resize(description: ResourceDescription): void {
    this.#description = description;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#pending.clear();
    await this.#link?.close();
    await this.#link?.tunnel?.[Symbol.asyncDispose]();
  }

  // ------------------------------------------------------------------------------------------ to the peer

  #push<S extends OutSection>(section: S): S {
    this.#peer.channel.push(section);
    return section;
  }

  #add(field: SectionField, id: number): void {
    const { tail } = this.#peer.channel;
    const section = tail instanceof IdsSection && tail.field === field ? tail : this.#push(new IdsSection(field));
    section.add(id);
  }

  #refuseTooLarge(request: LaunchRequest): boolean {
    if (!isTooLarge(request)) return false;
    const message = `The literal arguments are larger than ${MAX_ARGS_BYTES} bytes; pass large values as data`;
    this.#watcher.settled(request.invocation, {
      status: 'failed',
      error: { code: 'ERR_REQUEST_TOO_LARGE', message },
    });
    return true;
  }

  #writeStageIn(frame: FrameWriter, version: VersionId, kind: DatumKind): boolean {
    const { store } = this.#context;
    const bytes = kind === 'value' ? inlineBytes(store, version) : undefined;
    const stageIn = create(StageInSchema, {
      version,
      kind: kindOrdinal(kind),
      ...(bytes === undefined ? { provenance: this.#writer.provenance(version) } : { inline: bytes }),
    });
    frame.message(SECTION.stageIns, StageInsSchema, create(StageInsSchema, { stageIns: [stageIn] }));
    if (bytes !== undefined) store.release(version);
    this.#there.add(version);
    return true;
  }

  // ------------------------------------------------------------------------------------------ from the peer

  /** Throws ERR_FRAME_INVALID. */
  take({ field, body }: ReceivedSection): void {
    switch (field) {
      case SECTION.settled:
        this.#settled(new SettledReader(body));
        break;
      case SECTION.started:
        this.#each(body, (invocation) => this.#watcher.started(invocation));
        break;
      case SECTION.suspended:
        this.#each(body, (invocation) => this.#watcher.suspended(invocation));
        break;
      case SECTION.resumed:
        this.#each(body, (invocation) => this.#watcher.resumed(invocation));
        break;
      case SECTION.output:
        this.#output(body);
        break;
      case SECTION.resized:
        this.#watcher.resized(descriptionFromWire(readMessage(ResourceDescriptionSchema, body)));
        break;
      default:
        this.#data(field, body);
    }
  }

  #each(body: Uint8Array, tell: (invocation: InvocationId) => void): void {
    const ids = readIds(body);
    for (let index = 0; index < ids.length; index++) {
      const invocation = ids.at(index) as InvocationId;
      if (this.#pending.has(invocation)) tell(invocation);
      else this.#ignored += 1;
    }
  }

  #settled(reader: SettledReader): void {
    while (reader.next()) {
      const invocation = reader.invocation as InvocationId;
      const request = this.#pending.get(invocation);
      if (request === undefined) {
        this.#ignored += 1;
        for (let index = 0; index < reader.outputCount; index++) reader.nextOutput();
        continue;
      }
      this.#pending.delete(invocation);
      this.#watcher.settled(invocation, this.#outcome(reader, request));
    }
  }

  #outcome(reader: SettledReader, request: LaunchRequest): InvocationOutcome {
    const { status, error, reason } = reader;
    const ranMs = reader.ranMs === undefined ? {} : { ranMs: reader.ranMs };
    switch (status) {
      case 'completed':
        return { status, outputs: this.#outputs(reader, request), ...ranMs };
      case 'exception':
        return { status, error: error ?? UNEXPLAINED, outputs: this.#outputs(reader, request) };
      case 'failed':
        return { status, error: error ?? UNEXPLAINED, ...ranMs };
      case 'lost':
        return { status, reason };
      case 'cancelled':
      case 'recalled':
        return { status };
    }
  }

  #outputs(reader: SettledReader, request: LaunchRequest): readonly OutputReport[] {
    if (reader.outputCount !== request.outputs.length) {
      throw invalidFrame(`${reader.outputCount} outputs where ${request.outputs.length} were asked for`);
    }
    if (reader.outputCount === 0) return NO_OUTPUTS;
    return request.outputs.map((version) => this.#outputReport(reader, version));
  }

  #outputReport(reader: SettledReader, version: VersionId): OutputReport {
    reader.nextOutput();
    const { inline, outputBytes } = reader;
    if (inline === undefined) this.#there.add(version);
    else this.#context.store.putInline(version, copyOf(inline));
    return { bytes: outputBytes, inline: inline !== undefined };
  }

  #output(body: Uint8Array): void {
    const { invocation, stderr, chunk } = readMessage(OutputSchema, body);
    if (!this.#pending.has(invocation as InvocationId)) this.#ignored += 1;
    else this.#watcher.output(invocation as InvocationId, stderr ? 'stderr' : 'stdout', chunk);
  }

  #data(field: number, body: Uint8Array): void {
    if (field === SECTION.replicas) {
      const { versions, bytes } = readMessage(ReplicasSchema, body);
      for (const [index, version] of versions.entries()) this.#replicaAdded(version as VersionId, bytes[index] ?? 0);
    } else if (field === SECTION.replicasLost) {
      const versions = readIds(body);
      for (let index = 0; index < versions.length; index++) this.#replicaLost(versions.at(index) as VersionId);
    } else if (field === SECTION.transfersFailed) {
      const { versions, reasons } = readMessage(TransfersFailedSchema, body);
      for (const [index, version] of versions.entries()) this.#transferFailed(version as VersionId, reasons[index]);
    }
  }

  /** Evicted meanwhile: the peer forgets it too. */
  #replicaAdded(version: VersionId, bytes: number): void {
    if (this.#there.has(version)) this.#watcher.replicaAdded(version, bytes);
  }

  #replicaLost(version: VersionId): void {
    if (this.#there.delete(version)) this.#watcher.replicaLost(version);
  }

  #transferFailed(version: VersionId, reason = 'unknown'): void {
    this.#there.delete(version);
    this.#watcher.transferFailed(version, reason);
  }
}

const NO_OUTPUTS: readonly OutputReport[] = [];
const UNEXPLAINED = { code: 'ERR_TASK_FAILED', message: 'The peer gave no reason' };

const isTooLarge = (request: LaunchRequest): boolean => (request.args?.length ?? 0) > MAX_ARGS_BYTES;

class CancelsSection implements OutSection {
  readonly #invocations: number[] = [];
  readonly #reasons: string[] = [];

  add(invocation: InvocationId, reason: string): void {
    this.#invocations.push(invocation);
    this.#reasons.push(reason);
  }

  write(frame: FrameWriter): boolean {
    const message = create(CancelsSchema, { invocations: this.#invocations, reasons: this.#reasons });
    frame.message(SECTION.cancels, CancelsSchema, message);
    return true;
  }
}
