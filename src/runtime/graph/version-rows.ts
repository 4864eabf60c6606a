import { NONE } from '../model/ids.ts';
import { grown, Rows } from '../model/rows.ts';

/** Has been written, whether or not its bytes are still somewhere. Neither WRITTEN nor FAILED: a writer is awaited. */
export const WRITTEN = 1;
/** Will not be written: its readers fail or are cancelled. */
export const FAILED = 2;
/** Written with nothing (`onFailure: IGNORE`): needs no holder. */
export const EMPTY = 4;
/** The shell can provide it again at any time; needs no holder. */
export const DURABLE = 8;
/** Another name of `target`, which has all its counts. */
export const ALIAS = 16;
/** The instance that the members of a CONCURRENT group share: several writers. */
export const SHARED = 32;
/** Its producer is remembered for replay alone, without its inputs: for lineage the version is a root. */
export const ROOT = 64;
/** An attempt changes it in place: nobody else may come to need it. */
export const CONSUMED = 256;
/** Declared with no holder: the shell knows more of it than the core. */
export const UNHELD = 128;

/** One row for each version of each datum. */
export class VersionRows extends Rows {
  flags = new Uint16Array(this.capacity);
  datum = new Int32Array(this.capacity);
  /** From 1, as in `d3v1`. */
  number = new Int32Array(this.capacity);
  bytes = new Float64Array(this.capacity);
  /** Who still needs the bytes: unsettled readers, waits, transfers, being the current version of a reachable datum. */
  needs = new Int32Array(this.capacity);
  /** Live lineage records that have it as an input. */
  lineage = new Int32Array(this.capacity);
  /** Task rows, aliases and data that mention the row: it is recycled when nothing needs or mentions it. */
  mentions = new Int32Array(this.capacity);
  /** Row of the settled task that can write it again, or NONE. */
  producer = new Int32Array(this.capacity);
  /** Tasks that must run again, one after the other, when everything but roots is lost. */
  depth = new Int32Array(this.capacity);
  /** Links: blocked tasks. */
  waiters = new Int32Array(this.capacity);
  /** Resource row of one holder, or NONE; the others are in `moreHolders` (Links). */
  holder = new Int32Array(this.capacity);
  moreHolders = new Int32Array(this.capacity);
  target = new Int32Array(this.capacity);

  protected override resize(capacity: number): void {
    this.flags = grown(this.flags, capacity);
    this.datum = grown(this.datum, capacity);
    this.number = grown(this.number, capacity);
    this.bytes = grown(this.bytes, capacity);
    this.needs = grown(this.needs, capacity);
    this.lineage = grown(this.lineage, capacity);
    this.mentions = grown(this.mentions, capacity);
    this.producer = grown(this.producer, capacity);
    this.depth = grown(this.depth, capacity);
    this.waiters = grown(this.waiters, capacity);
    this.holder = grown(this.holder, capacity);
    this.moreHolders = grown(this.moreHolders, capacity);
    this.target = grown(this.target, capacity);
  }

  add(datum: number, number: number): number {
    const row = this.allocate();
    this.flags[row] = 0;
    this.datum[row] = datum;
    this.number[row] = number;
    this.bytes[row] = 0;
    this.needs[row] = 0;
    this.lineage[row] = 0;
    this.mentions[row] = 0;
    this.producer[row] = NONE;
    this.depth[row] = 0;
    this.waiters[row] = NONE;
    this.holder[row] = NONE;
    this.moreHolders[row] = NONE;
    this.target[row] = NONE;
    return row;
  }
}
