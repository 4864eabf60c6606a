import type { GroupId } from './job.ts';

export type ChangeListener = (group: GroupId) => void;

/** Tells watchers in this process at once what was written here. What others write they find by looking. */
export class ChangeFeed {
  readonly #listeners = new Set<ChangeListener>();

  changed(group: GroupId): void {
    for (const listener of this.#listeners) listener(group);
  }

  /** Gives the function that ends it. */
  listen(listener: ChangeListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}
