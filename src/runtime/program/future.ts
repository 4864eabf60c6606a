import type { Handle } from '../model/ids.ts';
import { NONE } from '../model/ids.ts';

declare const resultType: unique symbol;

/** What a future holds when its program runs as plain sequential code. */
export type LocalResult =
  | { readonly state: 'value'; readonly value: unknown }
  | { readonly state: 'error'; readonly error: unknown }
  | { readonly state: 'pending'; readonly promise: Promise<unknown> };

/**
 * A result that will be there later: pass it on as an argument, or bring it with `waitOn`. It is a number and no promise
 * on purpose: an `async` task may return it without waiting for it.
 */
export class Future<T = unknown> {
  declare readonly [resultType]: T;
  /** Name of the datum in its scope; NONE when the task returns nothing. */
  readonly handle: Handle;
  /** Submission index of the task in its scope; NONE for a value that was put. */
  readonly seq: number;
  readonly local: LocalResult | undefined;

  constructor(handle: Handle, seq: number, local?: LocalResult) {
    this.handle = handle;
    this.seq = seq;
    this.local = local;
  }

  toString(): string {
    return this.handle === NONE ? `Future(task ${this.seq})` : `Future(d${this.handle})`;
  }
}
