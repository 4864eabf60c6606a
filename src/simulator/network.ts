import type { VersionId } from '../runtime/model/ids.ts';
import type { Pull, SimAttempt, SimNode } from './node.ts';

/** The links of a cluster: a transfer takes the sender's and the receiver's link one after the other, in order. */
export class Network {
  bytesMoved = 0;
  transfers = 0;

  /** Takes both links for a new transfer; gives the time at which it is over. */
  reserve(now: number, from: SimNode, to: SimNode, bytes: number): number {
    const start = Math.max(now, from.sendsUntil, to.receivesUntil);
    const end = start + bytes / Math.min(from.model.bandwidth, to.model.bandwidth);
    from.sendsUntil = end;
    to.receivesUntil = end;
    this.bytesMoved += bytes;
    this.transfers += 1;
    return end + Math.max(from.model.latencyMs, to.model.latencyMs);
  }
}

export function newPull(version: VersionId, from: SimNode, to: SimNode, bytes: number): Pull {
  return { version, to, from, bytes, waiters: [], isOrdered: false, isOver: false };
}

/** Of those that hold it, the one whose link is free first. */
export function nearest(holders: readonly SimNode[], to: SimNode, version: VersionId): SimNode | undefined {
  let best: SimNode | undefined;
  for (const holder of holders) {
    if (!holder.isAlive || holder === to || holder.bytesOf(version) === undefined) continue;
    if (best === undefined || holder.sendsUntil < best.sendsUntil) best = holder;
  }
  return best;
}

/** Inputs so small travel with the launch, and outputs with the report. */
export const INLINE_BYTES = 64 * 1024;

export const isWaiting = ({ state }: SimAttempt): boolean =>
  state === 'sent' || state === 'staging' || state === 'staged';
