import { RuntimeError } from '../../common/errors.ts';
import type { Logger } from '../../common/logger.ts';
import type { Authenticator } from '../iam/authenticator.ts';
import type { Peer } from '../service/peer.ts';
import type { Database } from '../store/database.ts';
import { dueEntries, leaseEntry, type OutboxEntry, postponeEntry, removeEntry } from './outbox.ts';

export interface DeliveryDependencies {
  readonly database: Database;
  readonly peers: ReadonlyMap<string, Peer>;
  readonly authenticator: Authenticator;
  readonly logger: Logger;
  readonly now: () => number;
}

const BATCH = 64;
const PARALLEL = 8;
/** Longer than a call may take; a job manager that died while it delivered is relieved after this. */
const LEASE_MS = 30_000;
const FIRST_DELAY_MS = 1000;
const LONGEST_DELAY_MS = 60_000;
/** Refusals that may be over the next time. */
const PASSING = new Set([401, 403, 408, 425, 429]);

/** Makes the calls that are due, until none is left. A call may arrive twice, never not at all, and in its order. */
export async function deliverAll(dependencies: DeliveryDependencies): Promise<void> {
  for (;;) {
    const due = await dueEntries(dependencies.database.query, dependencies.now(), BATCH);
    if (due.length === 0) return;
    let delivered = 0;
    for (let index = 0; index < due.length; index += PARALLEL) {
      const results = await Promise.all(
        due.slice(index, index + PARALLEL).map((entry) => deliver(dependencies, entry)),
      );
      delivered += results.filter(Boolean).length;
    }
    if (delivered === 0) return;
  }
}

async function deliver(dependencies: DeliveryDependencies, entry: OutboxEntry): Promise<boolean> {
  const { database, logger, now } = dependencies;
  if (!(await leaseEntry(database.query, entry, now(), LEASE_MS))) return false;
  const problem = await attempt(dependencies, entry);
  if (problem === undefined) {
    await removeEntry(database.query, entry);
    return true;
  }
  if (problem.isFinal) {
    logger.error(
      { peer: entry.peer, path: entry.path, stream: entry.stream, reason: problem.reason },
      'a call was refused for good',
    );
    await removeEntry(database.query, entry);
    return true;
  }
  const delay = Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** entry.attempts);
  await postponeEntry(database.query, entry, now() + delay, problem.reason);
  return false;
}

interface Problem {
  readonly reason: string;
  readonly isFinal: boolean;
}

async function attempt(dependencies: DeliveryDependencies, entry: OutboxEntry): Promise<Problem | undefined> {
  const peer = dependencies.peers.get(entry.peer);
  if (peer === undefined) return { reason: `no address is configured for ${entry.peer}`, isFinal: false };
  try {
    const token = await dependencies.authenticator.serviceToken();
    const { method, path } = entry;
    const { status, text } = await peer.call({ method, path, body: JSON.parse(entry.body), token });
    if (status >= 200 && status < 300) return undefined;
    const isFinal = status >= 400 && status < 500 && !PASSING.has(status);
    return { reason: `status ${status}: ${text.slice(0, 200)}`, isFinal };
  } catch (thrown) {
    if (thrown instanceof RuntimeError) return { reason: thrown.message, isFinal: false };
    throw thrown;
  }
}
