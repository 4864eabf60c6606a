import { holderRows, need, unneed } from '../data/registry.ts';
import type { CoreState } from './state.ts';

/** A version is asked for again from other holders so many times. */
export const TRANSFER_TRIES = 3;
const RESOURCES = 2 ** 20;

export const transferKey = (version: number, resource: number): number => version * RESOURCES + resource;

/** Orders a copy unless it is on its way; the transfer itself needs the version. */
export function bring(state: CoreState, version: number, resource: number, tries = 0): void {
  const key = transferKey(version, resource);
  if (state.transfers.has(key)) return;
  state.transfers.set(key, tries);
  need(state, version);
  state.emit({ type: 'transfer', version: state.versionId(version), to: state.resourceRows[resource]!.id });
}

/** The copy has arrived or failed; how many tries before it failed. */
export function endTransfer(state: CoreState, version: number, resource: number): number | undefined {
  const key = transferKey(version, resource);
  const tries = state.transfers.get(key);
  if (tries === undefined) return undefined;
  state.transfers.delete(key);
  return tries;
}

/** After `endTransfer`, once its outcome has been noted. */
export function releaseTransfer(state: CoreState, version: number): void {
  unneed(state, version);
}

/** Held by this resource and by no other. */
export function isOnlyHolder(state: CoreState, version: number, resource: number): boolean {
  const rows = holderRows(state, version);
  return rows.length === 1 && rows[0] === resource;
}
