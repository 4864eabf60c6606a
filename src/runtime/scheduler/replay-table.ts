import type { ScopeId } from '../model/ids.ts';
import { grown } from '../model/rows.ts';
import type { CoreState } from './state.ts';

/** A task that a former attempt of the same parent completed. */
export interface ReplayEntry {
  /** What was called, for messages; NONE where only the digest is remembered. */
  readonly core: number;
  readonly digest: number;
  /** Version rows in report order, needed and mentioned until the parent has settled. */
  readonly outputs: readonly number[];
}

/** What a parent that runs again need not run again, by submission index. */
export interface ReplayTable {
  readonly key: string;
  readonly entries: Map<number, ReplayEntry>;
  /** The parent has been told that it submits something else this time. */
  diverged: boolean;
}

export interface ReplayOffer {
  /** It goes with the scope that holds its data. */
  readonly scope: ScopeId;
  readonly table: ReplayTable;
}

/** Tasks without outputs that have completed: 12 bytes each. */
export class DoneLog {
  size = 0;
  #seqs = new Int32Array(0);
  #digests = new Float64Array(0);

  add(seq: number, digest: number): void {
    if (this.size === this.#seqs.length) {
      const capacity = Math.max(16, this.size * 2);
      this.#seqs = grown(this.#seqs, capacity);
      this.#digests = grown(this.#digests, capacity);
    }
    this.#seqs[this.size] = seq;
    this.#digests[this.size] = digest;
    this.size += 1;
  }

  each(visit: (seq: number, digest: number) => void): void {
    for (let index = 0; index < this.size; index++) visit(this.#seqs[index]!, this.#digests[index]!);
  }
}

export function holdEntry(state: CoreState, entry: ReplayEntry): void {
  for (const version of entry.outputs) {
    state.registry.mention(version);
    state.registry.need(version);
  }
}

export function releaseEntry(state: CoreState, entry: ReplayEntry): void {
  for (const version of entry.outputs) {
    state.registry.unneed(version);
    state.registry.unmention(version);
  }
}

/** The parent has settled: nothing is replayed any more. */
export function dropReplays(state: CoreState, task: number): void {
  const table = state.replays.get(task);
  if (table === undefined) return;
  state.replays.delete(task);
  releaseTable(state, table);
}

/** Nobody has taken them, and nobody can any more. */
export function dropOffers(state: CoreState, scope: ScopeId): void {
  for (const [key, offer] of state.offers) {
    if (offer.scope !== scope) continue;
    state.offers.delete(key);
    releaseTable(state, offer.table);
  }
}

function releaseTable(state: CoreState, table: ReplayTable): void {
  for (const entry of table.entries.values()) releaseEntry(state, entry);
}
