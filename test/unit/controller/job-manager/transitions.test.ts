import { expect, it } from 'vitest';
import { RuntimeError } from '../../../../src/common/errors.ts';
import { apply } from '../../../../src/controller/job-manager/apply.ts';
import type { JobEvent } from '../../../../src/controller/job-manager/events.ts';
import { type Job, type Phase, phaseOf } from '../../../../src/controller/job-manager/job.ts';
import { TRANSITIONS } from '../../../../src/controller/job-manager/transitions.ts';
import { anUnmatchedJob, DRIVERS, EDGE, RULES } from '../../../support/jobs.ts';

const [driver, other] = DRIVERS as [(typeof DRIVERS)[number], (typeof DRIVERS)[number]];

/** Every kind of event, with every content that the model treats differently. */
function eventsAt(at: number): readonly JobEvent[] {
  const conditions = (['Available', 'Degraded'] as const).map((type) => ({
    type,
    status: 'True' as const,
    lastTransitionTime: '2024-01-01T00:00:00Z',
    reason: type,
    message: type,
  }));
  return [
    { at, type: 'matched', placement: EDGE },
    { at, type: 'match-missed', reason: 'none', nextAt: at + 100 },
    ...[driver, other].map((who): JobEvent => ({ at, type: 'claimed', driver: who })),
    { at, type: 'released', driver: null },
    ...(['created', 'progressing', 'finished', 'degraded'] as const).flatMap((status): JobEvent[] => [
      { at, type: 'reported', driver: null, status, resource: {} },
      { at, type: 'reported', driver: null, status, resource: { uuid: 'made' }, action: 'create' },
    ]),
    ...conditions.map((condition): JobEvent => ({ at, type: 'observed', resource: { conditions: [condition] } })),
    { at, type: 'undeployed' },
    ...[true, false].map(
      (rematch): JobEvent => ({
        at,
        type: 'replaced',
        manifests: ['kind: Job\n'],
        needs: anUnmatchedJob().needs,
        rematch,
      }),
    ),
    ...(['scale-up', 'reallocation'] as const).map(
      (remediation): JobEvent => ({ at, type: 'remediated', remediation }),
    ),
    { at, type: 'exhausted' },
  ];
}

/** What makes two jobs behave differently. Times count only from the last change on. */
const kindOf = (job: Job): string =>
  JSON.stringify([
    phaseOf(job),
    job.owner,
    job.leaseUntil === null ? null : job.leaseUntil > job.updatedAt,
    job.attempts,
    job.placement !== null,
    job.resource.uuid !== null,
    job.subType,
    job.matchDeadline !== null,
    job.conditions.map(({ type, reason }) => `${type}${reason}`).sort(),
  ]);

it('has no move that cannot happen, and makes none that is not in the table', () => {
  const seen = new Map<string, Job>();
  const moves = new Set<string>();
  const frontier: Job[] = [anUnmatchedJob()];
  for (let job = frontier.pop(); job !== undefined; job = frontier.pop()) {
    for (const wait of [1, RULES.leaseMs, 3 * RULES.leaseMs]) {
      for (const event of eventsAt(job.updatedAt + wait)) {
        const next = attempt(job, event);
        if (next === undefined || next === job) continue;
        if (phaseOf(job) !== phaseOf(next)) moves.add(`${phaseOf(job)} -> ${phaseOf(next)}`);
        const kind = kindOf(next);
        if (seen.has(kind)) continue;
        seen.set(kind, next);
        frontier.push(next);
      }
    }
  }
  const table = Object.entries(TRANSITIONS).flatMap(([from, targets]) =>
    (targets as readonly Phase[]).map((to) => `${from} -> ${to}`),
  );
  expect([...moves].sort()).toEqual(table.sort());
});

/** A refusal is an answer; a move outside the table is not. */
function attempt(job: Job, event: JobEvent): Job | undefined {
  try {
    return apply(job, event, RULES);
  } catch (thrown) {
    if (thrown instanceof RuntimeError && thrown.code === 'ERR_JOB_CONFLICT') return undefined;
    throw thrown;
  }
}
