/** What versions contain, as far as a model of programs cares: enough to tell whether a task read what it had to. */
import type { Direction } from '../../../src/runtime/model/access.ts';
import type { OnFailure, TaskSpec } from '../../../src/runtime/model/task.ts';
import type { ModelTask } from './state.ts';

/** What a version contains, as far as the model cares. */
export type Content = number;
export const SPOILT: Content = -1;
export const EMPTY: Content = 0;
export const MODULUS = 2 ** 31 - 1;

/** A task that overwrites or updates: order matters. */
export const written = (task: number): Content => ((task + 7) * 48271) % MODULUS;
export const updated = (before: Content, task: number): Content => (before * 31 + written(task)) % MODULUS;
/** A task that commutes: it does not. */
export const added = (before: Content, task: number): Content => (before + written(task)) % MODULUS;

/** A task as its submitter described it, with a number that says what it computes: the same when submitted again. */
export interface ProgramTask {
  readonly accesses: readonly { readonly handle: number; readonly direction: Direction }[];
  readonly returns?: readonly number[];
  readonly onFailure?: OnFailure;
  readonly group?: number;
  readonly more?: Partial<TaskSpec>;
  /** What it submits itself, if it does, and the child's return that it hands on as its own. */
  readonly children?: readonly ProgramTask[];
}

/** What the datum contains after the task, if it contained `before`. */
export function effectOf(task: ModelTask, direction: Direction, before: Content, runs = false): Content {
  // What has not settled is read by others only when they, but not it, were found done by a replay: it will write the same.
  if (!runs && (task.outcome === 'failed' || task.outcome === 'cancelled')) return before;
  const ignored = !runs && task.outcome === 'ignored';
  switch (direction) {
    case 'OUT':
      return ignored ? EMPTY : written(task.number);
    case 'INOUT':
      return ignored ? before : updated(before, task.number);
    case 'CONCURRENT':
    case 'COMMUTATIVE':
      return ignored ? before : added(before, task.number);
    default:
      return before;
  }
}

export const numberOf = (seed: number, seq: number): number => (seed * 1009 + seq * 31 + 3) % 1_000_003;

export const returned = (task: ModelTask): Content => returnOf(task.program, task.number);

/** A parent that hands on its child's return returns that. */
export function returnOf(program: ProgramTask, number: number): Content {
  const at = delegatedChild(program);
  return at < 0 ? written(number + 1) : returnOf(program.children![at]!, numberOf(number, at));
}

/** The last child with a return, which its parent hands on as its own. */
export const delegatedChild = ({ children, returns }: ProgramTask): number =>
  returns === undefined ? -1 : (children ?? []).findLastIndex((child) => child.returns !== undefined);
