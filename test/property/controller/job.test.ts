import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RuntimeError } from '../../../src/common/errors.ts';
import { apply } from '../../../src/controller/job-manager/apply.ts';
import { mayClaim } from '../../../src/controller/job-manager/claim-rule.ts';
import type { JobEvent } from '../../../src/controller/job-manager/events.ts';
import { type DriverId, type Job, phaseOf } from '../../../src/controller/job-manager/job.ts';
import { aJob, anUnmatchedJob, DRIVERS, EDGE, RULES } from '../../support/jobs.ts';

const RUNS = Number(process.env['MK_PROPERTY_RUNS'] ?? 500);

const driver = fc.constantFrom(...DRIVERS);
const status = fc.constantFrom('created' as const, 'progressing' as const, 'finished' as const, 'degraded' as const);
const resource = fc.record(
  { uuid: fc.constantFrom('uuid-1', 'uuid-2'), name: fc.constantFrom('name-1', 'name-2') },
  { requiredKeys: [] },
);

/** Claims and reports are most of what happens; the rest comes in between at the worst of times. */
const event = fc.oneof(
  { weight: 6, arbitrary: driver.map((who) => ({ type: 'claimed' as const, driver: who })) },
  {
    weight: 6,
    arbitrary: fc.record({
      type: fc.constant('reported' as const),
      driver: fc.option(driver),
      status,
      resource,
    }),
  },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('observed' as const), resource }) },
  { weight: 1, arbitrary: driver.map((who) => ({ type: 'released' as const, driver: who })) },
  { weight: 1, arbitrary: fc.constant({ type: 'undeployed' as const }) },
  { weight: 1, arbitrary: fc.constant({ type: 'exhausted' as const }) },
  { weight: 1, arbitrary: fc.constant({ type: 'matched' as const, placement: EDGE }) },
  {
    weight: 1,
    arbitrary: fc
      .integer({ min: 1, max: 500 })
      .map((wait) => ({ type: 'match-missed' as const, reason: 'none', nextAt: wait })),
  },
  {
    weight: 1,
    arbitrary: fc
      .boolean()
      .map((rematch) => ({ type: 'replaced' as const, manifests: ['kind: Job\n'], needs: aJob().needs, rematch })),
  },
  {
    weight: 1,
    arbitrary: fc
      .constantFrom('scale-up' as const, 'reallocation' as const, 'none' as const)
      .map((remediation) => ({ type: 'remediated' as const, remediation })),
  },
);
/** Steps of time around the lease, where the rules change. */
const step = fc.tuple(event, fc.constantFrom(0, 1, 10, RULES.leaseMs - 1, RULES.leaseMs, 3 * RULES.leaseMs));
const history = fc.tuple(fc.constantFrom(aJob(), anUnmatchedJob()), fc.array(step, { maxLength: 60 }));

function attempt(job: Job, happening: JobEvent): Job | undefined {
  try {
    return apply(job, happening, RULES);
  } catch (thrown) {
    if (thrown instanceof RuntimeError && thrown.code === 'ERR_JOB_CONFLICT') return undefined;
    throw thrown;
  }
}

function checkInvariants(job: Job): void {
  if (job.status === 'finished' || job.status === 'degraded') expect(job.leaseUntil).toBeNull();
  if (job.status === 'progressing') {
    expect(job.owner).not.toBeNull();
    expect(job.leaseUntil).not.toBeNull();
    expect(job.placement).not.toBeNull();
  }
  if (job.placement === null && phaseOf(job) !== 'delete-finished') {
    expect(job.action).toBe('create');
    expect(job.owner).toBeNull();
    expect(job.matchAt, 'an unmatched job is asked about again').not.toBeNull();
  }
  expect(job.attempts).toBeLessThanOrEqual(RULES.maxAttempts);
}

function run([first, steps]: readonly [Job, readonly (readonly [object, number])[]], visit: Visit): Job {
  let job = first;
  let at = 0;
  for (const [what, wait] of steps) {
    at += wait;
    const happening = { ...what, at } as JobEvent;
    const next = attempt(job, happening);
    visit(job, happening, next);
    job = next ?? job;
  }
  return job;
}
type Visit = (before: Job, happening: JobEvent, after: Job | undefined) => void;

describe('a job', () => {
  it('keeps its invariants, and counts every change', () => {
    fc.assert(
      fc.property(history, (told) => {
        run(told, (before, { at }, after) => {
          if (after === undefined || after === before) return;
          expect(after.version).toBe(before.version + 1);
          expect(after.updatedAt).toBe(at);
          checkInvariants(after);
        });
      }),
      { numRuns: RUNS },
    );
  });

  it('is worked on by one driver at a time, whoever claims it when', () => {
    fc.assert(
      fc.property(history, (told) => {
        run(told, (before, happening, after) => {
          if (happening.type !== 'claimed') return;
          const isHeld = before.leaseUntil !== null && before.leaseUntil > happening.at;
          expect(after !== undefined).toBe(mayClaim(before, happening.driver, happening.at, RULES));
          if (isHeld) expect(after).toBeUndefined();
          if (after === undefined) return;
          expect(after.owner).toBe(happening.driver);
          expect(after.leaseUntil).toBe(happening.at + RULES.leaseMs);
          for (const who of DRIVERS) expect(mayClaim(after, who, happening.at, RULES)).toBe(false);
        });
      }),
      { numRuns: RUNS },
    );
  });

  it('is changed by nobody but its owner', () => {
    fc.assert(
      fc.property(history, (told) => {
        run(told, (before, happening, after) => {
          if (happening.type !== 'reported' || happening.driver === null) return;
          if (before.owner !== happening.driver) expect(after).toBeUndefined();
        });
      }),
      { numRuns: RUNS },
    );
  });

  it('never comes back from a stop unless it is updated', () => {
    fc.assert(
      fc.property(history, (told) => {
        run(told, (before, happening, after) => {
          if (before.action !== 'delete' || after === undefined || after.action === 'delete') return;
          expect(happening.type).toBe('replaced');
          expect(before.status).toBe('finished');
        });
      }),
      { numRuns: RUNS },
    );
  });

  it('can always be stopped: a diligent driver ends it from wherever it stands', () => {
    fc.assert(
      fc.property(history, driver, (told, who) => {
        let job = run(told, () => undefined);
        let at = job.updatedAt;
        const happen = (what: object): void => {
          at += 2 * RULES.leaseMs;
          job = attempt(job, { ...what, at } as JobEvent) ?? job;
        };
        happen({ type: 'undeployed' });
        for (let round = 0; round < 3 && phaseOf(job) !== 'delete-finished'; round += 1) {
          if (mayClaim(job, who, at, RULES)) happen({ type: 'claimed', driver: who });
          else happen({ type: 'undeployed' });
          happen({
            type: 'reported',
            driver: job.owner as DriverId,
            status: 'finished',
            resource: {},
            action: 'delete',
          });
        }
        expect(phaseOf(job)).toBe('delete-finished');
      }),
      { numRuns: RUNS },
    );
  });
});
