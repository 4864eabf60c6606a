import type { Handle } from '../model/ids.ts';
import { NONE } from '../model/ids.ts';

declare const resultType: unique symbol;

/**
 * A result that will be there later: pass it on as an argument, or bring it with `waitOn`. It is a number and no promise
 * on purpose: an `async` task may return it without waiting for it.
 */
export class Future<T = unknown> {
  declare readonly [resultType]: T;
  /** Name of the datum in its program; NONE when the task returns nothing. */
  readonly handle: Handle;
  /** Submission index of the task in its program; NONE for a value that was put. */
  readonly seq: number;
  /** The program that can name it. */
  readonly owner: object;

  constructor(handle: Handle, seq: number, owner: object) {
    this.handle = handle;
    this.seq = seq;
    this.owner = owner;
  }

  toString(): string {
    return this.handle === NONE ? `Future(task ${this.seq})` : `Future(d${this.handle})`;
  }
}
