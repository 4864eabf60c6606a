import type { Query } from '../store/database.ts';
import type { JobEventTable } from '../store/schema.ts';
import type { JobEvent } from './events.ts';
import type { Job, JobId } from './job.ts';
import { phaseOf } from './job.ts';

/** One line of a job's story. */
export interface StoryLine {
  readonly at: number;
  readonly event: string;
  readonly from: string;
  readonly to: string;
  readonly detail: string;
}

export interface Told {
  readonly before: Job | undefined;
  readonly after: Job;
  readonly event: JobEvent['type'] | 'created';
  readonly detail: string;
}

/** What is worth telling: moves, and new targets. Signs of life and repeated conditions are not. */
const isWorthTelling = ({ before, after }: Told): boolean =>
  before === undefined || phaseOf(before) !== phaseOf(after) || before.placement !== after.placement;

export async function tell(query: Query, told: readonly Told[]): Promise<void> {
  const lines = storyRows(told);
  if (lines.length > 0) await query.insertInto('job_events').values(lines).execute();
}

export const storyRows = (told: readonly Told[]): JobEventTable[] =>
  told.filter(isWorthTelling).map(({ before, after, event, detail }) => ({
    id: `${after.id}.${after.version}`,
    job_id: after.id,
    group_id: after.groupId,
    version: after.version,
    at: after.updatedAt,
    event,
    from_phase: before === undefined ? '' : phaseOf(before),
    to_phase: phaseOf(after),
    detail,
  }));

/** The first line of the story of each new job. */
export const firstLines = (jobs: readonly Job[]): readonly Told[] =>
  jobs.map((after) => ({ before: undefined, after, event: 'created' as const, detail: placeOf(after) }));

const placeOf = ({ placement, conditions }: Job): string =>
  placement === null
    ? (conditions.at(-1)?.message ?? '')
    : `for ${placement.node} in ${placement.cluster} (${placement.orchestrator})`;

const MAX_LINES = 1000;

export async function storyOf(query: Query, id: JobId): Promise<readonly StoryLine[]> {
  const rows = await query
    .selectFrom('job_events')
    .selectAll()
    .where('job_id', '=', id)
    .orderBy('version')
    .limit(MAX_LINES)
    .execute();
  return rows.map((row) => ({
    at: row.at,
    event: row.event,
    from: row.from_phase,
    to: row.to_phase,
    detail: row.detail,
  }));
}

/** The event in words. */
export function detailOf(event: JobEvent, after: Job): string {
  switch (event.type) {
    case 'matched':
      return `to ${event.placement.node} in ${event.placement.cluster} (${event.placement.orchestrator})`;
    case 'match-missed':
      return event.reason;
    case 'claimed':
      return `by ${event.driver}, attempt ${after.attempts}`;
    case 'reported':
    case 'observed':
      return after.conditions.at(-1)?.message ?? '';
    case 'remediated':
      return event.remediation;
    case 'released':
    case 'undeployed':
    case 'replaced':
    case 'exhausted':
      return '';
  }
}
