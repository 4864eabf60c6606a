import type { Entry } from './store-entry.ts';

/** Unpinned values in memory, least recently used first. An entry hangs in one list at most. */
export class IdleList {
  oldest: Entry | undefined;
  #newest: Entry | undefined;
  /** Of the entries' blocks. */
  bytes = 0;

  add(entry: Entry): void {
    entry.list = this;
    entry.older = this.#newest;
    entry.newer = undefined;
    if (this.#newest === undefined) this.oldest = entry;
    else this.#newest.newer = entry;
    this.#newest = entry;
    this.bytes += entry.block?.length ?? 0;
  }

  remove(entry: Entry): void {
    if (entry.older === undefined) this.oldest = entry.newer;
    else entry.older.newer = entry.newer;
    if (entry.newer === undefined) this.#newest = entry.older;
    else entry.newer.older = entry.older;
    entry.older = undefined;
    entry.newer = undefined;
    entry.list = undefined;
    this.bytes -= entry.block?.length ?? 0;
  }
}
