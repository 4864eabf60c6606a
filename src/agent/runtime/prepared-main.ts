import { stat } from 'node:fs/promises';
import { RuntimeError } from '../../common/errors.ts';
import type { StartApplication, TaskCall, TaskContent } from '../../contracts/agent/model.ts';
import { dataKey } from '../../runtime/data/data-key.ts';
import { encode } from '../../runtime/data/value-codec.ts';
import type { Dispatcher } from '../../runtime/dispatcher.ts';
import { type Access, type DatumKind, writes } from '../../runtime/model/access.ts';
import type { CoreElement, Language } from '../../runtime/model/core-element.ts';
import type { Handle, VersionId } from '../../runtime/model/ids.ts';
import { type DatumContent, INLINE_BYTES } from '../../runtime/ports.ts';
import { DatumMarker, type DatumParameter, prepareCall } from './call.ts';

/** The main task of an application, ready to be submitted. */
export interface PreparedMain {
  readonly element: CoreElement;
  readonly args?: Uint8Array;
  readonly declarations: readonly {
    readonly handle: Handle;
    readonly kind: DatumKind;
    readonly content: DatumContent;
    readonly name?: string;
  }[];
  readonly accesses: readonly Access[];
  readonly returns: readonly Handle[];
  /** What is waited for when the main has ended: written data, then returns. */
  readonly outputs: readonly Handle[];
  /** Files that are brought to their paths then; as many as there are written data. */
  readonly files: readonly DatumParameter[];
  readonly key?: string;
}

/** Throws ERR_REQUEST_INVALID naming the field. */
export async function prepareMain(request: StartApplication): Promise<PreparedMain> {
  if (request.task !== undefined) return prepareTask(request, request.task);
  const call = prepareCall(request);
  const lengths = await Promise.all(call.data.map(inputLength));
  const files = call.data.filter(({ direction }) => writes(direction));
  return {
    element: call.element,
    args: encode(call.args, { refs: (value) => (value instanceof DatumMarker ? value.index : -1) }),
    declarations: call.data.map(({ handle, kind, path }, index) => {
      const length = lengths[index];
      const content: DatumContent = length === undefined ? { from: 'nothing' } : { from: 'path', path, length };
      return { handle, kind, content, name: path };
    }),
    accesses: call.accesses,
    returns: call.returns,
    outputs: [...files.map(({ handle }) => handle), ...call.returns],
    files,
  };
}

/** A task of another agent. What its core has decided about shared data is over: here a writer has its datum alone. */
function prepareTask(request: StartApplication, task: TaskCall): PreparedMain {
  const accesses = task.accesses.map(({ datum, direction, ...rest }): Access => {
    const shared = direction === 'CONCURRENT' || direction === 'COMMUTATIVE';
    return { ...rest, handle: datum as Handle, direction: shared ? 'INOUT' : direction };
  });
  const returns = Array.from({ length: task.returns }, (_, index) => (task.inputs.length + index) as Handle);
  return {
    element: taskElement(request, task),
    ...(task.args === undefined ? {} : { args: task.args }),
    declarations: declarationsOf(task),
    accesses,
    returns,
    outputs: [...accesses.filter(({ direction }) => writes(direction)).map(({ handle }) => handle), ...returns],
    files: [],
    ...(task.key === undefined ? {} : { key: task.key }),
  };
}

function taskElement({ language, className, methodName, settings }: StartApplication, task: TaskCall): CoreElement {
  const implementation = { language: language as Language, module: className, method: methodName };
  return {
    signature: task.signature,
    implementations: [settings === undefined ? implementation : { ...implementation, settings }],
  };
}

function declarationsOf({ accesses, inputs }: TaskCall): PreparedMain['declarations'] {
  return inputs.flatMap((input, datum) => {
    const kind = accesses.find((access) => access.datum === datum)?.kind ?? 'value';
    if (input === undefined) return kind === 'value' ? [] : [{ handle: datum as Handle, kind, content: NOTHING }];
    return [{ handle: datum as Handle, kind, content: contentOf(input) }];
  });
}

const NOTHING: DatumContent = { from: 'nothing' };

const contentOf = (input: TaskContent): DatumContent =>
  'inline' in input
    ? { from: 'inline', bytes: input.inline }
    : { from: 'sources', sources: input.sources, bytes: input.bytes, key: input.key };

/** An output for the agent that called: small values themselves, others as a place on this agent's data port. */
export function outputContent({ store, mover, identity }: Dispatcher, version: VersionId, caller: string): TaskContent {
  const value = store.acquire(version);
  try {
    if (value?.in === 'memory') return { inline: value.bytes };
    if (value?.in === 'slab' && value.length <= INLINE_BYTES) {
      return { inline: new Uint8Array(value.slab, value.offset, value.length).slice() };
    }
    const { name, incarnation, host, dataPort } = identity;
    const key = dataKey(incarnation, version);
    const source = { node: name, host, port: dataPort, key, ticket: mover.ticket(caller, [key]) };
    return { key, bytes: store.size(version), sources: [source] };
  } finally {
    if (value !== undefined) store.release(version);
  }
}

/** Size of a file or directory that will be read; undefined for one that the application creates. */
async function inputLength(datum: DatumParameter): Promise<number | undefined> {
  if (datum.direction === 'OUT') return undefined;
  const field = `parameters[${datum.parameter.index}].value`;
  const found = await stat(datum.path).catch((error: NodeJS.ErrnoException) => {
    throw new RuntimeError('ERR_REQUEST_INVALID', {
      field,
      reason: `${datum.path} cannot be read on this agent (${error.code})`,
    });
  });
  if (found.isDirectory() !== (datum.kind === 'directory')) {
    throw new RuntimeError('ERR_REQUEST_INVALID', { field, reason: `${datum.path} is not a ${datum.kind}` });
  }
  return found.size;
}
