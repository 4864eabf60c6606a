import type { Logger } from '../../common/logger.ts';
import type { Database } from '../store/database.ts';
import type { JobRules } from './apply.ts';
import type { ChangeFeed } from './change-feed.ts';
import type { Matchmaker } from './matchmaker.ts';

export interface JobManagerSettings extends JobRules {
  /** How often the matchmaker is asked again about a job without a target. */
  readonly rematchMs: number;
  /** How long the answer to an idempotency key is remembered. */
  readonly idempotencyMs: number;
  /** How often the work that no request asks for is looked for: rematching, deadlines, the outbox. */
  readonly sweepMs: number;
  /** How often watchers look for changes that another job manager wrote. */
  readonly watchMs: number;
  /** Errors with the statuses of the released job manager, for clients that depend on them. */
  readonly originalStatuses: boolean;
  readonly now: () => number;
}

export const JOB_MANAGER_DEFAULTS: JobManagerSettings = {
  leaseMs: 300_000,
  maxAttempts: 10,
  matchDeadlineMs: 60_000,
  rematchMs: 15_000,
  idempotencyMs: 24 * 3_600_000,
  sweepMs: 1000,
  watchMs: 500,
  originalStatuses: false,
  now: Date.now,
};

/** What the operations of the job manager work with. */
export interface JobManager {
  readonly database: Database;
  readonly settings: JobManagerSettings;
  readonly matchmaker: Matchmaker;
  readonly changes: ChangeFeed;
  /** Whether a policy manager is to be told what happens to deployments. */
  readonly tellsPolicyManager: boolean;
  readonly logger: Logger;
  /** Something is due: do not wait for the next round. */
  readonly wake: () => void;
}
