/** COMPSs's own agents: its XML, with the parameters that it can carry (basic types, arrays, persistent objects, paths). */
import { existsSync, readdirSync, realpathSync, statSync } from 'node:fs';
import { join, sep } from 'node:path';
import { type ErrorInfo, RuntimeError } from '../../common/errors.ts';
import {
  APPLICATION_LANGUAGES,
  DATA_TYPES,
  type DataType,
  type EndApplication,
  type Parameter,
  type ParameterValue,
  type PlainValue,
  type StartApplication,
} from '../../contracts/agent/model.ts';
import { writeStartApplication } from '../../contracts/agent/xml-write.ts';
import { decode, encode } from '../../runtime/data/value-codec.ts';
import { type Access, writes } from '../../runtime/model/access.ts';
import { NONE, type VersionId } from '../../runtime/model/ids.ts';
import type { InvocationOutcome, OutputReport } from '../../runtime/model/outcome.ts';
import type { LaunchRequest, NodeContext, StoredValue } from '../../runtime/ports.ts';
import { type Dialect, END_OPERATION } from './dialect.ts';
import type { Body } from './rest-client.ts';
import { storeBytes } from './store-bytes.ts';

export interface CompssDialectOptions {
  readonly context: NodeContext;
  readonly callbackUrl: () => string;
  /** Directories that are the same here and there: only files in them can be named. */
  readonly sharedPaths: readonly string[];
}

/** Stands for an access while arguments are decoded. */
class Place {
  readonly access: number;

  constructor(access: number) {
    this.access = access;
  }
}

type Argument = { readonly type: DataType; readonly direction: Parameter['direction']; readonly value: ParameterValue };

export class CompssDialect implements Dialect {
  readonly cancels = false;
  readonly timesOut = false;
  readonly #context: NodeContext;
  readonly #callbackUrl: () => string;
  readonly #sharedPaths: readonly string[];

  constructor({ context, callbackUrl, sharedPaths }: CompssDialectOptions) {
    this.#context = context;
    this.#callbackUrl = callbackUrl;
    this.#sharedPaths = sharedPaths.map((path) => (existsSync(path) ? realpathSync(path) : path));
  }

  async start(request: LaunchRequest): Promise<Body> {
    const { language, module, method, settings } = request.implementation;
    await this.#bringValues(request);
    const types = typesOf(settings?.['parameterTypes']);
    const list = request.args === undefined ? [] : argumentsOf(request.args, request.signature);
    const parameters = list.map((argument, index): Parameter => {
      const { value, type, direction } = this.#argument(request, argument, index, types[index]);
      return { index, direction, type, stream: 'UNSPECIFIED', value };
    });
    const ceiClass = settings?.['ceiClass'];
    const body: StartApplication = {
      language: APPLICATION_LANGUAGES.find((known) => known === language) ?? 'UNKNOWN',
      className: module,
      methodName: method,
      // True makes a COMPSs agent fail: it has no place for the value.
      hasResult: false,
      parameters,
      results: [],
      orchestrator: { host: this.#callbackUrl(), operation: END_OPERATION },
      ...(typeof ceiClass === 'string' ? { ceiClass } : {}),
    };
    return { format: 'xml', text: writeStartApplication(body) };
  }

  /** Values that are data are literals there: they must be here to be written down. */
  async #bringValues({ accesses, inputs }: LaunchRequest): Promise<void> {
    const { store, mover, sources, self } = this.#context;
    const missing = inputs.filter((version, index) => {
      return version !== NONE && accesses[index]?.kind === 'value' && !store.has(version);
    });
    await Promise.all(
      missing.map(
        (version) =>
          new Promise<void>((resolve, reject) => {
            mover.pull(version, 'value', sources(version, self.name), (result) => {
              if ('error' in result) reject(new Error(result.error.message));
              else resolve();
            });
          }),
      ),
    );
  }

  #argument(request: LaunchRequest, argument: unknown, position: number, type: DataType | undefined): Argument {
    if (!(argument instanceof Place)) return literal(request, argument, position, type);
    const access = request.accesses[argument.access];
    if (access?.kind === 'value') {
      if (writes(access.direction)) throw unsupported(request, position, 'it writes a value that is no file');
      return literal(request, this.#read(request.inputs[argument.access]), position, type);
    }
    const path = this.#sharedFile(request, argument.access);
    if (access === undefined || path === undefined) {
      throw unsupported(request, position, 'its file lies in none of the directories that SharedPath names');
    }
    return {
      type: access.kind === 'file' ? 'FILE_T' : 'DIRECTORY_T',
      direction: access.direction,
      value: { form: 'element', className: 'java.lang.String', value: path },
    };
  }

  #read(version: VersionId | undefined): unknown {
    const value = version === undefined ? undefined : this.#context.store.acquire(version);
    try {
      const bytes = bytesOf(value);
      return bytes === undefined ? undefined : decode(bytes, { copy: true });
    } finally {
      if (value !== undefined && version !== undefined) this.#context.store.release(version);
    }
  }

  /** Where the file is stored, or for one that is made there where its name puts it. */
  #sharedFile(request: LaunchRequest, index: number): string | undefined {
    const version = request.inputs[index];
    const access = request.accesses[index] as Access;
    const path = access.direction === 'OUT' ? request.names?.[index] : this.#storedPath(version);
    if (path === undefined) return undefined;
    return this.#sharedPaths.some((directory) => path.startsWith(join(directory, sep))) ? path : undefined;
  }

  #storedPath(version: VersionId | undefined): string | undefined {
    if (version === undefined || version === NONE) return undefined;
    const value = this.#context.store.acquire(version);
    if (value !== undefined) this.#context.store.release(version);
    return value?.in === 'file' ? realpathSync(value.path) : undefined;
  }

  // ------------------------------------------------------------------------------------------ the end

  outcome(request: LaunchRequest, end: EndApplication): Promise<InvocationOutcome> {
    switch (end.endStatus) {
      case 'OK':
        return Promise.resolve({ status: 'completed', outputs: this.#outputs(request, end), ...ran(end) });
      case 'EXECUTION_FAILED':
      case 'EXCEPTION':
        return Promise.resolve({ status: 'failed', error: failure(request, end), ...ran(end) });
      default:
        return Promise.resolve({ status: 'lost', reason: `the agent says ${end.endStatus}` });
    }
  }

  /** Files were written in place. A returned value is where COMPSs says it is: the dialect has no other form. */
  #outputs(request: LaunchRequest, end: EndApplication): readonly OutputReport[] {
    const { store } = this.#context;
    const written = request.accesses.flatMap((access, index) => (writes(access.direction) ? [{ access, index }] : []));
    return request.outputs.map((version, position) => {
      const file = written[position];
      if (file !== undefined) {
        const path = this.#sharedFile(request, file.index);
        if (path === undefined || !existsSync(path)) throw new Error(`${path ?? 'a file'} was not written`);
        const length = sizeOf(path);
        store.putFile(version, path, length, false);
        return { bytes: length, inline: true };
      }
      const bytes = encode(
        locationsOf(end.results, position - written.length, request.outputs.length - written.length),
      );
      storeBytes(store, version, bytes);
      return { bytes: bytes.length, inline: true };
    });
  }
}

/** Results come after the parameters; their locations, or nothing. */
function locationsOf(results: EndApplication['results'], index: number, returns: number): unknown {
  const locations = results.at(index - returns) ?? [];
  if (results.length < returns || locations.length === 0) return undefined;
  return locations.length === 1 ? locations[0] : locations;
}

const ran = ({ profile }: EndApplication): { readonly ranMs?: number } =>
  profile?.executionStart === undefined || profile.executionEnd === undefined
    ? {}
    : { ranMs: Math.max(0, profile.executionEnd - profile.executionStart) };

const failure = ({ signature }: LaunchRequest, { endStatus }: EndApplication): ErrorInfo => ({
  code: 'ERR_TASK_FAILED',
  message: `${signature} failed on a COMPSs agent (${endStatus}); its logs there say why`,
});

function argumentsOf(args: Uint8Array, signature: string): readonly unknown[] {
  const list = args.length === 0 ? [] : decode(args, { copy: true, resolveRef: (index) => new Place(index) });
  if (Array.isArray(list)) return list;
  const reason = 'arguments in the encoding of Python have no form in its REST dialect';
  throw new RuntimeError('ERR_CALL_UNSUPPORTED', { signature, position: 0, reason });
}

const typesOf = (given: unknown): readonly (DataType | undefined)[] =>
  Array.isArray(given) ? given.map((name) => DATA_TYPES.find((type) => type === name)) : [];

function literal(request: LaunchRequest, value: unknown, position: number, declared: DataType | undefined): Argument {
  const written = plainOf(value);
  if (written === undefined)
    throw unsupported(request, position, 'only text, numbers, booleans and arrays of them can');
  const python = request.implementation.language === 'PYTHON';
  const type = declared ?? typeOf(written, python);
  const persistent = type === 'PSCO_T' || type === 'EXTERNAL_PSCO_T';
  const className = persistent ? { className: 'storage.StubItf' } : {};
  return { type, direction: 'IN', value: { form: 'element', ...className, value: written } };
}

function plainOf(value: unknown): PlainValue | undefined {
  if (typeof value === 'string' || typeof value === 'number') return value;
  if (typeof value === 'boolean' || typeof value === 'bigint') return value;
  if (ArrayBuffer.isView(value) && !(value instanceof DataView)) return [...(value as unknown as Iterable<number>)];
  if (!Array.isArray(value)) return undefined;
  const list = value.map(plainOf);
  return list.every((one) => one !== undefined) ? list : undefined;
}

function typeOf(value: PlainValue, python: boolean): DataType {
  switch (typeof value) {
    case 'boolean':
      return 'BOOLEAN_T';
    case 'bigint':
      return 'LONG_T';
    case 'string':
      return python ? 'STRING_64_T' : 'STRING_T';
    case 'number':
      if (!Number.isSafeInteger(value)) return 'DOUBLE_T';
      return value === (value | 0) ? 'INT_T' : 'LONG_T';
    default:
      return 'OBJECT_T';
  }
}

const unsupported = ({ signature }: LaunchRequest, position: number, reason: string): RuntimeError =>
  new RuntimeError('ERR_CALL_UNSUPPORTED', { signature, position, reason });

function bytesOf(value: StoredValue | undefined): Uint8Array | undefined {
  if (value?.in === 'memory') return value.bytes;
  return value?.in === 'slab' ? new Uint8Array(value.slab, value.offset, value.length) : undefined;
}

function sizeOf(path: string): number {
  const found = statSync(path);
  if (!found.isDirectory()) return found.size;
  return readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, entry) => sum + statSync(join(entry.parentPath, entry.name)).size, 0);
}
