import { resolve } from 'node:path';
import { type ErrorCode, RuntimeError, toErrorInfo } from '../../common/errors.ts';
import type { GroupId, Handle } from '../model/ids.ts';
import { NONE } from '../model/ids.ts';
import type { TaskDeclaration } from './declaration.ts';
import { FileRef } from './file-ref.ts';
import { Future } from './future.ts';
import { currentGroups } from './group-context.ts';
import type { ArrayType, Program, ProgramGroup } from './program.ts';
import { errorOf } from './remote-error.ts';
import { isTaskException } from './task-exception.ts';
import { UntoldFailures } from './untold-failures.ts';

type Result =
  | { readonly state: 'value'; readonly value: unknown }
  | { readonly state: 'error'; readonly error: unknown }
  | { readonly state: 'pending'; readonly promise: Promise<unknown> };

/** What the barrier of a group throws: its first exception, else its first failure. */
interface GroupState {
  exception?: Error;
  failure?: Error;
}

/**
 * The programming model without a runtime: a call runs the function at once, in the order of the program; while an
 * `async` function is under way later calls stand in line behind it.
 */
export class SequentialProgram implements Program {
  readonly #results = new WeakMap<Future, Result>();
  readonly #untold = new UntoldFailures();
  readonly #groups = new Map<GroupId, GroupState>();
  #tail: Promise<unknown> | undefined;
  #nextSeq = 0;
  #nextHandle = 0;

  call(task: TaskDeclaration, args: readonly unknown[]): Future | readonly Future[] {
    const groups = currentGroups();
    const result = this.#tail === undefined ? this.#run(task, args, groups) : this.#queue(task, args, groups);
    const seq = this.#nextSeq++;
    if (task.returns <= 1) return this.#future(task.returns === 0 ? NONE : this.#nextHandle++, seq, result);
    return Array.from({ length: task.returns }, (_, part) => this.#part(seq, result, part));
  }

  async waitOn(value: unknown): Promise<unknown> {
    await this.#tail;
    try {
      return await this.#resolve(value, new Map());
    } catch (error) {
      this.#untold.tell(error);
      throw error;
    }
  }

  async barrier(group?: ProgramGroup): Promise<void> {
    await this.#tail;
    const state = group === undefined ? undefined : this.#groups.get(group.id);
    const failure = group === undefined ? this.#untold.first : (state?.exception ?? state?.failure);
    if (group === undefined) this.#untold.clear();
    if (failure === undefined) return;
    this.#untold.tell(failure);
    throw failure;
  }

  openGroup(name: string): ProgramGroup {
    const id = this.#groups.size as GroupId;
    this.#groups.set(id, {});
    return { name, id };
  }

  /** What runs at once cannot be taken back. */
  cancel(): void {}

  deleteObject(subject: unknown): boolean {
    return subject instanceof Future && this.#results.delete(subject);
  }

  put(value: unknown): Future {
    return this.#future(this.#nextHandle++, NONE, { state: 'value', value });
  }

  file(path: string, kind: 'file' | 'directory'): FileRef {
    return new FileRef(resolve(path), kind);
  }

  sharedArray<V>(type: ArrayType<V>, length: number): V {
    return new type(new SharedArrayBuffer(length * type.BYTES_PER_ELEMENT), 0, length);
  }

  #future(handle: number, seq: number, result: Result): Future {
    const future = new Future(handle as Handle, seq, this);
    this.#results.set(future, result);
    return future;
  }

  #part(seq: number, whole: Result, part: number): Future {
    const pick = (value: unknown): unknown => (value as readonly unknown[])[part];
    const result: Result =
      whole.state === 'value'
        ? { state: 'value', value: pick(whole.value) }
        : whole.state === 'pending'
          ? { state: 'pending', promise: handled(whole.promise.then(pick)) }
          : whole;
    return this.#future(this.#nextHandle++, seq, result);
  }

  #run(task: TaskDeclaration, args: readonly unknown[], groups: readonly ProgramGroup[]): Result {
    try {
      const value = task.fn(...args.map((arg) => this.#argument(arg)));
      if (!(value instanceof Promise)) return { state: 'value', value: this.#argument(value) };
      return this.#pending(
        value.then((result) => this.#resolve(result, new Map())),
        task,
        groups,
      );
    } catch (error) {
      return this.#failed(error, task, groups);
    }
  }

  #queue(task: TaskDeclaration, args: readonly unknown[], groups: readonly ProgramGroup[]): Result {
    const kept = args.map((arg) => this.#keep(arg, new Set()));
    const run = async (): Promise<unknown> => {
      const values = await Promise.all(kept.map((arg) => this.#resolve(arg, new Map())));
      return this.#resolve(await task.fn(...values.map(pathOf)), new Map());
    };
    return this.#pending((this.#tail ?? Promise.resolve()).then(run), task, groups);
  }

  /** What stands in line keeps what it reads: each future is given a second one, which `deleteObject` does not meet. */
  #keep(value: unknown, seen: Set<object>): unknown {
    if (value instanceof Future) return this.#future(this.#nextHandle++, NONE, this.#resultOf(value));
    if (typeof value !== 'object' || value === null || value instanceof FileRef || seen.has(value)) return value;
    seen.add(value);
    return mapContainer(value, (part) => this.#keep(part, seen));
  }

  #pending(promise: Promise<unknown>, task: TaskDeclaration, groups: readonly ProgramGroup[]): Result {
    const noted = handled(
      promise.catch((error: unknown) => {
        const result = this.#failed(error, task, groups);
        if (result.state === 'error') throw result.error;
        return undefined;
      }),
    );
    const tail = noted
      .catch(() => undefined)
      .finally(() => {
        if (this.#tail === tail) this.#tail = undefined;
      });
    this.#tail = tail;
    return { state: 'pending', promise: noted };
  }

  /** As an agent would have it, but for retries: the function runs once. */
  #failed(thrown: unknown, task: TaskDeclaration, groups: readonly ProgramGroup[]): Result {
    if (isTaskException(thrown) && groups.length > 0) {
      const exception = wrapped(thrown, 'ERR_TASK_EXCEPTION');
      for (const group of groups) this.#groupState(group).exception ??= exception;
      return NOTHING;
    }
    if (task.options?.onFailure === 'IGNORE') return NOTHING;
    const error = wrapped(thrown, 'ERR_TASK_FAILED');
    for (const group of groups) this.#groupState(group).failure ??= error;
    if (task.options?.onFailure !== 'CANCEL_SUCCESSORS') this.#untold.add(error);
    return { state: 'error', error };
  }

  #groupState(group: ProgramGroup): GroupState {
    let state = this.#groups.get(group.id);
    if (state === undefined) {
      state = {};
      this.#groups.set(group.id, state);
    }
    return state;
  }

  #argument(value: unknown): unknown {
    if (typeof value !== 'object' || value === null) return value;
    if (value instanceof FileRef) return value.path;
    if (value instanceof Future) return this.#valueNow(value);
    return mapContainer(value, (part) => this.#argument(part));
  }

  #valueNow(future: Future): unknown {
    const result = this.#resultOf(future);
    if (result.state === 'error') throw result.error;
    if (result.state === 'value') return result.value;
    throw new RuntimeError('ERR_INTERNAL', { reason: 'an earlier task is still running' });
  }

  async #resolve(value: unknown, seen: Map<object, unknown>): Promise<unknown> {
    if (typeof value !== 'object' || value === null) return value;
    if (value instanceof FileRef) return value.path;
    if (value instanceof Future) {
      const result = this.#resultOf(value);
      return result.state === 'pending' ? result.promise : this.#valueNow(value);
    }
    if (seen.has(value)) return seen.get(value);
    seen.set(value, value);
    const parts = new Map<unknown, unknown>();
    const pending: Promise<void>[] = [];
    mapContainer(value, (part) => {
      pending.push(this.#resolve(part, seen).then((resolved) => void parts.set(part, resolved)));
      return part;
    });
    await Promise.all(pending);
    return mapContainer(value, (part) => (parts.has(part) ? parts.get(part) : part));
  }

  #resultOf(future: Future): Result {
    const result = this.#results.get(future);
    if (result === undefined) throw new RuntimeError('ERR_DATA_DELETED', { datum: String(future) });
    return result;
  }
}

const pathOf = (value: unknown): unknown => (value instanceof FileRef ? value.path : value);

/** Its failure is told to whoever waits; that nobody does yet is no error. */
function handled<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => undefined);
  return promise;
}

const NOTHING: Result = { state: 'value', value: undefined };

/** The error that an agent would give: with our code, and what was thrown as its cause. */
function wrapped(thrown: unknown, code: ErrorCode): Error {
  if (thrown instanceof RuntimeError) return thrown;
  const error = errorOf(toErrorInfo(thrown, code));
  error.cause = thrown;
  return error;
}

/** The same container when no part changes: INOUT parameters are written to in place. */
function mapContainer(value: object, map: (part: unknown) => unknown): unknown {
  if (Array.isArray(value)) {
    const mapped = value.map(map);
    return mapped.some((part, i) => part !== value[i]) ? mapped : value;
  }
  if (value instanceof Map) {
    const mapped = [...value].map(([key, part]) => [map(key), map(part)] as const);
    return mapped.some(([key, part]) => !value.has(key) || value.get(key) !== part) ? new Map(mapped) : value;
  }
  if (value instanceof Set) {
    const mapped = [...value].map(map);
    return mapped.some((part) => !value.has(part)) ? new Set(mapped) : value;
  }
  if (Object.getPrototypeOf(value) !== Object.prototype) return value;
  const record = value as Record<string, unknown>;
  const mapped = Object.entries(record).map(([key, part]) => [key, map(part)] as const);
  return mapped.some(([key, part]) => part !== record[key]) ? Object.fromEntries(mapped) : value;
}
