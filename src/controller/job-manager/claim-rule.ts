import type { DriverId, Job } from './job.ts';

export interface ClaimRule {
  /** How long a driver has a job to itself, from its last sign of life. */
  readonly leaseMs: number;
  /** Claims of one action before it is given up. */
  readonly maxAttempts: number;
}

/**
 * Whether `driver` may take the job now. The released rule is the special case of the lines marked a to d; beyond it,
 * an owner may take its own job again once its lease has ended, replacements are executed, and nothing is tried for
 * ever. The seed's rule is the same with lines a and b alone, read as "last updated more than 300 seconds ago": taken
 * literally ("less than") it would hand a job to a second driver while the first is at work.
 */
export function mayClaim(job: Job, driver: DriverId, now: number, rule: ClaimRule): boolean {
  if (job.placement === null || job.status === 'finished') return false;
  if (job.leaseUntil !== null && job.leaseUntil > now) return false;
  if (job.attempts >= rule.maxAttempts) return false;
  const isQuiet = job.updatedAt <= now - rule.leaseMs;
  if (job.status === 'degraded') return isQuiet; // b
  if (job.owner === null) return true; // a
  return job.owner === driver || isQuiet; // c, d; b
}
