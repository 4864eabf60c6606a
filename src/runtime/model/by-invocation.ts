import { type InvocationId, indexOf, NONE } from './ids.ts';

/** Things by their InvocationId, kept by row: nothing is hashed. A late message about a recycled row finds nothing. */
export class ByInvocation<T> {
  readonly #ids: number[] = [];
  readonly #things: (T | undefined)[] = [];

  get(invocation: InvocationId): T | undefined {
    const row = indexOf(invocation);
    return this.#ids[row] === invocation ? this.#things[row] : undefined;
  }

  set(invocation: InvocationId, thing: T): void {
    const row = indexOf(invocation);
    this.#ids[row] = invocation;
    this.#things[row] = thing;
  }

  /** False when it was not there. */
  delete(invocation: InvocationId): boolean {
    const row = indexOf(invocation);
    if (this.#ids[row] !== invocation) return false;
    this.#ids[row] = NONE;
    this.#things[row] = undefined;
    return true;
  }

  values(): T[] {
    return this.#things.filter((thing) => thing !== undefined);
  }

  clear(): void {
    this.#ids.length = 0;
    this.#things.length = 0;
  }
}
