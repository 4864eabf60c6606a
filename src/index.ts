/**
 * The programming model. `task()` makes a function a core element; calling it inside an agent submits a task and gives a
 * future at once. Outside an agent, or with METAKERNEL=off, the same program runs as plain sequential code.
 */
import { RuntimeError } from './common/errors.ts';
import { HEAD_ROOM } from './runtime/executor/thread/outputs.ts';
import type { GroupId, Handle } from './runtime/model/ids.ts';
import { currentAttempt, currentProgram } from './runtime/program/current.ts';
import { callerModule, elementOf, parametersOf, type TaskOptions } from './runtime/program/declaration.ts';
import { declareFunction } from './runtime/program/declared.ts';
import { FileRef } from './runtime/program/file-ref.ts';
import { Future, type LocalResult } from './runtime/program/future.ts';

export { serializable } from './runtime/data/serializable.ts';
export type { Direction } from './runtime/model/access.ts';
export type { Constraints } from './runtime/model/resource.ts';
export type { TaskOptions } from './runtime/program/declaration.ts';
export { TaskException } from './runtime/program/task-exception.ts';
export { FileRef, Future };

/** An argument may be given as it is, or as the future of it. */
export type Argument<T> =
  | T
  | Future<T>
  | (T extends readonly (infer E)[] ? readonly Argument<E>[] : never)
  | (T extends string ? FileRef : never);

/** What a call of a task gives: one future, none of a value, or one for each of n values. */
export type Futures<R, N extends number> = N extends 0
  ? Future<void>
  : N extends 1
    ? Future<Awaited<R>>
    : Awaited<R> extends readonly unknown[]
      ? { -readonly [K in keyof Awaited<R>]: Future<Awaited<R>[K]> }
      : never;

/** The value of a future, and of containers of futures. */
export type Resolved<T> =
  T extends Future<infer V>
    ? V
    : T extends FileRef
      ? string
      : T extends readonly unknown[]
        ? { -readonly [K in keyof T]: Resolved<T[K]> }
        : T;

type Task<A extends readonly unknown[], R, N extends number> = (
  ...args: { [K in keyof A]: Argument<A[K]> }
) => Futures<R, N>;

/**
 * Declares a task. Throws ERR_TASK_UNNAMED when neither the function nor the options name it, ERR_TASK_NAME_CONFLICT
 * when two of a module have one name.
 */
export function task<A extends readonly unknown[], R, N extends number = 1>(
  options: TaskOptions<N>,
  fn: (...args: A) => R,
): Task<A, R, N> {
  const method = options.name ?? fn.name;
  if (method === '') throw new RuntimeError('ERR_TASK_UNNAMED');
  const parameters = parametersOf(options.params);
  const returns = options.returns ?? 1;
  const module = callerModule(import.meta.url);
  const element = elementOf(module ?? '', method, options);
  const { priority, onFailure, timeOut, computingNodes, repeatable } = options;
  const more = defined({ priority, onFailure, timeOutMs: timeOut, computingNodes, repeatable });
  const plain = fn as unknown as (...args: unknown[]) => unknown;
  const call = (...args: unknown[]): unknown => {
    const program = process.env['METAKERNEL'] === 'off' ? undefined : currentProgram();
    if (program === undefined || module === undefined) return sequentially(plain, args, returns);
    return program.submit({ element, parameters, returns, more }, args);
  };
  if (module !== undefined) declareFunction(element.signature, call, plain);
  return call as unknown as Task<A, R, N>;
}

/** The value of a future, of a tracked object, or of a container of futures. Rejects with what its task failed with. */
export async function waitOn<T>(value: T): Promise<Resolved<T>> {
  const program = currentProgram();
  return (program === undefined ? await localValue(value) : await program.waitOn(value)) as Resolved<T>;
}

/** Waits for every task submitted here so far; rejects with the first failure nobody was told of. */
export async function barrier(): Promise<void> {
  await currentProgram()?.barrier();
}

/** Cancels a task and all that reads what it would have written. */
export function cancel(future: Future, reason = 'the program asked for it'): void {
  currentProgram()?.cancel(future, reason);
}

/** The value is not used again: its memory may go. */
export function deleteObject(value: object): void {
  currentProgram()?.forget(value);
}

/** A value as a datum of its own: encoded once, however many tasks read it. */
export function put<T>(value: T): Future<T> {
  const program = currentProgram();
  return (program === undefined ? localFuture({ state: 'value', value }) : program.put(value)) as Future<T>;
}

export const file = (path: string): FileRef => new FileRef(path, 'file');
export const directory = (path: string): FileRef => new FileRef(path, 'directory');

type ArrayType<T> = {
  new (buffer: ArrayBufferLike, offset: number, length: number): T;
  new (length: number): T;
  readonly BYTES_PER_ELEMENT: number;
};

/** A typed array in the object store: a task that returns it gives it on without a copy. Throws ERR_STORE_FULL. */
export function sharedArray<T>(type: ArrayType<T>, length: number): T {
  const program = currentProgram();
  const attempt = currentAttempt();
  if (program === undefined || attempt === undefined) return new type(length);
  const reservation = program.link.reserve(HEAD_ROOM + length * type.BYTES_PER_ELEMENT);
  attempt.ownRegions.push(reservation);
  return new type(reservation.slab, reservation.offset + HEAD_ROOM, length);
}

/** Tasks submitted while it is open belong together: `await using group = new TaskGroup('name')`. */
export class TaskGroup implements AsyncDisposable {
  readonly name: string;
  readonly #program = currentProgram();
  readonly #id: GroupId | undefined;
  readonly #implicitBarrier: boolean;

  constructor(name: string, options: { readonly implicitBarrier?: boolean } = {}) {
    this.name = name;
    this.#implicitBarrier = options.implicitBarrier ?? true;
    this.#id = this.#program?.openGroup(name);
  }

  async barrier(): Promise<void> {
    if (this.#id !== undefined) await this.#program?.groupBarrier(this.#id);
  }

  cancel(reason = `group ${this.name} was cancelled`): void {
    if (this.#id !== undefined) this.#program?.cancelGroup(this.#id, reason);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#id !== undefined) this.#program?.leaveGroup(this.#id);
    if (this.#implicitBarrier) await this.barrier();
  }
}

export interface TaskContext {
  /** Aborted when the task is cancelled or has run out of time. */
  readonly signal: AbortSignal;
  /** From 1. */
  readonly attempt: number;
  /** Computing units that the task holds. */
  readonly numThreads: number;
  readonly hostNames: readonly string[];
  readonly gpus: readonly number[];
  readonly fpgas: readonly number[];
}

/** The task that calls; undefined outside an agent. */
export function currentTask(): TaskContext | undefined {
  const attempt = currentAttempt();
  if (attempt === undefined) return undefined;
  const { extra, cpus } = attempt.record;
  return {
    signal: attempt.signal,
    attempt: attempt.record.attempt,
    numThreads: cpus,
    hostNames: extra?.hostNames ?? [],
    gpus: extra?.gpus ?? [],
    fpgas: extra?.fpgas ?? [],
  };
}

// ---------------------------------------------------------------------------------------------- sequential code

const NO_HANDLE = -1 as Handle;
const localFuture = (local: LocalResult): Future => new Future(NO_HANDLE, NO_HANDLE, local);

function sequentially(fn: (...args: unknown[]) => unknown, args: readonly unknown[], returns: number): unknown {
  const settled = runNow(fn, args);
  if (returns <= 1) return localFuture(settled);
  return Array.from({ length: returns }, (_, index) => localFuture(part(settled, index)));
}

function runNow(fn: (...args: unknown[]) => unknown, args: readonly unknown[]): LocalResult {
  if (args.some(isPending)) return pending(Promise.all(args.map(localValue)).then((values) => fn(...values)));
  try {
    const value = fn(...args.map(valueNow));
    return value instanceof Promise ? pending(value) : { state: 'value', value };
  } catch (error) {
    return { state: 'error', error };
  }
}

function pending(promise: Promise<unknown>): LocalResult {
  // Told to whoever waits; a failure that nobody waits for is no unhandled one.
  promise.catch(() => undefined);
  return { state: 'pending', promise };
}

const isPending = (value: unknown): boolean => value instanceof Future && value.local?.state === 'pending';

function valueNow(value: unknown): unknown {
  if (value instanceof FileRef) return value.path;
  if (Array.isArray(value) && value.some((one) => one instanceof Future)) return value.map(valueNow);
  if (!(value instanceof Future)) return value;
  if (value.local?.state === 'error') throw value.local.error;
  return value.local?.state === 'value' ? value.local.value : undefined;
}

function part(whole: LocalResult, index: number): LocalResult {
  if (whole.state === 'error') return whole;
  if (whole.state === 'pending') return pending(whole.promise.then((value) => (value as unknown[])[index]));
  return { state: 'value', value: (whole.value as unknown[])[index] };
}

async function localValue(value: unknown): Promise<unknown> {
  if (value instanceof Future && value.local?.state === 'pending') return value.local.promise;
  if (Array.isArray(value)) return Promise.all(value.map(localValue));
  return valueNow(value);
}

function defined<T extends object>(fields: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as never;
}
