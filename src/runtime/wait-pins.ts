import type { VersionId } from './model/ids.ts';
import type { ObjectStore } from './ports.ts';

/**
 * Versions that waits have brought, pinned until whoever waited has read them. A version without content (its writer failed
 * and was ignored) is not in the store: there is nothing to pin and nothing to release.
 */
export class WaitPins {
  readonly #store: ObjectStore;
  /** How many waits hold a version that was not there. */
  readonly #absent = new Map<VersionId, number>();

  constructor(store: ObjectStore) {
    this.#store = store;
  }

  pin(versions: readonly VersionId[]): void {
    for (const version of versions) {
      if (this.#store.acquire(version) === undefined) this.#absent.set(version, (this.#absent.get(version) ?? 0) + 1);
    }
  }

  unpin(versions: readonly VersionId[]): void {
    for (const version of versions) {
      const absent = this.#absent.get(version);
      if (absent === undefined) this.#store.release(version);
      else if (absent === 1) this.#absent.delete(version);
      else this.#absent.set(version, absent - 1);
    }
  }
}
