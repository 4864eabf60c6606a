import { RuntimeError } from '../../common/errors.ts';
import { measured } from '../data/value-codec.ts';
import { ValueWriter } from '../data/value-writer.ts';
import { OutPlace } from '../executor/out-place.ts';
import type { Access, DatumKind, Direction } from '../model/access.ts';
import type { Handle } from '../model/ids.ts';
import { INLINE_BYTES } from '../ports.ts';
import type { ParameterSpec, TaskDeclaration } from './declaration.ts';
import { FileRef } from './file-ref.ts';
import { Future } from './future.ts';

/** What the builder needs of the program that calls. */
export interface HandleSource {
  /** Handle of a future of this program. Throws for one of another program. */
  handleOfFuture(future: Future): Handle;
  /** Handle of an object that tasks have written or that is known by identity, or undefined. */
  trackedHandle(value: object): Handle | undefined;
  /** Makes the object known by identity; `empty`: its content is not sent. */
  track(value: object, empty: boolean): Handle;
  handleOfFile(file: FileRef): Handle;
  /** Stores a large argument; the handle is the builder's to release. */
  store(value: unknown): Handle;
  readonly tracksObjects: boolean;
  file(path: string, kind: 'file' | 'directory'): FileRef;
}

export interface BuiltCall {
  readonly args: Uint8Array<ArrayBuffer>;
  readonly accesses: readonly Access[];
  /** Handles of arguments that were stored for this call alone. */
  readonly temporary: readonly Handle[];
}

/** Stands in an argument list where access `index` belongs. */
class Place {
  readonly index: number;
  constructor(index: number) {
    this.index = index;
  }
}

const NO_ACCESSES: readonly Access[] = [];
const NO_HANDLES: readonly Handle[] = [];
/** An argument above this is stored when the whole list would be too large to travel inside messages. */
const STORED_FROM = 4096;

/** Turns the arguments of one call into accesses and the bytes of what is left. */
export class CallBuilder {
  readonly #source: HandleSource;
  readonly #writer = new ValueWriter();
  #accesses: Access[] = [];
  #temporary: Handle[] = [];

  constructor(source: HandleSource) {
    this.#source = source;
  }

  build(task: TaskDeclaration, args: readonly unknown[]): BuiltCall {
    if (this.#accesses.length > 0) this.#accesses = [];
    if (this.#temporary.length > 0) this.#temporary = [];
    const list = task.plain ? args : args.map((arg, i) => this.#parameter(task, i, arg));
    const bytes = this.#encode(list);
    const accesses = this.#accesses.length === 0 ? NO_ACCESSES : this.#accesses;
    return { args: bytes, accesses, temporary: this.#temporary.length === 0 ? NO_HANDLES : this.#temporary };
  }

  #encode(list: readonly unknown[]): Uint8Array<ArrayBuffer> {
    const writer = this.#writer;
    try {
      let size = this.#measure(list);
      if (size > INLINE_BYTES) size = this.#measure(list.map((arg) => this.#storeLarge(arg)));
      const bytes = new Uint8Array(size);
      writer.copyTo(bytes);
      return bytes;
    } finally {
      writer.reset();
    }
  }

  #measure(value: unknown): number {
    return measured(this.#writer, value, { refs: this.#refs, everyObject: this.#source.tracksObjects });
  }

  /** A large argument becomes a datum for this call, so that it crosses threads and nodes as data do. */
  #storeLarge(arg: unknown): unknown {
    if (typeof arg === 'string' ? arg.length < STORED_FROM : typeof arg !== 'object' || arg === null) return arg;
    if (arg instanceof Place || arg instanceof Future || this.#measure([arg]) < STORED_FROM) return arg;
    const handle = this.#source.store(arg);
    this.#temporary.push(handle);
    return new Place(this.#access(handle, 'IN', 'value'));
  }

  readonly #refs = (value: object): number => {
    if (value instanceof Future) return this.#access(this.#source.handleOfFuture(value), 'IN', 'value');
    if (value instanceof Place) return value.index;
    if (value instanceof FileRef) return this.#fileAccess(value, IN_FILE);
    const handle = this.#source.trackedHandle(value);
    return handle === undefined ? -1 : this.#access(handle, 'IN', 'value');
  };

  #parameter(task: TaskDeclaration, position: number, arg: unknown): unknown {
    const spec = task.parameters[position];
    if (spec === undefined || arg === undefined || arg === null) return arg;
    if (arg instanceof FileRef) return new Place(this.#fileAccess(arg, spec));
    if (spec.type === 'file' || spec.type === 'directory') return this.#fileParameter(task, position, spec, arg);
    if (spec.direction === 'IN' && spec.weight === undefined) return arg;
    if (spec.type === 'collection') return this.#collection(task, position, spec, arg, spec.depth ?? Infinity);
    if (spec.type === 'dictionary') return this.#dictionary(task, position, spec, arg);
    return this.#object(task, position, spec, arg);
  }

  #fileParameter(task: TaskDeclaration, position: number, spec: ParameterSpec, arg: unknown): unknown {
    if (Array.isArray(arg)) return arg.map((one) => this.#parameter(task, position, one));
    const kind = spec.type === 'directory' ? 'directory' : 'file';
    if (typeof arg === 'string') return new Place(this.#fileAccess(this.#source.file(arg, kind), spec));
    throw parameterError(task, position, `a path or ${kind}() is needed for a ${kind}`);
  }

  #fileAccess(file: FileRef, spec: ParameterSpec): number {
    const handle = this.#source.handleOfFile(file);
    const name = file.path.slice(file.path.lastIndexOf('/') + 1);
    return this.#add({
      handle,
      direction: spec.direction,
      kind: file.kind,
      name,
      ...(spec.weight === undefined ? {} : { weight: spec.weight }),
      ...(spec.keepRename === true ? { keepRename: true } : {}),
    });
  }

  #collection(task: TaskDeclaration, position: number, spec: ParameterSpec, arg: unknown, depth: number): unknown {
    if (depth > 0 && Array.isArray(arg)) {
      return arg.map((one) => this.#collection(task, position, spec, one, depth - 1));
    }
    return typeof arg === 'object' && arg !== null ? this.#object(task, position, spec, arg) : arg;
  }

  #dictionary(task: TaskDeclaration, position: number, spec: ParameterSpec, arg: unknown): unknown {
    if (!isRecord(arg)) throw parameterError(task, position, 'a dictionary is a plain object');
    return Object.fromEntries(
      Object.entries(arg).map(([key, one]) => [key, this.#collection(task, position, spec, one, 0)]),
    );
  }

  #object(task: TaskDeclaration, position: number, spec: ParameterSpec, arg: unknown): unknown {
    const { direction, weight } = spec;
    if (direction === 'IN_DELETE' || direction === 'IN') return this.#readOnce(arg, direction, weight);
    if (typeof arg !== 'object' || arg === null) {
      throw parameterError(task, position, `${direction} needs an object or a future, not ${typeof arg}`);
    }
    const out = direction === 'OUT' && !(arg instanceof Future);
    const handle = arg instanceof Future ? this.#source.handleOfFuture(arg) : this.#known(arg, out);
    const index = this.#access(handle, direction, 'value', weight);
    return out ? OutPlace.of(index, arg) : new Place(index);
  }

  #known(value: object, empty: boolean): Handle {
    return this.#source.trackedHandle(value) ?? this.#source.track(value, empty);
  }

  #readOnce(arg: unknown, direction: Direction, weight: number | undefined): unknown {
    if (typeof arg !== 'object' || arg === null) return arg;
    const known = arg instanceof Future ? this.#source.handleOfFuture(arg) : this.#source.trackedHandle(arg);
    if (known === undefined) return arg;
    return new Place(this.#access(known, direction, 'value', weight));
  }

  #access(handle: Handle, direction: Direction, kind: DatumKind, weight?: number): number {
    return this.#add(weight === undefined ? { handle, direction, kind } : { handle, direction, kind, weight });
  }

  /** One access for each datum and direction: the same future twice is read once. */
  #add(access: Access): number {
    const accesses = this.#accesses;
    for (let i = 0; i < accesses.length; i++) {
      const other = accesses[i]!;
      if (other.handle === access.handle && other.direction === access.direction) return i;
    }
    return accesses.push(access) - 1;
  }
}

const IN_FILE: ParameterSpec = { direction: 'IN', type: 'file' };

function parameterError(task: TaskDeclaration, position: number, reason: string): RuntimeError {
  return new RuntimeError('ERR_PARAMETER_INVALID', { task: task.name, position: position + 1, reason });
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}
