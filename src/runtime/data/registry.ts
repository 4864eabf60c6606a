import { DatumRows } from '../graph/datum-rows.ts';
import type { Failure } from '../graph/failure.ts';
import { ALIAS, DURABLE, EMPTY, FAILED, ROOT, SHARED, UNHELD, VersionRows, WRITTEN } from '../graph/version-rows.ts';
import { DATUM_KINDS, type DatumKind } from '../model/access.ts';
import { NONE } from '../model/ids.ts';
import { Links } from '../model/links.ts';

/** How many live versions each settled task can write again (a column of the task rows). */
export interface RecordCounts {
  records: Int32Array;
}

/**
 * Versions of data: who holds them, who needs them, who can write them again. A version whose bytes nobody needs is freed
 * on every holder, once; its row goes when no task row mentions it either. Rows in, rows out; resources are rows too.
 *
 * What follows from a release is queued, not called back: `frees` are orders for the shell, `orphans` are settled tasks
 * whose outputs are all dead, whose own inputs the caller must then let go of (`dropLineage`).
 */
export class Registry {
  readonly versions = new VersionRows(1024);
  readonly data = new DatumRows(1024);
  /** Edges from versions to the blocked tasks that wait for them. */
  readonly waiters = new Links();
  /** Pairs of VersionId and resource row. */
  readonly frees: number[] = [];
  readonly orphans: number[] = [];
  readonly failures = new Map<number, Failure>();
  readonly names = new Map<number, string>();
  /** Versions that somebody needs, or that lineage remembers. */
  alive = 0;
  /** Row of the agent's own resource. */
  self = NONE;
  readonly #holders = new Links();
  readonly #records: RecordCounts;
  /** Producers of SHARED versions. */
  readonly #sharedProducers = new Map<number, number[]>();

  constructor(records: RecordCounts) {
    this.#records = records;
  }

  // ------------------------------------------------------------------------------------------ data and versions

  addDatum(kind: DatumKind, name?: string): number {
    const datum = this.data.add(kind);
    if (name !== undefined) this.names.set(datum, name);
    return datum;
  }

  /** The next version of a datum. Mentioned and needed by nobody yet. */
  addVersion(datum: number): number {
    const number = this.data.versions[datum]! + 1;
    this.data.versions[datum] = number;
    this.data.mentions[datum]! += 1;
    return this.versions.add(datum, number);
  }

  kindOf(version: number): DatumKind {
    return DATUM_KINDS[this.data.kind[this.versions.datum[version]!]!]!;
  }

  /**
   * Makes a version the one that names of the datum stand for; the former one is superseded. A datum that nobody can
   * name any more has no latest version.
   */
  setLatest(datum: number, version: number): void {
    const former = this.data.latest[datum]!;
    if (former === version || this.data.handles[datum] === 0) return;
    this.data.latest[datum] = version;
    if (version !== NONE) {
      this.mention(version);
      this.need(version);
    }
    if (former !== NONE) {
      this.unneed(former);
      this.unmention(former);
    }
  }

  addHandle(datum: number): void {
    this.data.handles[datum]! += 1;
  }

  dropHandle(datum: number): void {
    this.data.handles[datum]! -= 1;
    if (this.data.handles[datum]! > 0) return;
    const latest = this.data.latest[datum]!;
    if (latest !== NONE) this.unneed(latest);
    this.#sweepDatum(datum);
  }

  mentionDatum(datum: number): void {
    this.data.mentions[datum]! += 1;
  }

  unmentionDatum(datum: number): void {
    this.data.mentions[datum]! -= 1;
    this.#sweepDatum(datum);
  }

  /** A datum without handles forgets its latest version; without versions it is recycled. */
  #sweepDatum(datum: number): void {
    if (this.data.handles[datum]! > 0) return;
    const latest = this.data.latest[datum]!;
    if (latest !== NONE) {
      this.data.latest[datum] = NONE;
      this.unmention(latest);
      // Letting go of the version may have swept the datum already.
      return;
    }
    if (this.data.mentions[datum] === 0) {
      this.names.delete(datum);
      this.data.release(datum);
    }
  }

  // ------------------------------------------------------------------------------------------ states

  resolve(version: number): number {
    let row = version;
    while ((this.versions.flags[row]! & ALIAS) !== 0) row = this.versions.target[row]!;
    return row;
  }

  is(version: number, flag: number): boolean {
    return (this.versions.flags[version]! & flag) !== 0;
  }

  /** Written, but its bytes are nowhere any more. */
  isLost(version: number): boolean {
    const flags = this.versions.flags[version]!;
    if ((flags & (WRITTEN | EMPTY | DURABLE | UNHELD | FAILED)) !== WRITTEN) return false;
    return this.versions.holder[version] === NONE;
  }

  isPending(version: number): boolean {
    return (this.versions.flags[version]! & (WRITTEN | FAILED)) === 0;
  }

  markWritten(version: number, bytes: number): void {
    this.versions.flags[version]! |= WRITTEN;
    this.versions.bytes[version] = bytes;
  }

  markFailed(version: number, failure: Failure): void {
    this.versions.flags[version] = (this.versions.flags[version]! & ~WRITTEN) | FAILED;
    this.failures.set(version, failure);
  }

  /** Its bytes are gone and will be written again. */
  markPending(version: number): void {
    this.versions.flags[version]! &= ~WRITTEN;
  }

  /** From now on `from` is another name of `to`, which takes over all its counts. */
  alias(from: number, to: number): void {
    const { flags, needs, lineage, target } = this.versions;
    if (this.isAlive(from) && this.isAlive(to)) this.alive -= 1;
    flags[from] = ALIAS | WRITTEN;
    target[from] = to;
    needs[to]! += needs[from]!;
    lineage[to]! += lineage[from]!;
    needs[from] = 0;
    lineage[from] = 0;
    this.mention(to);
  }

  // ------------------------------------------------------------------------------------------ counts

  need(version: number): void {
    const row = this.resolve(version);
    if (!this.isAlive(row)) this.alive += 1;
    this.versions.needs[row]! += 1;
  }

  unneed(version: number): void {
    const row = this.resolve(version);
    if (--this.versions.needs[row]! > 0) return;
    if (this.versions.lineage[row] === 0) this.#expire(row);
    else this.#unread(row);
  }

  addLineage(version: number): void {
    const row = this.resolve(version);
    if (!this.isAlive(row)) this.alive += 1;
    this.versions.lineage[row]! += 1;
  }

  dropLineage(version: number): void {
    const row = this.resolve(version);
    if (--this.versions.lineage[row]! > 0) return;
    if (this.versions.needs[row] === 0) this.#expire(row);
  }

  #expire(version: number): void {
    this.alive -= 1;
    this.#die(version);
  }

  isAlive(version: number): boolean {
    return this.versions.needs[version]! > 0 || this.versions.lineage[version]! > 0;
  }

  mention(version: number): void {
    this.versions.mentions[version]! += 1;
  }

  unmention(version: number): void {
    this.versions.mentions[version]! -= 1;
    this.#recycle(version);
  }

  /** To be called when a version has been written or failed: it may have been given up meanwhile. */
  settle(version: number): void {
    if (!this.isAlive(version)) this.#die(version);
    else if (this.versions.needs[version] === 0) this.#unread(version);
  }

  /** Only lineage remembers it. What can be written again need not be kept; a root must be. */
  #unread(version: number): void {
    const flags = this.versions.flags[version]!;
    if ((flags & (WRITTEN | EMPTY)) !== WRITTEN) return;
    const again = this.versions.producer[version] !== NONE && (flags & ROOT) === 0;
    if (again) this.#dropBytes(version);
    else if ((flags & DURABLE) !== 0) this.#dropCopies(version);
  }

  /** Of a durable version: what the agent itself has of it is where it comes from when it is needed again. */
  #dropCopies(version: number): void {
    for (const holder of this.holdersOf(version)) if (holder !== this.self) this.evict(version, holder);
    if (this.versions.holder[version] === NONE) this.versions.flags[version]! |= UNHELD;
  }

  #die(version: number): void {
    this.#dropBytes(version);
    this.dropProducer(version);
    this.#recycle(version);
  }

  #dropBytes(version: number): void {
    const { holder, moreHolders, flags } = this.versions;
    if ((flags[version]! & UNHELD) !== 0) {
      flags[version]! &= ~UNHELD;
      if (this.self !== NONE) this.addHolder(version, this.self);
    }
    if (holder[version] === NONE) return;
    const id = this.versions.idOf(version);
    this.frees.push(id, holder[version]!);
    for (let node = moreHolders[version]!; node !== NONE; node = this.#holders.shift(node)) {
      this.frees.push(id, this.#holders.value[node]!);
    }
    holder[version] = NONE;
    moreHolders[version] = NONE;
  }

  #recycle(version: number): void {
    if (this.versions.mentions[version]! > 0 || this.isAlive(version)) return;
    const flags = this.versions.flags[version]!;
    const datum = this.versions.datum[version]!;
    const target = this.versions.target[version]!;
    if ((flags & FAILED) !== 0) this.failures.delete(version);
    this.versions.release(version);
    if (target !== NONE) this.unmention(target);
    this.unmentionDatum(datum);
  }

  // ------------------------------------------------------------------------------------------ lineage

  /** `task` (a row) can write the version again. */
  setProducer(version: number, task: number): void {
    if (this.is(version, SHARED)) {
      const producers = this.#sharedProducers.get(version);
      if (producers === undefined) this.#sharedProducers.set(version, [task]);
      else producers.push(task);
    } else {
      this.dropProducer(version);
    }
    this.versions.producer[version] = task;
    this.#records.records[task]! += 1;
  }

  producersOf(version: number): readonly number[] {
    const shared = this.#sharedProducers.get(version);
    if (shared !== undefined) return shared;
    const producer = this.versions.producer[version]!;
    return producer === NONE ? [] : [producer];
  }

  /** Lineage ends here: the version is a root now. */
  dropProducer(version: number): void {
    const producer = this.versions.producer[version]!;
    if (producer === NONE) return;
    this.versions.producer[version] = NONE;
    this.versions.depth[version] = 0;
    this.versions.flags[version]! &= ~ROOT;
    const shared = this.#sharedProducers.get(version);
    if (shared === undefined) {
      this.#forget(producer);
    } else {
      this.#sharedProducers.delete(version);
      for (const task of shared) this.#forget(task);
    }
  }

  #forget(task: number): void {
    if (--this.#records.records[task]! === 0) this.orphans.push(task);
  }

  // ------------------------------------------------------------------------------------------ holders

  /** False when it held it already. */
  addHolder(version: number, resource: number): boolean {
    const { holder, moreHolders } = this.versions;
    const first = holder[version]!;
    if (first === resource) return false;
    if (first === NONE) {
      holder[version] = resource;
      return true;
    }
    const more = moreHolders[version]!;
    if (more !== NONE && this.#holders.has(more, resource)) return false;
    moreHolders[version] = this.#holders.push(more, resource);
    return true;
  }

  removeHolder(version: number, resource: number): boolean {
    const { holder, moreHolders } = this.versions;
    const more = moreHolders[version]!;
    if (holder[version] === resource) {
      holder[version] = more === NONE ? NONE : this.#holders.value[more]!;
      if (more !== NONE) moreHolders[version] = this.#holders.shift(more);
      return true;
    }
    if (more === NONE || !this.#holders.has(more, resource)) return false;
    moreHolders[version] = this.#holders.without(more, resource);
    return true;
  }

  /** Takes a replica away and orders the holder to drop it. */
  evict(version: number, resource: number): void {
    if (this.removeHolder(version, resource)) this.frees.push(this.versions.idOf(version), resource);
  }

  evictAll(version: number): void {
    this.#dropBytes(version);
  }

  holds(version: number, resource: number): boolean {
    const { holder, moreHolders } = this.versions;
    if (holder[version] === resource) return true;
    const more = moreHolders[version]!;
    return more !== NONE && this.#holders.has(more, resource);
  }

  /** Resource rows, in no promised order; the array is the caller's. */
  holdersOf(version: number): number[] {
    const first = this.versions.holder[version]!;
    if (first === NONE) return [];
    const holders = [first];
    for (let node = this.versions.moreHolders[version]!; node !== NONE; node = this.#holders.next[node]!) {
      holders.push(this.#holders.value[node]!);
    }
    return holders;
  }

  /** Links of the holders after the first, for loops that must not allocate. */
  get holderLinks(): Links {
    return this.#holders;
  }
}
