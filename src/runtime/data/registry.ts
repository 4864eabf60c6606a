import type { Failure } from '../graph/failure.ts';
import { ALIAS, DURABLE, EMPTY, FAILED, LOST, UNHELD, WRITTEN } from '../graph/version-rows.ts';
import { NONE, type ResourceId } from '../model/ids.ts';
import type { CoreState, LineageRecord } from '../scheduler/state.ts';

/**
 * The pure half of the data plane: which version is held where, who still needs it, and when it may go. `needs` counts
 * unsettled readers, waits, transfers and being the current version of a datum that can still be named.
 */

/** The version that has the content: aliases (delegated outputs) lead to another. */
export function resolved(state: CoreState, version: number): number {
  let row = version;
  while ((state.versions.flags[row]! & ALIAS) !== 0) row = state.versions.target[row]!;
  return row;
}

/** Whether a reader can get the bytes. */
export function hasContent(state: CoreState, version: number): boolean {
  const { flags, holder } = state.versions;
  const row = resolved(state, version);
  return holder[row] !== NONE || (flags[row]! & (DURABLE | EMPTY | UNHELD)) !== 0;
}

export const isWritten = (state: CoreState, version: number): boolean =>
  (state.versions.flags[version]! & WRITTEN) !== 0;
export const isFailed = (state: CoreState, version: number): boolean => (state.versions.flags[version]! & FAILED) !== 0;

export function addHolder(state: CoreState, version: number, resource: number): void {
  const { versions, links } = state;
  if (holds(state, version, resource)) return;
  versions.flags[version]! &= ~LOST;
  if (versions.holder[version] === NONE) versions.holder[version] = resource;
  else versions.moreHolders[version] = links.push(versions.moreHolders[version]!, resource);
}

export function holds(state: CoreState, version: number, resource: number): boolean {
  const { versions, links } = state;
  return versions.holder[version] === resource || links.has(versions.moreHolders[version]!, resource);
}

export function removeHolder(state: CoreState, version: number, resource: number): void {
  const { versions, links } = state;
  if (versions.holder[version] !== resource) {
    versions.moreHolders[version] = links.without(versions.moreHolders[version]!, resource);
    return;
  }
  const next = versions.moreHolders[version]!;
  versions.holder[version] = next === NONE ? NONE : links.value[next]!;
  if (next !== NONE) versions.moreHolders[version] = links.shift(next);
}

export function holderRows(state: CoreState, version: number): number[] {
  const { versions, links } = state;
  const rows: number[] = [];
  if (versions.holder[version] !== NONE) rows.push(versions.holder[version]!);
  for (let node = versions.moreHolders[version]!; node !== NONE; node = links.next[node]!)
    rows.push(links.value[node]!);
  return rows;
}

export function holderIds(state: CoreState, version: number): ResourceId[] {
  return holderRows(state, version).map((row) => state.resourceRows[row]!.id);
}

export function need(state: CoreState, version: number): void {
  state.versions.needs[version]! += 1;
}

export function unneed(state: CoreState, version: number): void {
  state.versions.needs[version]! -= 1;
  tidy(state, version);
}

/** Drops the content of a version that nobody needs, then the row when nothing mentions it. */
export function tidy(state: CoreState, version: number): void {
  const { versions } = state;
  if (versions.needs[version]! > 0) return;
  const flags = versions.flags[version]!;
  if ((flags & (WRITTEN | FAILED)) === 0) return;
  freeContent(state, version);
  if (versions.mentions[version]! > 0 || versions.lineage[version]! > 0) return;
  forget(state, version);
}

function freeContent(state: CoreState, version: number): void {
  const { versions } = state;
  for (const row of holderRows(state, version)) {
    const resource = state.resourceRows[row]!;
    if (resource.state !== 'gone')
      state.emit({ type: 'free', version: state.versionId(version), resource: resource.id });
    removeHolder(state, version, row);
  }
  if ((versions.flags[version]! & UNHELD) === 0 || state.self === undefined) return;
  // The shell alone knows where it comes from: it is told by a free of its own copy.
  versions.flags[version]! &= ~UNHELD;
  state.emit({ type: 'free', version: state.versionId(version), resource: state.self.id });
}

function forget(state: CoreState, version: number): void {
  const { versions } = state;
  const datum = versions.datum[version]!;
  const isAlias = (versions.flags[version]! & ALIAS) !== 0;
  const target = versions.target[version]!;
  state.failures.delete(version);
  const record = state.lineage.get(version);
  state.lineage.delete(version);
  versions.release(version);
  mentionDatum(state, datum, -1);
  if (isAlias) unneed(state, target);
  if (record !== undefined) dropRecord(state, record);
}

function dropRecord(state: CoreState, record: LineageRecord): void {
  record.live -= 1;
  if (record.live > 0) return;
  for (const input of record.inputs) {
    if (input === NONE) continue;
    state.versions.lineage[input]! -= 1;
    tidy(state, input);
  }
}

export function mentionDatum(state: CoreState, datum: number, by: number): void {
  const { data } = state;
  data.mentions[datum]! += by;
  if (data.mentions[datum]! <= 0 && data.handles[datum]! <= 0) data.release(datum);
}

export function newVersion(state: CoreState, datum: number): number {
  const { versions, data } = state;
  data.versions[datum]! += 1;
  const version = versions.add(datum, data.versions[datum]!);
  data.mentions[datum]! += 1;
  return version;
}

/** Makes a version the current one of its datum; the one before goes when nobody reads it. */
export function setLatest(state: CoreState, datum: number, version: number): void {
  const { data } = state;
  const before = data.latest[datum]!;
  data.latest[datum] = version;
  const reachable = data.handles[datum]! > 0;
  if (version !== NONE && reachable) need(state, version);
  if (before !== NONE && reachable) unneed(state, before);
}

/** What a cancelled writer has left behind goes at once. */
export function setFailure(state: CoreState, version: number, failure: Failure): void {
  freeContent(state, version);
  state.versions.flags[version]! |= FAILED;
  state.failures.set(version, failure);
}

/** A name of the datum has gone; with the last one its current version is needed only by those that read it now. */
export function dropHandle(state: CoreState, datum: number): void {
  const { data } = state;
  data.handles[datum]! -= 1;
  if (data.handles[datum]! > 0) return;
  const { [datum]: latest } = data.latest;
  data.latest[datum] = NONE;
  // The mention keeps the row while its version goes.
  data.mentions[datum]! += 1;
  if (latest !== undefined && latest !== NONE) unneed(state, latest);
  mentionDatum(state, datum, -1);
}
