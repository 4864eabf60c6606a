import { indexOf, type VersionId } from '../model/ids.ts';
import type { StoredValue } from '../ports.ts';
import type { IdleList } from './idle-list.ts';
import type { Block } from './region-allocator.ts';
import type { Extent } from './spill-file.ts';

/** One held version. */
export interface Entry {
  readonly version: VersionId;
  readonly length: number;
  /** Undefined while the value is on the spill disk only. */
  value: StoredValue | undefined;
  pins: number;
  /** `free` came while it was pinned: dropped with the last pin. */
  freed: boolean;
  /** Files: delete with the version. */
  readonly owned: boolean;
  /** Where it lies in the slab and on the spill disk; with both, the memory can be taken at once. */
  block: Block<Entry> | undefined;
  extent: Extent | undefined;
  /** The list of unpinned values in memory that it hangs in. */
  list: IdleList | undefined;
  older: Entry | undefined;
  newer: Entry | undefined;
  /** Number of the write-behind under way; 0: none, or its result is not wanted any more. */
  writing: number;
  /** Earlier contents of the same version that somebody may still read: they go with the last pin. */
  ghosts: Entry[] | undefined;
}

export function newEntry(version: VersionId, value: StoredValue | undefined, length: number, owned = false): Entry {
  return {
    version,
    length,
    value,
    pins: 0,
    freed: false,
    owned,
    block: undefined,
    extent: undefined,
    list: undefined,
    older: undefined,
    newer: undefined,
    writing: 0,
    ghosts: undefined,
  };
}

/**
 * Entries by version. A row of the core is recycled when its version is freed, so that one index belongs to one live
 * version; entries that were freed while pinned stand aside until their last release.
 */
export class VersionTable {
  readonly #rows: (Entry | undefined)[] = [];
  readonly #aside = new Map<VersionId, Entry>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get(version: VersionId): Entry | undefined {
    const entry = this.#rows[indexOf(version)];
    return entry?.version === version ? entry : undefined;
  }

  /** Also one that was freed and is still pinned. */
  getPinned(version: VersionId): Entry | undefined {
    return this.get(version) ?? this.#aside.get(version);
  }

  /** The other version that holds the row of `version`, if any. */
  usurped(version: VersionId): Entry | undefined {
    const entry = this.#rows[indexOf(version)];
    return entry?.version === version ? undefined : entry;
  }

  put(entry: Entry): void {
    const index = indexOf(entry.version);
    if (this.#rows[index] === undefined) this.#size += 1;
    this.#rows[index] = entry;
    this.#aside.delete(entry.version);
  }

  remove(entry: Entry): void {
    const index = indexOf(entry.version);
    if (this.#rows[index] === entry) {
      this.#rows[index] = undefined;
      this.#size -= 1;
    } else {
      this.#aside.delete(entry.version);
    }
  }

  setAside(entry: Entry): void {
    this.remove(entry);
    this.#aside.set(entry.version, entry);
  }

  *entries(): IterableIterator<Entry> {
    for (const entry of this.#rows) if (entry !== undefined) yield entry;
    yield* this.#aside.values();
  }
}
