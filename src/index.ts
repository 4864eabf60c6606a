/**
 * The programming model. `task()` makes a function a core element; calling it inside an agent submits a task and gives a
 * future at once. Outside an agent, or with METAKERNEL=off, the same program runs as plain sequential code.
 */
import { currentAttempt, currentProgram } from './runtime/program/current.ts';
import { callerModule, parseDeclaration, type TaskOptions, type UserFunction } from './runtime/program/declaration.ts';
import { declareFunction } from './runtime/program/declared.ts';
import type { FileRef } from './runtime/program/file-ref.ts';
import { Future } from './runtime/program/future.ts';
import { enterGroup, leaveGroup } from './runtime/program/group-context.ts';
import type { ArrayType, Program, ProgramGroup } from './runtime/program/program.ts';
import type { Argument, Futures, Resolved } from './runtime/program/types.ts';

export { RuntimeError } from './common/errors.ts';
export { serializable } from './runtime/data/serializable.ts';
export type { Direction } from './runtime/model/access.ts';
export type { Constraints } from './runtime/model/resource.ts';
export type { Parameter, TaskOptions } from './runtime/program/declaration.ts';
export { FileRef } from './runtime/program/file-ref.ts';
export type { TaskConstraints } from './runtime/program/task-constraints.ts';
export { TaskException } from './runtime/program/task-exception.ts';
export type { Argument, Futures, Resolved } from './runtime/program/types.ts';
export { Future };

/** A declared task: a call submits it. Arguments may be futures, or hold them. */
export type Task<A extends readonly unknown[], R, N extends number> = (
  ...args: { [K in keyof A]: Argument<A[K]> }
) => Futures<R, N>;

/**
 * Declares a task. The name of its core element is `<module>#<name>`: the module's path below the code path, and the
 * option `name` or the function's own. Throws ERR_TASK_UNNAMED when there is neither, ERR_TASK_NAME_CONFLICT when two
 * functions of a module have one name.
 *
 * Arguments that tasks only read are encoded at the call, so what the caller changes later is not seen. Objects given as
 * INOUT, OUT, CONCURRENT or COMMUTATIVE are known by identity from then on: passed on, they mean their latest version,
 * and `waitOn(object)` gives its value. What a task gets as an argument is valid until it ends.
 */
export function task<A extends readonly unknown[], R, N extends number = 1>(
  options: TaskOptions<N>,
  fn: (...args: A) => R,
): Task<A, R, N> {
  const plain = fn as unknown as UserFunction;
  const declaration = parseDeclaration(options, plain, callerModule());
  const call = (...args: unknown[]): unknown => currentProgram().call(declaration, args);
  if (declaration.outside === undefined) declareFunction(declaration.element.signature, call, plain);
  return call as unknown as Task<A, R, N>;
}

/**
 * The value of a future, of an object that tasks write, of a file (its path, with the content there), or of a container
 * of these, which may be nested. What comes belongs to the caller. Rejects with a RuntimeError that has the user's error
 * as its cause when a task that it needs has failed.
 */
export const waitOn = async <T>(value: T): Promise<Resolved<T>> =>
  (await currentProgram().waitOn(value)) as Resolved<T>;

/** Waits for every task submitted here so far; rejects with the first failure. */
export const barrier = (): Promise<void> => currentProgram().barrier();

/** Cancels the task of a future, or what has not ended of a group. */
export function cancel(subject: Future | TaskGroup, reason = 'the program asked for it'): void {
  if (subject instanceof TaskGroup) subject.cancel(reason);
  else currentProgram().cancel({ future: subject }, reason);
}

/** The value of a future, an object or a file is not used again: its memory may go. False when it was not known. */
export const deleteObject = (value: unknown): boolean => currentProgram().deleteObject(value);

/** A value as a datum of its own: encoded once, however many tasks read it. */
export const put = <T>(value: T): Future<T> => currentProgram().put(value) as Future<T>;

/** A file as an argument; `waitOn` brings what tasks have written to its path. */
export const file = (path: string): FileRef => currentProgram().file(path, 'file');
export const directory = (path: string): FileRef => currentProgram().file(path, 'directory');

/**
 * A typed array in the object store: returned by a task, or given to `put`, it is passed on without a copy. Not to be
 * written to after that. Throws ERR_STORE_FULL.
 */
export const sharedArray = <V>(type: ArrayType<V>, length: number): V => currentProgram().sharedArray(type, length);

/** Tasks submitted while it is open belong together: `await using group = new TaskGroup('name')`. */
export class TaskGroup implements AsyncDisposable {
  readonly name: string;
  readonly #program: Program;
  readonly #group: ProgramGroup;
  readonly #implicitBarrier: boolean;

  constructor(name: string, options: { readonly implicitBarrier?: boolean } = {}) {
    this.name = name;
    this.#implicitBarrier = options.implicitBarrier ?? true;
    this.#program = currentProgram();
    this.#group = enterGroup(this.#program, name);
  }

  /** Waits for the tasks of the group; rejects with its TaskException or with the first failure. */
  barrier(): Promise<void> {
    return this.#program.barrier(this.#group);
  }

  cancel(reason = `group ${this.name} was cancelled`): void {
    this.#program.cancel({ group: this.#group }, reason);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    leaveGroup(this.#group);
    if (this.#implicitBarrier) await this.barrier();
  }
}

export interface TaskContext {
  /** Aborted when the task is cancelled or has run out of time; its thread is killed soon after. */
  readonly signal: AbortSignal;
  /** From 1. */
  readonly attempt: number;
  /** Computing units that the task holds; also in COMPSS_NUM_THREADS and OMP_NUM_THREADS. */
  readonly numThreads: number;
  /** Nodes of a task with `computingNodes`, master first. */
  readonly hostNames: readonly string[];
  /** Indexes of devices that nobody else uses meanwhile. */
  readonly gpus: readonly number[];
  readonly fpgas: readonly number[];
}

/** The task that calls; undefined in plain sequential code and in a program that embeds an agent. */
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
