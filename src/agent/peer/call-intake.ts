import {
  INPUT_INLINE,
  INPUT_NONE,
  INPUT_PASSING,
  INPUT_SOURCES,
  type LaunchReader,
  writesVersion,
} from '../../contracts/agent-link/launch-batch.ts';
import { invalidFrame, readMessage } from '../../contracts/agent-link/wire.ts';
import { ElementsSchema, type LaunchExtra, type Provenance } from '../../contracts/gen/agent_pb.ts';
import {
  constraintsFromWire,
  directionAt,
  implementationFromWire,
  kindAt,
} from '../../offloader/grpc-agent/model-wire.ts';
import { copyOf } from '../../offloader/grpc-agent/small-copy.ts';
import type { Access } from '../../runtime/model/access.ts';
import type { CoreId, Handle } from '../../runtime/model/ids.ts';
import type { TaskSpec } from '../../runtime/model/task.ts';
import type { Scope } from '../../runtime/ports.ts';
import type { Call, Calls } from './call.ts';
import type { HeldVersion, PeerData } from './peer-data.ts';

export interface CallIntakeParts {
  readonly scope: Scope;
  readonly data: PeerData;
  readonly calls: Calls;
  /** An input is not here any more: the call is answered without being submitted. */
  readonly refused: (call: Call) => void;
}

const NO_ACCESSES: readonly Access[] = [];

/** Makes tasks of this agent of what a caller launches. Throws ERR_FRAME_INVALID. */
export class CallIntake {
  readonly #parts: CallIntakeParts;
  readonly #cores = new Map<number, CoreId>();

  constructor(parts: CallIntakeParts) {
    this.#parts = parts;
  }

  elements(body: Uint8Array): void {
    for (const { number, signature, implementation } of readMessage(ElementsSchema, body).elements) {
      if (implementation === undefined) throw invalidFrame(`element ${number} has no implementation`);
      const element = { signature, implementations: [implementationFromWire(implementation)] };
      this.#cores.set(number, this.#parts.scope.register(element));
    }
  }

  launches(reader: LaunchReader): void {
    const specs: TaskSpec[] = [];
    while (reader.next()) {
      const spec = this.#launch(reader);
      if (spec !== undefined) specs.push(spec);
    }
    this.#parts.scope.submit(specs);
  }

  #launch(reader: LaunchReader): TaskSpec | undefined {
    const { calls, scope, refused } = this.#parts;
    const { invocation, extra, args, key } = reader;
    const core = this.#cores.get(reader.element);
    if (core === undefined) throw invalidFrame(`element ${reader.element} was not announced`);
    if (calls.launched(invocation) !== undefined) throw invalidFrame(`invocation ${invocation} was launched twice`);
    const call = calls.draft(invocation);
    const accesses = this.#accesses(reader, call);
    const returns = this.#returns(reader, call);
    if (accesses === undefined) {
      refused(call);
      return undefined;
    }
    calls.add(call);
    return {
      scope: scope.id,
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

  #accesses(reader: LaunchReader, call: Call): readonly Access[] | undefined {
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

  #returns(reader: LaunchReader, call: Call): readonly Handle[] {
    const handles: Handle[] = [];
    for (let index = 0; index < reader.returnCount; index++) {
      const handle = this.#parts.data.newHandle();
      call.outputs.push({ version: reader.nextOutput(), handle, kind: 'value', shared: false });
      handles.push(handle);
    }
    return handles;
  }

  #read(reader: LaunchReader, call: Call): Handle | undefined {
    const { data } = this.#parts;
    const { input, inputForm } = reader;
    if (inputForm === INPUT_NONE) throw invalidFrame('an access reads nothing');
    if (inputForm === INPUT_PASSING) {
      const handle = data.declareInline(reader.inline as Uint8Array);
      call.passing.push(handle);
      return handle;
    }
    const held = data.get(input) ?? this.#bring(reader);
    if (held !== undefined && !held.reported) call.unreported.push(held);
    return held?.handle;
  }

  #bring(reader: LaunchReader): HeldVersion | undefined {
    const { data } = this.#parts;
    const { input, kind } = reader;
    if (reader.inputForm === INPUT_INLINE) {
      return data.hold(input, data.declareInline(reader.inline as Uint8Array, input), 'value', true);
    }
    if (reader.inputForm !== INPUT_SOURCES) return undefined;
    const provenance = reader.provenance as Provenance;
    const handle = data.declareFrom(input, kindAt(kind), provenance);
    return data.hold(input, handle, kindAt(kind), false, provenance);
  }

  /** The handle that a task writes: its value before is what the task reads, if it reads. */
  #written(reader: LaunchReader, call: Call): Handle | undefined {
    const { data } = this.#parts;
    const version = reader.nextOutput();
    const kind = kindAt(reader.kind);
    const group = data.get(version);
    if (group !== undefined) {
      call.outputs.push({ version, handle: group.handle, kind, shared: true });
      return group.handle;
    }
    const held = reader.inputForm === INPUT_NONE ? undefined : data.get(reader.input);
    const replaces = held !== undefined && !reader.preserveInputs ? held.version : undefined;
    const handle = this.#updatable(reader, held);
    if (handle === undefined) return undefined;
    const shared = directionAt(reader.direction) === 'CONCURRENT';
    call.outputs.push({ version, handle, kind, shared, ...(replaces === undefined ? {} : { replaces }) });
    if (replaces !== undefined) data.rename(replaces);
    if (shared) data.hold(version, handle, kind, true);
    return handle;
  }

  #updatable(reader: LaunchReader, held: HeldVersion | undefined): Handle | undefined {
    const { data } = this.#parts;
    const { inputForm, input } = reader;
    if (inputForm === INPUT_NONE) return data.newHandle();
    if (held !== undefined) return reader.preserveInputs ? data.clone(held) : held.handle;
    if (reader.inline !== undefined) return data.declareInline(reader.inline);
    if (reader.provenance === undefined) return undefined;
    return data.declareFrom(input, kindAt(reader.kind), reader.provenance);
  }
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
