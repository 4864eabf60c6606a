import { DATUM_KINDS, type DatumKind } from '../model/access.ts';
import { NONE } from '../model/ids.ts';
import { grown, Rows } from '../model/rows.ts';

/** Deleted by IN_DELETE: reading it again is an error until it is written again. */
export const DELETED = 1;
/** Its latest version is the shared instance of an open CONCURRENT group. */
export const OPEN_SHARED = 2;
/** It has an open COMMUTATIVE group. */
export const OPEN_COMMUTATIVE = 4;

export class DatumRows extends Rows {
  kind = new Uint8Array(this.capacity);
  flags = new Uint8Array(this.capacity);
  /** For people: `d3` is the third datum of this core. */
  number = new Float64Array(this.capacity);
  /** Version row, or NONE before the first write. */
  latest = new Int32Array(this.capacity);
  /** Number of the last version. */
  versions = new Int32Array(this.capacity);
  /** Handles of the submitter that name it. */
  handles = new Int32Array(this.capacity);
  /** Version rows and groups that mention it: recycled when 0 and without handles. */
  mentions = new Int32Array(this.capacity);
  #numbers = 0;

  protected override resize(capacity: number): void {
    this.kind = grown(this.kind, capacity);
    this.flags = grown(this.flags, capacity);
    this.number = grown(this.number, capacity);
    this.latest = grown(this.latest, capacity);
    this.versions = grown(this.versions, capacity);
    this.handles = grown(this.handles, capacity);
    this.mentions = grown(this.mentions, capacity);
  }

  add(kind: DatumKind): number {
    const row = this.allocate();
    this.kind[row] = DATUM_KINDS.indexOf(kind);
    this.flags[row] = 0;
    this.number[row] = ++this.#numbers;
    this.latest[row] = NONE;
    this.versions[row] = 0;
    this.handles[row] = 0;
    this.mentions[row] = 0;
    return row;
  }
}
