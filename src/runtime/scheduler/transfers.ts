import type { Resource } from './resources.ts';
import type { CoreState } from './state.ts';

/** A copy of a version that was ordered and has not come. One for each version and resource, whoever wants it. */
export interface Transfer {
  readonly version: number;
  readonly resource: number;
  /** Waits for the data on this agent. */
  waits: number;
  /** It is to be a second replica that ends lineage, or a copy before its only holder leaves: needs the version. */
  kept: boolean;
  cutsLineage: boolean;
}

const RESOURCES = 2 ** 20;
const keyOf = (version: number, resource: number): number => version * RESOURCES + resource;

function order(state: CoreState, version: number, resource: Resource): Transfer {
  const key = keyOf(version, resource.row);
  let transfer = state.transfers.get(key);
  if (transfer === undefined) {
    transfer = { version, resource: resource.row, waits: 0, kept: false, cutsLineage: false };
    state.transfers.set(key, transfer);
    emitTransfer(state, transfer);
  }
  return transfer;
}

function emitTransfer(state: CoreState, { version, resource }: Transfer): void {
  state.effects.push({ type: 'transfer', version: state.versionId(version), to: state.resources[resource]!.id });
}

export function orderForWait(state: CoreState, version: number, resource: Resource): void {
  order(state, version, resource).waits += 1;
}

/** The wait has ended otherwise; the copy is not made for anybody else. */
export function cancelForWait(state: CoreState, version: number, resource: Resource): void {
  const transfer = state.transfers.get(keyOf(version, resource.row));
  if (transfer === undefined || transfer.waits === 0) return;
  transfer.waits -= 1;
  if (transfer.waits > 0 || transfer.kept) return;
  state.transfers.delete(keyOf(version, resource.row));
  state.effects.push({ type: 'cancel-transfer', version: state.versionId(version), to: resource.id });
}

function keep(state: CoreState, transfer: Transfer): void {
  if (transfer.kept) return;
  transfer.kept = true;
  state.registry.need(transfer.version);
}

/** A copy that outlives the resource that holds the version alone. */
export function orderSafeCopy(state: CoreState, version: number, to: Resource): void {
  keep(state, order(state, version, to));
}

/** A second replica, after which the version need not be written again; without a place for one it ends at once. */
export function orderReplica(state: CoreState, version: number): void {
  const to = placeForReplica(state, version);
  if (to === undefined) {
    state.registry.dropProducer(version);
    return;
  }
  const transfer = order(state, version, to);
  transfer.cutsLineage = true;
  keep(state, transfer);
}

/** This agent, or else the first other resource that takes work. */
export function placeForReplica(state: CoreState, version: number): Resource | undefined {
  const { self, registry } = state;
  if (self !== undefined && !registry.holds(version, self.row)) return self;
  return state.resources.find((one) => one.state === 'active' && !one.self && !registry.holds(version, one.row));
}

/** Once more, from whoever holds it now. */
export function orderAgain(state: CoreState, transfer: Transfer): void {
  state.transfers.set(keyOf(transfer.version, transfer.resource), transfer);
  emitTransfer(state, transfer);
}

/** The copy has come, or will not: the order is done with. Gives it so that the caller can draw the consequences. */
export function endTransfer(state: CoreState, version: number, resource: number): Transfer | undefined {
  const key = keyOf(version, resource);
  const transfer = state.transfers.get(key);
  if (transfer !== undefined) state.transfers.delete(key);
  return transfer;
}

export const transfersTo = (state: CoreState, resource: Resource): Transfer[] =>
  [...state.transfers.values()].filter((transfer) => transfer.resource === resource.row);

/** What was to be copied is about to change. */
export function dropTransfersOf(state: CoreState, version: number): void {
  for (const [key, transfer] of state.transfers) {
    if (transfer.version !== version) continue;
    state.transfers.delete(key);
    const to = state.resources[transfer.resource]!.id;
    state.effects.push({ type: 'cancel-transfer', version: state.versionId(version), to });
    if (transfer.kept) state.registry.unneed(version);
  }
}
