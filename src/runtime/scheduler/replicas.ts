import { DURABLE, SHARED, UNHELD, WRITTEN } from '../graph/version-rows.ts';
import { NONE } from '../model/ids.ts';
import { reviewLeaving } from './attempts.ts';
import { doom, waitsForInputs } from './ends.ts';
import { dataLost } from './failures.ts';
import { versionName } from './names.ts';
import { demand, instanceLost, reviewInstance } from './recompute.ts';
import type { Resource } from './resources.ts';
import { releaseStuck } from './shared-groups.ts';
import type { CoreState } from './state.ts';
import { endTransfer, orderAgain, orderSafeCopy, placeForReplica, type Transfer, transfersTo } from './transfers.ts';
import { BLOCKED, READY } from './transitions.ts';
import { failWaits, forgetTransferForWaits, versionHere } from './wait-ends.ts';

/** Failed copies of one version in a row after which its holders are not believed any more. */
const MAX_STRIKES = 3;

/** A copy has come to a resource: ordered here, or pulled by an attempt there. */
export function replicaAdded(state: CoreState, version: number, resource: Resource, bytes: number): void {
  const { registry } = state;
  state.strikes.delete(version);
  const transfer = endTransfer(state, version, resource.row);
  // An attempt may have brought a version that is being written again, or an instance as it was.
  const usable =
    registry.isAlive(version) &&
    (registry.is(version, WRITTEN) ||
      isOpenHere(state, version, resource) ||
      isProvisional(state, version) ||
      (transfer !== undefined && isIdleInstance(state, version)));
  if (!usable) {
    if (!registry.holds(version, resource.row)) registry.frees.push(registry.versions.idOf(version), resource.row);
    if (transfer?.kept === true) registry.unneed(version);
    return;
  }
  registry.addHolder(version, resource.row);
  // The instance has moved: what is left behind would be read as if it were still the same.
  if (registry.isPending(version) && registry.is(version, SHARED)) moveInstance(state, version, resource);
  if (bytes > 0) registry.versions.bytes[version] = bytes;
  if (resource.self) versionHere(state, version);
  if (transfer !== undefined) transferDone(state, transfer);
}

/** Members of a CONCURRENT group work there on an instance that was elsewhere before. */
const isOpenHere = (state: CoreState, version: number, resource: Resource): boolean =>
  state.shared.get(version)?.resource === resource.row;

/** Nobody works on it: it may be copied away from a resource that leaves. */
const isIdleInstance = (state: CoreState, version: number): boolean => state.shared.get(version)?.running === 0;

function moveInstance(state: CoreState, version: number, resource: Resource): void {
  const { registry } = state;
  const group = state.shared.get(version);
  if (group !== undefined) {
    group.resource = resource.row;
    releaseStuck(state, group);
  }
  for (const other of registry.holdersOf(version)) if (other !== resource.row) registry.evict(version, other);
  reviewLeaving(state);
}

/** Some copies of a replicated task have made it, while others still run. */
const isProvisional = ({ registry }: CoreState, version: number): boolean =>
  registry.isPending(version) && !registry.is(version, SHARED) && registry.versions.holder[version] !== NONE;

function transferDone(state: CoreState, transfer: Transfer): void {
  const { registry } = state;
  if (transfer.cutsLineage) registry.dropProducer(transfer.version);
  if (!transfer.kept) return;
  registry.unneed(transfer.version);
  reviewLeaving(state);
}

/** A copy did not come: from other holders, or of the version written again. */
export function transferFailed(state: CoreState, version: number, to: Resource, reason: string): void {
  const { registry } = state;
  const transfer = endTransfer(state, version, to.row);
  const strikes = (state.strikes.get(version) ?? 0) + 1;
  state.strikes.set(version, strikes);
  if (transfer === undefined) state.missed.add(version);
  if (strikes >= MAX_STRIKES) disbelieveHolders(state, version, to);
  if (transfer === undefined) return;
  if (registry.isPending(version) || registry.isLost(version)) {
    if (transfer.kept) registry.unneed(version);
    demandIfNeeded(state, version);
  } else if (strikes < MAX_STRIKES) {
    orderAgain(state, transfer);
  } else {
    transferDone(state, { ...transfer, cutsLineage: false });
    failWaits(state, version, dataLost(versionName(state, version), 'its source', reason));
  }
}

/** What they are said to hold cannot be had: it counts as lost, but for what this agent holds itself. */
function disbelieveHolders(state: CoreState, version: number, to: Resource): void {
  const { registry } = state;
  state.strikes.delete(version);
  state.missed.delete(version);
  for (const holder of registry.holdersOf(version)) {
    if (holder !== registry.self && holder !== to.row) registry.evict(version, holder);
  }
  if (registry.isLost(version)) versionsLost(state, [version]);
}

export function replicaLost(state: CoreState, version: number, resource: Resource): void {
  if (!state.registry.removeHolder(version, resource.row)) return;
  afterHolderLost(state, version);
  const group = state.shared.get(version);
  if (group !== undefined) reviewInstance(state, group);
  else if (state.registry.isLost(version)) versionsLost(state, [version]);
}

function afterHolderLost(state: CoreState, version: number): void {
  const { registry } = state;
  if (registry.versions.holder[version] !== NONE) return;
  // What the shell can provide at any time it provides again.
  if (registry.is(version, DURABLE)) registry.versions.flags[version]! |= UNHELD;
}

/** The resource is gone with all that it held. */
export function holderGone(state: CoreState, resource: Resource): void {
  const { registry } = state;
  const { versions } = registry;
  const lost: number[] = [];
  for (let version = 0; version < versions.high; version++) {
    if (!versions.isUsed(version) || !registry.removeHolder(version, resource.row)) continue;
    afterHolderLost(state, version);
    if (registry.isLost(version)) lost.push(version);
  }
  for (const transfer of transfersTo(state, resource)) dropTransfer(state, transfer);
  for (const group of [...state.shared.values()]) {
    if (group.resource === resource.row && group.running === 0) instanceLost(state, group);
  }
  versionsLost(state, lost);
}

/** The copy will not be made. */
export function dropTransfer(state: CoreState, transfer: Transfer): void {
  endTransfer(state, transfer.version, transfer.resource);
  transferDone(state, { ...transfer, cutsLineage: false });
}

/** Ready tasks that read them are blocked again; what anybody needs is written again at once. */
function versionsLost(state: CoreState, lost: readonly number[]): void {
  const { registry, tasks } = state;
  const wanted = new Set(lost.filter((version) => registry.versions.needs[version]! > 0));
  for (const version of wanted) forgetTransferForWaits(state, version);
  if (wanted.size === 0) return;
  for (let task = 0; task < tasks.high; task++) {
    if (!tasks.isUsed(task) || tasks.status[task]! > READY || !readsOneOf(state, task, wanted)) continue;
    if (tasks.status[task] === READY && tasks.readyClass[task] !== NONE) {
      state.ready.remove(task);
      waitsForInputs(state, task);
    } else if (tasks.status[task] === BLOCKED) {
      awaitLost(state, task, wanted);
    }
  }
  for (const version of wanted) demandIfNeeded(state, version);
}

function readsOneOf(state: CoreState, task: number, wanted: ReadonlySet<number>): boolean {
  const { tasks, registry } = state;
  for (let position = 0; position < tasks.inputs[task]!; position++) {
    const version = tasks.input(task, position);
    if (version !== NONE && wanted.has(registry.resolve(version))) return true;
  }
  return (state.commuting.get(task) ?? []).some(({ group }) => wanted.has(registry.resolve(group.tail)));
}

/** A blocked task had one of them already and waits for it again. */
function awaitLost(state: CoreState, task: number, wanted: ReadonlySet<number>): void {
  const { tasks, registry, analysis } = state;
  for (let position = 0; position < tasks.inputs[task]!; position++) {
    const input = tasks.input(task, position);
    const version = input === NONE ? NONE : registry.resolve(input);
    const failure = version !== NONE && wanted.has(version) ? analysis.waitFor(task, version) : undefined;
    if (failure !== undefined) doom(state, task, failure);
  }
}

/** Waits for data need it even when no task reads it. */
export function demandIfNeeded(state: CoreState, version: number): void {
  if (state.versionWaits.has(version)) demand(state, version);
}

/** Versions that this resource alone holds and somebody may still want. Orders copies; gives how many are missing. */
export function saveUnique(state: CoreState, resource: Resource): number {
  const { registry } = state;
  const { versions } = registry;
  let missing = 0;
  for (let version = 0; version < versions.high; version++) {
    if (!versions.isUsed(version) || versions.holder[version] !== resource.row) continue;
    if (versions.moreHolders[version] !== NONE || !registry.isAlive(version)) continue;
    const to = placeForReplica(state, version);
    if (to === undefined) continue;
    missing += 1;
    // An instance that is being changed elsewhere will be fetched there, or stay as it is.
    if ((state.shared.get(version)?.running ?? 0) === 0) orderSafeCopy(state, version, to);
  }
  return missing;
}
