import { type ErrorInfo, RuntimeError } from '../../common/errors.ts';
import { decode, encode } from '../data/value-codec.ts';
import { OutPlace } from '../executor/out-place.ts';
import type { Access } from '../model/access.ts';
import type { CoreElement } from '../model/core-element.ts';
import { type CoreId, type GroupId, type Handle, NONE } from '../model/ids.ts';
import type { TaskSpec } from '../model/task.ts';
import { INLINE_BYTES } from '../ports.ts';
import type { Parameter } from './declaration.ts';
import { FileRef } from './file-ref.ts';
import { Future } from './future.ts';
import type { Brought, Link, LinkWaitResult } from './link.ts';

/** What a declared task adds to each of its submissions. */
export interface Submission {
  readonly element: CoreElement;
  readonly parameters: readonly Parameter[];
  readonly returns: number;
  readonly more: Partial<Pick<TaskSpec, 'priority' | 'onFailure' | 'timeOutMs' | 'computingNodes' | 'repeatable'>>;
}

/** The programming model over one scope: gives handles, encodes arguments, brings values. */
export class Program<L extends Link = Link> {
  readonly link: L;
  readonly #cores = new Map<CoreElement, CoreId>();
  /** Objects of the caller that a task writes, and files by path: later uses mean the latest version. */
  readonly #tracked = new WeakMap<object, Handle>();
  readonly #files = new Map<string, Handle>();
  readonly #groups: GroupId[] = [];
  #handles = 0;
  #seq = 0;
  /** Handles of futures that user code has dropped. */
  readonly #dropped = new FinalizationRegistry<Handle>((handle) => this.#release(handle));

  constructor(link: L) {
    this.link = link;
  }

  abort(_reason: unknown): void {
    // Open waits end with the cancellation of the scope, which the agent orders itself.
  }

  submit(submission: Submission, args: readonly unknown[]): Future | readonly Future[] {
    const accesses: Access[] = [];
    const encoded = this.#encode(submission.parameters, args, accesses);
    const returns = Array.from({ length: submission.returns }, () => this.#newHandle());
    const seq = this.#seq++;
    this.link.submit({
      seq,
      core: this.#core(submission.element),
      args: encoded,
      accesses,
      returns,
      ...submission.more,
      ...(this.#groups.length === 0 ? {} : { groups: [...this.#groups] }),
    });
    const futures = returns.map((handle) => this.#future(handle, seq));
    if (submission.returns === 1) return futures[0]!;
    return submission.returns === 0 ? new Future(NONE as Handle, seq) : futures;
  }

  /** A datum by itself: encoded once, passed on any number of times. */
  put(value: unknown): Future {
    const handle = this.#newHandle();
    this.#declareValue(handle, value);
    return this.#future(handle, NONE);
  }

  #future(handle: Handle, seq: number): Future {
    const future = new Future(handle, seq);
    this.#dropped.register(future, handle);
    return future;
  }

  #newHandle(): Handle {
    return this.#handles++ as Handle;
  }

  #core(element: CoreElement): CoreId {
    let core = this.#cores.get(element);
    if (core === undefined) {
      core = this.link.register(element);
      this.#cores.set(element, core);
    }
    return core;
  }

  #declareValue(handle: Handle, value: unknown): void {
    const bytes = encode(value);
    if (bytes.length <= INLINE_BYTES) {
      this.link.declare(handle, 'value', { from: 'inline', bytes });
      return;
    }
    const reservation = this.link.reserve(bytes.length);
    new Uint8Array(reservation.slab, reservation.offset, bytes.length).set(bytes);
    this.link.declare(handle, 'value', { from: 'reservation', reservation, length: bytes.length });
  }

  // ------------------------------------------------------------------------------------------ arguments

  #encode(parameters: readonly Parameter[], args: readonly unknown[], accesses: Access[]): Uint8Array {
    const list = args.map((value, index) => this.#argument(value, parameters[index] ?? IN, accesses));
    return encode(list, { refs: (value) => this.#reference(value, accesses) });
  }

  /** What is written is a datum of its own; what is only read travels as it is, but for the futures in it. */
  #argument(value: unknown, parameter: Parameter, accesses: Access[]): unknown {
    const { direction } = parameter;
    if (direction === 'IN' || value instanceof Future || value instanceof FileRef) {
      return value instanceof Future || value instanceof FileRef
        ? new Marker(this.#access(value, parameter, accesses))
        : value;
    }
    if (typeof value !== 'object' || value === null) {
      throw new RuntimeError('ERR_ARGUMENT_NOT_TRACKABLE', { direction, type: value === null ? 'null' : typeof value });
    }
    const known = this.#tracked.get(value);
    const handle = known ?? this.#newHandle();
    if (known === undefined) {
      this.#tracked.set(value, handle);
      if (direction !== 'OUT') this.#declareValue(handle, value);
    }
    const index = accesses.push({ handle, direction, kind: 'value' }) - 1;
    return direction === 'OUT' ? OutPlace.of(index, value) : new Marker(index);
  }

  #access(value: Future | FileRef, parameter: Parameter, accesses: Access[]): number {
    const { direction, weight } = parameter;
    const more = weight === undefined ? {} : { weight };
    if (value instanceof Future) return accesses.push({ handle: value.handle, direction, kind: 'value', ...more }) - 1;
    return accesses.push({ handle: this.#file(value), direction, kind: value.kind, name: value.path, ...more }) - 1;
  }

  #file({ path, kind, length }: FileRef): Handle {
    let handle = this.#files.get(path);
    if (handle === undefined) {
      handle = this.#newHandle();
      this.#files.set(path, handle);
      const size = length();
      this.link.declare(
        handle,
        kind,
        size === undefined ? { from: 'nothing' } : { from: 'path', path, length: size },
        path,
      );
    }
    return handle;
  }

  /** Futures and tracked objects anywhere inside an argument. */
  #reference(value: object, accesses: Access[]): number {
    if (value instanceof Marker) return value.access;
    if (value instanceof Future || value instanceof FileRef) return this.#access(value, IN, accesses);
    return -1;
  }

  // ------------------------------------------------------------------------------------------ waiting

  /** Futures, tracked objects, and containers of them, with their values in their places. */
  async waitOn(value: unknown): Promise<unknown> {
    const found: (Future | FileRef)[] = [];
    collect(value, found);
    const tracked = typeof value === 'object' && value !== null ? this.#tracked.get(value) : undefined;
    if (tracked !== undefined) return (await this.#bring([tracked]))[0];
    const void_ = found.filter((one): one is Future => one instanceof Future && one.handle === NONE);
    if (void_.length > 0) await this.#end({ on: 'tasks', seqs: void_.map((one) => one.seq) });
    const data = found.filter((one) => !(one instanceof Future && one.handle === NONE));
    const handles = data.map((one) => (one instanceof Future ? one.handle : this.#file(one)));
    const values = handles.length === 0 ? [] : await this.#bring(handles);
    const byRef = new Map<object, unknown>(data.map((one, index) => [one, values[index]]));
    return replaced(value, byRef);
  }

  async #bring(handles: readonly Handle[]): Promise<readonly unknown[]> {
    return this.#wait({ on: 'data', handles }, (data) => data.map(valueOfDatum));
  }

  async #end(target: Parameters<Link['wait']>[0]): Promise<void> {
    await this.#wait(target, () => undefined);
  }

  #wait<T>(target: Parameters<Link['wait']>[0], read: (data: readonly Brought[]) => T): Promise<T> {
    return new Promise((resolve, reject) => {
      this.link.wait(target, (result: LinkWaitResult) => {
        if (result.status === 'failed') reject(thrown(result.error));
        else resolve(read(result.data));
      });
    });
  }

  barrier(): Promise<void> {
    return this.#end({ on: 'scope' });
  }

  openGroup(name: string): GroupId {
    const group = this.link.openGroup(name, this.#groups.at(-1));
    this.#groups.push(group);
    return group;
  }

  leaveGroup(group: GroupId): void {
    const at = this.#groups.lastIndexOf(group);
    if (at >= 0) this.#groups.splice(at, 1);
  }

  groupBarrier(group: GroupId): Promise<void> {
    return this.#end({ on: 'group', group });
  }

  cancelGroup(group: GroupId, reason: string): void {
    this.link.cancel({ group }, reason);
  }

  cancel(future: Future, reason: string): void {
    this.link.cancel({ task: future.seq }, reason);
  }

  /** The value will not be used again. */
  forget(value: object): void {
    const handle = value instanceof Future ? value.handle : this.#tracked.get(value);
    if (handle !== undefined && handle !== NONE) this.#release(handle);
    this.#tracked.delete(value);
  }

  #release(handle: Handle): void {
    try {
      this.link.release(handle);
    } catch {
      // The attempt has ended, and with it everything it named.
    }
  }
}

const IN: Parameter = { direction: 'IN' };

/** Stands for `accesses[access]` in an argument list. */
class Marker {
  readonly access: number;

  constructor(access: number) {
    this.access = access;
  }
}

function collect(value: unknown, found: (Future | FileRef)[]): void {
  if (value instanceof Future || value instanceof FileRef) found.push(value);
  else if (Array.isArray(value)) for (const one of value) collect(one, found);
  else if (value instanceof Map) for (const one of value.values()) collect(one, found);
  else if (isPlain(value)) for (const one of Object.values(value)) collect(one, found);
}

function replaced(value: unknown, byRef: ReadonlyMap<object, unknown>): unknown {
  if (value instanceof Future || value instanceof FileRef) return byRef.get(value);
  if (Array.isArray(value)) return value.map((one) => replaced(one, byRef));
  if (value instanceof Map) return new Map([...value].map(([key, one]) => [key, replaced(one, byRef)]));
  if (isPlain(value)) return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, replaced(one, byRef)]));
  return value;
}

const isPlain = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;

const valueOfDatum = (brought: Brought): unknown =>
  brought.kind === 'file' ? brought.path : decode(brought.bytes, { copy: true });

/** The failure of a task as an error with its causes, so that the user's stack is at hand. */
export function thrown(info: ErrorInfo): Error {
  const error = new Error(info.message, info.cause === undefined ? undefined : { cause: thrown(info.cause) });
  error.name = info.name ?? 'RuntimeError';
  if (info.stack !== undefined) error.stack = info.stack;
  return Object.assign(error, { code: info.code, ...(info.details === undefined ? {} : { details: info.details }) });
}
