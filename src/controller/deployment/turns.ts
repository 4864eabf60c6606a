import type { DeploymentId } from './driver.ts';

/** Lets the operations on one deployment follow one another, and those on different ones go side by side. */
export class Turns {
  readonly #last = new Map<DeploymentId, Promise<unknown>>();

  take<T>(id: DeploymentId, work: () => Promise<T>): Promise<T> {
    const turn = (this.#last.get(id) ?? Promise.resolve()).then(work, work);
    this.#last.set(id, turn);
    const forget = (): void => {
      if (this.#last.get(id) === turn) this.#last.delete(id);
    };
    turn.then(forget, forget);
    return turn;
  }

  isTaken(id: DeploymentId): boolean {
    return this.#last.has(id);
  }

  async settled(): Promise<void> {
    await Promise.allSettled(this.#last.values());
  }
}
