/** How deployments and jobs look to people. */
import { JobState, JobType, jobActionOf } from '../../contracts/icos/enums.ts';
import type { JobBody, JobGroupBody } from '../../contracts/icos/job.ts';
import { placementsOf } from '../../contracts/icos/target.ts';
import { table } from '../format.ts';

const STATES: Readonly<Record<number, string>> = {
  [JobState.Created]: 'Created',
  [JobState.Progressing]: 'Progressing',
  [JobState.Finished]: 'Finished',
  [JobState.Degraded]: 'Degraded',
};

const isStopped = (job: JobBody): boolean => job.type === JobType.DeleteDeployment && job.state === JobState.Finished;

export function stateOfJob(job: JobBody): string {
  if (isStopped(job)) return 'Stopped';
  const state = STATES[job.state ?? 0] ?? 'Unknown';
  const action = job.type === undefined ? undefined : jobActionOf(job.type, 'release');
  return action === 'delete' ? `Stopping, ${state}` : action === 'update' ? `Updating, ${state}` : state;
}

/** Of a whole deployment: the worst of its jobs. */
export function stateOf({ jobs }: JobGroupBody): string {
  const all = jobs ?? [];
  if (all.every(isStopped)) return 'Stopped';
  const has = (state: number): boolean => all.some((job) => job.state === state);
  if (has(JobState.Degraded)) return 'Degraded';
  if (has(JobState.Progressing)) return 'Progressing';
  return has(JobState.Created) ? 'Created' : 'Finished';
}

/** Nothing is under way any more. What is degraded may still recover, but nobody can say when. */
export const isSettled = (group: JobGroupBody): boolean =>
  (group.jobs ?? []).every(({ state }) => state === JobState.Finished || state === JobState.Degraded);

/** Why a job is as it is: the trouble, else what it came to, else what was said last. */
export function reasonOf(job: JobBody): string {
  // What was said of something that is gone is no longer true.
  if (isStopped(job)) return '';
  const conditions = job.resource?.conditions ?? [];
  const told = ['Degraded', 'Available', 'Progressing'].map((type) =>
    conditions.findLast((condition) => condition.type === type && condition.status === 'True'),
  );
  return (told.find((condition) => condition !== undefined) ?? conditions.at(-1))?.message ?? '';
}

export function placeOf(job: JobBody): string {
  const [place] = placementsOf(job.targets);
  if (place === undefined) return '-';
  return place.node === '' ? place.cluster : `${place.cluster}/${place.node}`;
}

export function deploymentTable(groups: readonly JobGroupBody[]): string {
  if (groups.length === 0) return 'no deployments';
  return table(
    ['ID', 'NAME', 'STATE', 'JOBS', 'CREATED'],
    groups.map((group) => {
      const jobs = group.jobs ?? [];
      const done = jobs.filter((job) => job.state === JobState.Finished).length;
      return [group.ID, group.appName, stateOf(group), `${done}/${jobs.length}`, shortTime(group.created_at)];
    }),
  );
}

export function deploymentText(group: JobGroupBody): string {
  const head = [`${group.appName}  ${group.ID}  ${stateOf(group)}`];
  const warnings = (group.warnings ?? []).map((warning) => `warning: ${warning}`);
  return [...head, ...warnings, jobTable(group.jobs ?? [])].join('\n');
}

/** A message of several lines keeps its first in the table; the whole of it is in `jobs get`. */
export function jobTable(jobs: readonly JobBody[]): string {
  if (jobs.length === 0) return 'no jobs';
  return table(
    ['JOB', 'COMPONENT', 'STATE', 'WHERE', 'BY', 'WHY'],
    jobs.map((job) => [
      job.ID,
      job.component ?? '',
      stateOfJob(job),
      placeOf(job),
      job.orchestrator === '' ? '-' : job.orchestrator,
      reasonOf(job).split('\n', 1)[0] ?? '',
    ]),
  );
}

export function jobText(job: JobBody): string {
  const conditions = (job.resource?.conditions ?? []).map(
    ({ type, status, reason, message, lastTransitionTime }) =>
      `  ${shortTime(lastTransitionTime)}  ${type}=${status}  ${reason}: ${message.replaceAll('\n', '\n    ')}`,
  );
  return [
    `${job.component ?? ''}  ${job.ID}  ${stateOfJob(job)}`,
    `deployment ${job.job_group_name} (${job.job_group_id}), at ${placeOf(job)} by ${job.orchestrator || '-'}`,
    ...conditions,
  ].join('\n');
}

export const shortTime = (text: string): string => text.replace('T', ' ').slice(0, 19);
