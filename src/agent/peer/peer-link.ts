import { create } from '@bufbuild/protobuf';
import type { ErrorInfo } from '../../common/errors.ts';
import { type ReceivedSection, readIds, SECTION, type SectionField } from '../../contracts/agent-link/frame.ts';
import {
  INPUT_INLINE,
  INPUT_NONE,
  INPUT_PASSING,
  INPUT_SOURCES,
  LaunchReader,
  writesVersion,
} from '../../contracts/agent-link/launch-batch.ts';
import { invalidFrame, readMessage } from '../../contracts/agent-link/wire.ts';
import {
  CancelsSchema,
  ElementsSchema,
  type Hello,
  type LaunchExtra,
  OutputSchema,
  type Provenance,
  ReplicasSchema,
  type StageIn,
  StageInsSchema,
  TransfersFailedSchema,
} from '../../contracts/gen/agent_pb.ts';
import {
  constraintsFromWire,
  directionAt,
  implementationFromWire,
  kindAt,
} from '../../offloader/grpc-agent/model-wire.ts';
import { IdsSection, type OutSection, ReliableChannel } from '../../offloader/grpc-agent/reliable-channel.ts';
import { copyOf } from '../../offloader/grpc-agent/small-copy.ts';
import type { Access, DatumKind } from '../../runtime/model/access.ts';
import type { CoreId, Handle, TaskId, VersionId, WaitId } from '../../runtime/model/ids.ts';
import type { TaskOutcome } from '../../runtime/model/outcome.ts';
import type { TaskSpec } from '../../runtime/model/task.ts';
import { INLINE_BYTES, type Scope, type ScopeOwner } from '../../runtime/ports.ts';
import { type HeldVersion, PeerData, type PeerStores } from './peer-data.ts';
import { type FinishedOutput, SettledSection } from './settled-section.ts';

/** The agent below the peer service: its runtime, as far as callers may use it. */
export interface PeerRuntime extends PeerStores {
  openScope(owner: ScopeOwner): Scope;
}

/** An output of a call: the caller's version and the datum it is bound to here. */
interface CallOutput {
  readonly version: number;
  readonly handle: Handle;
  readonly kind: DatumKind;
  /** Shared by the members of a CONCURRENT group, or updated in place: the handle lives on. */
  readonly shared: boolean;
  /** The caller's version that the handle named before. */
  readonly replaces?: number;
}

/** A launch of the caller as a task of this agent. */
interface Call {
  readonly invocation: number;
  readonly seq: number;
  readonly outputs: readonly CallOutput[];
  /** Inputs for this call alone. */
  readonly passing: readonly Handle[];
  /** Inputs that the caller does not yet know to be here. */
  readonly unreported: readonly HeldVersion[];
  recalled: boolean;
  ended: boolean;
}

type MutableCall = { -readonly [K in keyof Call]: Call[K] extends readonly (infer E)[] ? E[] : Call[K] };

const NO_ACCESSES: readonly Access[] = [];
const NO_OUTPUTS: readonly FinishedOutput[] = [];
/** Ends of a task that are this agent's failure and not the code's: the caller runs it elsewhere. */
const LOSSES = new Set(['ERR_TASK_LOST', 'ERR_DATA_LOST', 'ERR_SHUTTING_DOWN', 'ERR_TRANSFER_FAILED']);
/** Standard output that waits for a slow caller; beyond it chunks are dropped (they are in this agent's own job files). */
const MAX_OUTPUT_BYTES = 4 * 2 ** 20;

/** One caller's tasks and data on this agent. Lives from hello to the end of the link, over any number of streams. */
export class PeerLink implements ScopeOwner {
  readonly name: string;
  readonly hello: Hello;
  readonly channel: ReliableChannel;
  readonly #runtime: PeerRuntime;
  readonly #scope: Scope;
  readonly #data: PeerData;
  readonly #cores = new Map<number, CoreId>();
  readonly #byInvocation = new Map<number, Call>();
  readonly #bySeq = new Map<number, Call>();
  readonly #stagings = new Map<number, WaitId>();
  #seq = 0;
  #outputBytes = 0;
  #started: Call[] = [];
  #dropped = false;

  constructor(hello: Hello, runtime: PeerRuntime) {
    this.hello = hello;
    this.name = `peer ${hello.name}`;
    this.#runtime = runtime;
    this.channel = new ReliableChannel((section) => this.#take(section));
    this.#scope = runtime.openScope(this);
    this.#data = new PeerData(this.#scope, runtime, hello.incarnation);
  }

  /** Launches that have not been answered, and versions held for the caller. */
  get load(): { readonly calls: number; readonly versions: number } {
    return { calls: this.#byInvocation.size, versions: this.#data.size };
  }

  /** Cancels what runs and drops the data. */
  drop(reason: string): void {
    if (this.#dropped) return;
    this.#dropped = true;
    this.channel.close();
    for (const wait of this.#stagings.values()) this.#scope.abandon(wait);
    this.#stagings.clear();
    this.#byInvocation.clear();
    this.#bySeq.clear();
    this.#data.clear();
    this.#scope.close(reason);
  }

  // ------------------------------------------------------------------------------------------ from the caller

  #take({ field, body }: ReceivedSection): void {
    switch (field) {
      case SECTION.launches:
        this.#launches(new LaunchReader(body));
        break;
      case SECTION.elements:
        this.#elements(body);
        break;
      case SECTION.cancels:
        this.#cancels(body);
        break;
      case SECTION.recalls:
        each(body, (invocation) => this.#recall(invocation));
        break;
      case SECTION.evictions:
        each(body, (version) => this.#data.evict(version));
        break;
      case SECTION.stageIns:
        for (const stageIn of readMessage(StageInsSchema, body).stageIns) this.#stageIn(stageIn);
        break;
      case SECTION.cancelStageIns:
        each(body, (version) => this.#cancelStageIn(version));
        break;
      default: // Of a later version of the protocol.
    }
  }

  #elements(body: Uint8Array): void {
    for (const { number, signature, implementation } of readMessage(ElementsSchema, body).elements) {
      if (implementation === undefined) throw invalidFrame(`element ${number} has no implementation`);
      const element = { signature, implementations: [implementationFromWire(implementation)] };
      this.#cores.set(number, this.#scope.register(element));
    }
  }

  #launches(reader: LaunchReader): void {
    const specs: TaskSpec[] = [];
    while (reader.next()) {
      const spec = this.#launch(reader);
      if (spec !== undefined) specs.push(spec);
    }
    this.#scope.submit(specs);
  }

  /** Undefined: an input is not here any more, which is answered at once. */
  #launch(reader: LaunchReader): TaskSpec | undefined {
    const { invocation, extra, args, key } = reader;
    const core = this.#cores.get(reader.element);
    if (core === undefined) throw invalidFrame(`element ${reader.element} was not announced`);
    if (this.#byInvocation.has(invocation)) throw invalidFrame(`invocation ${invocation} was launched twice`);
    const call: MutableCall = {
      invocation,
      seq: this.#seq,
      outputs: [],
      passing: [],
      unreported: [],
      recalled: false,
      ended: false,
    };
    const accesses = this.#accesses(reader, call);
    const returns = this.#returns(reader, call);
    if (accesses === undefined) {
      this.#refuse(call);
      return undefined;
    }
    this.#seq += 1;
    this.#byInvocation.set(invocation, call);
    this.#bySeq.set(call.seq, call);
    return {
      scope: this.#scope.id,
      seq: call.seq,
      core,
      accesses,
      returns,
      onFailure: 'FAIL',
      notify: true,
      ...(args === undefined ? undefined : { args: copyOf(args) }),
      ...(key === undefined ? undefined : { key }),
      ...(extra === undefined ? undefined : extraFields(extra)),
    };
  }

  #refuse(call: MutableCall): void {
    for (const handle of call.passing) this.#data.letGo(handle);
    for (const output of call.outputs) if (!output.shared) this.#data.letGo(output.handle);
    this.#finish(call, { status: 'lost', outputs: NO_OUTPUTS, reason: 'an input is not at this node any more' });
  }

  #accesses(reader: LaunchReader, call: MutableCall): readonly Access[] | undefined {
    if (reader.accessCount === 0) return NO_ACCESSES;
    const accesses: Access[] = [];
    let missing = false;
    for (let index = 0; index < reader.accessCount; index++) {
      reader.nextAccess();
      const handle = writesVersion(reader.direction) ? this.#written(reader, call) : this.#read(reader, call);
      if (handle === undefined) missing = true;
      else accesses.push(accessOf(reader, handle, index));
    }
    return missing ? undefined : accesses;
  }

  #returns(reader: LaunchReader, call: MutableCall): readonly Handle[] {
    const handles: Handle[] = [];
    for (let index = 0; index < reader.returnCount; index++) {
      const handle = this.#data.newHandle();
      call.outputs.push({ version: reader.nextOutput(), handle, kind: 'value', shared: false });
      handles.push(handle);
    }
    return handles;
  }

  #read(reader: LaunchReader, call: MutableCall): Handle | undefined {
    const { input, inputForm } = reader;
    if (inputForm === INPUT_NONE) throw invalidFrame('an access reads nothing');
    if (inputForm === INPUT_PASSING) {
      const handle = this.#data.declareInline(reader.inline as Uint8Array);
      call.passing.push(handle);
      return handle;
    }
    const held = this.#data.get(input) ?? this.#bring(reader);
    if (held !== undefined && !held.reported) call.unreported.push(held);
    return held?.handle;
  }

  #bring(reader: LaunchReader): HeldVersion | undefined {
    const { input, kind } = reader;
    if (reader.inputForm === INPUT_INLINE) {
      return this.#data.hold(input, this.#data.declareInline(reader.inline as Uint8Array, input), 'value', true);
    }
    if (reader.inputForm !== INPUT_SOURCES) return undefined;
    const provenance = reader.provenance as Provenance;
    const handle = this.#data.declareFrom(input, kindAt(kind), provenance);
    return this.#data.hold(input, handle, kindAt(kind), false, provenance);
  }

  /** The handle that a task writes: its value before is what the task reads, if it reads. */
  #written(reader: LaunchReader, call: MutableCall): Handle | undefined {
    const version = reader.nextOutput();
    const kind = kindAt(reader.kind);
    const group = this.#data.get(version);
    if (group !== undefined) {
      call.outputs.push({ version, handle: group.handle, kind, shared: true });
      return group.handle;
    }
    const held = reader.inputForm === INPUT_NONE ? undefined : this.#data.get(reader.input);
    const replaces = held !== undefined && !reader.preserveInputs ? held.version : undefined;
    const handle = this.#updatable(reader, held);
    if (handle === undefined) return undefined;
    const shared = directionAt(reader.direction) === 'CONCURRENT';
    call.outputs.push({ version, handle, kind, shared, ...(replaces === undefined ? {} : { replaces }) });
    if (replaces !== undefined) this.#data.rename(replaces);
    if (shared) this.#data.hold(version, handle, kind, true);
    return handle;
  }

  #updatable(reader: LaunchReader, held: HeldVersion | undefined): Handle | undefined {
    const { inputForm, input } = reader;
    if (inputForm === INPUT_NONE) return this.#data.newHandle();
    if (held !== undefined) return reader.preserveInputs ? this.#data.clone(held) : held.handle;
    if (reader.inline !== undefined) return this.#data.declareInline(reader.inline);
    if (reader.provenance === undefined) return undefined;
    return this.#data.declareFrom(input, kindAt(reader.kind), reader.provenance);
  }

  #cancels(body: Uint8Array): void {
    const { invocations, reasons } = readMessage(CancelsSchema, body);
    for (const [index, invocation] of invocations.entries()) {
      const call = this.#byInvocation.get(invocation);
      if (call !== undefined) this.#scope.cancel({ task: call.seq }, reasons[index] ?? '');
    }
  }

  #recall(invocation: number): void {
    const call = this.#byInvocation.get(invocation);
    if (call === undefined || this.#scope.recall === undefined) return;
    call.recalled = true;
    this.#scope.recall(call.seq);
  }

  // ------------------------------------------------------------------------------------------ data on their own

  #stageIn(stageIn: StageIn): void {
    const { version } = stageIn;
    if (this.#stagings.has(version)) return;
    const held = this.#data.get(version) ?? this.#declareStaged(stageIn);
    const wait = this.#scope.wait({ on: 'data', handles: [held.handle] }, (result) => {
      this.#stagings.delete(version);
      if (result.status === 'failed') {
        this.#stageInFailed(version, result.error.message);
        return;
      }
      held.reported = true;
      this.#replica(version, this.#runtime.store.size(result.versions[0] as VersionId));
      this.#scope.unpin(result.versions);
    });
    this.#stagings.set(version, wait);
  }

  #declareStaged({ version, kind, inline, provenance }: StageIn): HeldVersion {
    if (inline !== undefined)
      return this.#data.hold(version, this.#data.declareInline(inline, version), 'value', false);
    if (provenance === undefined) throw invalidFrame('a stage-in without content');
    const handle = this.#data.declareFrom(version, kindAt(kind), provenance);
    return this.#data.hold(version, handle, kindAt(kind), false, provenance);
  }

  #stageInFailed(version: number, reason: string): void {
    this.#data.evict(version);
    const message = create(TransfersFailedSchema, { versions: [version], reasons: [reason] });
    this.#push({
      write: (frame) => {
        frame.message(SECTION.transfersFailed, TransfersFailedSchema, message);
        return true;
      },
    });
  }

  #cancelStageIn(version: number): void {
    const wait = this.#stagings.get(version);
    if (wait === undefined) return;
    this.#stagings.delete(version);
    this.#scope.abandon(wait);
  }

  #replica(version: number, bytes: number): void {
    const message = create(ReplicasSchema, { versions: [version], bytes: [bytes] });
    this.#push({
      write: (frame) => {
        frame.message(SECTION.replicas, ReplicasSchema, message);
        return true;
      },
    });
  }

  // ------------------------------------------------------------------------------------------ from the runtime

  /** Worth telling only when the end does not go out in the same turn. */
  started(seq: number): void {
    const call = this.#bySeq.get(seq);
    if (call === undefined) return;
    this.#started.push(call);
    if (this.#started.length > 1) return;
    this.#push({
      write: (frame) => {
        const running = this.#started.filter((one) => !one.ended).map((one) => one.invocation);
        this.#started = [];
        if (running.length > 0) frame.ids(SECTION.started, running);
        return true;
      },
    });
  }

  suspended(seq: number): void {
    this.#note(SECTION.suspended, seq);
  }

  resumed(seq: number): void {
    this.#note(SECTION.resumed, seq);
  }

  #note(field: SectionField, seq: number): void {
    const call = this.#bySeq.get(seq);
    if (call === undefined) return;
    const { tail } = this.channel;
    const section = tail instanceof IdsSection && tail.field === field ? tail : this.#push(new IdsSection(field));
    section.add(call.invocation);
  }

  output(seq: number, stream: 'stdout' | 'stderr', chunk: Uint8Array): void {
    const call = this.#bySeq.get(seq);
    if (call === undefined || this.#outputBytes + chunk.length > MAX_OUTPUT_BYTES) return;
    this.#outputBytes += chunk.length;
    const message = create(OutputSchema, { invocation: call.invocation, stderr: stream === 'stderr', chunk });
    this.#push({
      write: (frame) => {
        this.#outputBytes -= chunk.length;
        frame.message(SECTION.output, OutputSchema, message);
        return true;
      },
    });
  }

  settled(seq: number, _task: TaskId, outcome: TaskOutcome, outputs: readonly VersionId[]): void {
    const call = this.#bySeq.get(seq);
    if (call === undefined) return;
    if (outcome.status === 'completed') this.#collect(call, outcome, outputs);
    else this.#unsuccessful(call, outcome);
  }

  /** Outputs that the task left on another node of this agent come here first. */
  #collect(call: Call, outcome: TaskOutcome & { status: 'completed' }, outputs: readonly VersionId[]): void {
    const { store } = this.#runtime;
    if (outputs.length !== call.outputs.length) {
      this.#unsuccessful(call, { status: 'failed', error: outputsDiffer(outputs.length, call.outputs.length) });
    } else if (outputs.every((version) => store.has(version))) {
      this.#completed(call, outcome, outputs);
    } else {
      const handles = call.outputs.map((output) => output.handle);
      this.#scope.wait({ on: 'data', handles }, (result) => {
        if (result.status === 'failed') this.#unsuccessful(call, { status: 'failed', error: result.error });
        else {
          if (this.#bySeq.has(call.seq)) this.#completed(call, outcome, result.versions);
          this.#scope.unpin(result.versions);
        }
      });
    }
  }

  #completed(call: Call, outcome: TaskOutcome & { status: 'completed' }, versions: readonly VersionId[]): void {
    const outputs = versions.map((local, index) => this.#bind(call.outputs[index] as CallOutput, local));
    const { exception, ranMs } = outcome;
    this.#close(call);
    this.#finish(call, {
      status: exception === undefined ? 'completed' : 'exception',
      outputs: outputs.length === 0 ? NO_OUTPUTS : outputs,
      ...(exception === undefined ? {} : { error: exception }),
      ...(ranMs === undefined ? {} : { ranMs }),
    });
  }

  #bind(output: CallOutput, local: VersionId): FinishedOutput {
    const { store, mover } = this.#runtime;
    const bytes = store.size(local);
    if (output.kind === 'value' && bytes <= INLINE_BYTES && !output.shared)
      return { local, bytes, inline: output.handle };
    mover.alias(this.#data.key(output.version), local);
    if (this.#data.get(output.version) === undefined) this.#data.hold(output.version, output.handle, output.kind, true);
    return { local, bytes };
  }

  #unsuccessful(call: Call, outcome: Exclude<TaskOutcome, { status: 'completed' }>): void {
    if (!this.#bySeq.has(call.seq)) return;
    for (const output of call.outputs) if (!output.shared) this.#data.letGo(output.handle);
    this.#close(call);
    if (outcome.status === 'cancelled') {
      this.#finish(call, { status: call.recalled ? 'recalled' : 'cancelled', outputs: NO_OUTPUTS });
    } else if (LOSSES.has(outcome.error.code)) {
      this.#finish(call, { status: 'lost', outputs: NO_OUTPUTS, reason: outcome.error.message });
    } else {
      this.#finish(call, { status: 'failed', outputs: NO_OUTPUTS, error: outcome.error });
    }
  }

  /** What the call borrowed goes back; inputs that came with it are reported or forgotten. */
  #close(call: Call): void {
    this.#bySeq.delete(call.seq);
    this.#byInvocation.delete(call.invocation);
    for (const handle of call.passing) this.#data.letGo(handle);
    for (const held of call.unreported) this.#reportInput(held);
  }

  #reportInput(held: HeldVersion): void {
    if (held.reported || this.#data.get(held.version) !== held || this.#stagings.has(held.version)) return;
    const { store, mover } = this.#runtime;
    const local = mover.resolve(this.#data.key(held.version));
    if (local === undefined || !store.has(local)) {
      for (const other of this.#bySeq.values()) if (other.unreported.includes(held)) return;
      this.#data.evict(held.version);
      this.#addId(SECTION.replicasLost, held.version);
      return;
    }
    held.reported = true;
    this.#replica(held.version, store.size(local));
  }

  #addId(field: SectionField, id: number): void {
    const section = new IdsSection(field);
    section.add(id);
    this.#push(section);
  }

  #finish(call: Call, finished: Omit<Parameters<SettledSection['add']>[0], 'invocation'>): void {
    if (call.ended || this.#dropped) return;
    call.ended = true;
    const { tail } = this.channel;
    const section = tail instanceof SettledSection ? tail : this.#push(this.#newSettled());
    section.add({ invocation: call.invocation, ...finished });
  }

  #newSettled(): SettledSection {
    return new SettledSection({ store: this.#runtime.store, letGo: (handle) => this.#data.letGo(handle) });
  }

  #push<S extends OutSection>(section: S): S {
    this.channel.push(section);
    return section;
  }

  /** The caller learns what matters of it from the outcome. */
  notice(): void {}

  ended(): void {}
}

function each(body: Uint8Array, take: (id: number) => void): void {
  const ids = readIds(body);
  for (let index = 0; index < ids.length; index++) take(ids.at(index));
}

function accessOf(reader: LaunchReader, handle: Handle, index: number): Access {
  const { direction, kind, keepRename, extra } = reader;
  const weight = extra?.weights[index];
  const name = extra?.names[index] ?? '';
  // The caller deletes its datum itself; it must stay here as long as other calls of it read it.
  const asked = directionAt(direction);
  return {
    handle,
    // The caller holds the lock of COMMUTATIVE data.
    direction: asked === 'IN_DELETE' ? 'IN' : asked === 'COMMUTATIVE' ? 'INOUT' : asked,
    kind: kindAt(kind),
    ...(keepRename ? { keepRename } : {}),
    ...(weight === undefined ? {} : { weight }),
    ...(name === '' ? {} : { name: baseName(name) }),
  };
}

/** A name comes from a peer: it may not lead out of the folder of the task. */
function baseName(name: string): string {
  const base = name.slice(name.lastIndexOf('/') + 1);
  if (base === '' || base === '.' || base === '..' || base.includes('\0')) {
    throw invalidFrame(`${JSON.stringify(name)} is no file name`);
  }
  return base;
}

function extraFields(extra: LaunchExtra): Partial<TaskSpec> {
  const { timeOutMs, trace, constraints, hostNames } = extra;
  return {
    ...(hostNames.length === 0 ? {} : { hostNames }),
    ...(timeOutMs > 0 ? { timeOutMs } : {}),
    ...(trace === '' ? {} : { trace }),
    ...(constraints === undefined ? {} : { constraints: constraintsFromWire(constraints) }),
  };
}

const outputsDiffer = (found: number, expected: number): ErrorInfo => ({
  code: 'ERR_INTERNAL',
  message: `The task has ${found} outputs where ${expected} were asked for`,
});
