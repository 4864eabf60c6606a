import type { DeployedResourceBody } from '../../contracts/icos/deployed-resource.ts';
import { type JobType, jobStateOf, jobTypeOf } from '../../contracts/icos/enums.ts';
import type { JobBody, JobGroupBody } from '../../contracts/icos/job.ts';
import type { TargetBody } from '../../contracts/icos/target.ts';
import { timeText } from './conditions.ts';
import type { Job } from './job.ts';
import type { JobGroup } from './job-group.ts';

const timesOf = (createdAt: number, updatedAt: number) => ({
  created_at: timeText(createdAt),
  updated_at: timeText(updatedAt),
});

export function groupBodyOf(group: JobGroup, jobs: readonly Job[]): JobGroupBody {
  const updatedAt = Math.max(group.updatedAt, ...jobs.map((job) => job.updatedAt));
  return {
    ...timesOf(group.createdAt, updatedAt),
    ID: group.id,
    appName: group.name,
    appDescription: group.description,
    jobs: jobs.map((job) => jobBodyOf(job, group.name)),
    ...(group.warnings.length === 0 ? {} : { warnings: [...group.warnings] }),
  };
}

export function jobBodyOf(job: Job, groupName: string): JobBody {
  const times = timesOf(job.createdAt, job.createdAt);
  return {
    ...timesOf(job.createdAt, job.updatedAt),
    ID: job.id,
    job_group_id: job.groupId,
    ...(job.owner === null ? {} : { owner_id: job.owner }),
    job_group_name: groupName,
    type: jobTypeOf(job.action, 'release') as JobType,
    ...(job.subType === '' ? {} : { sub_type: job.subType }),
    state: jobStateOf(job.status),
    manifests: job.manifests.map((yamlString, index) => ({ ...times, ID: index + 1, yamlString })),
    targets: targetOf(job),
    orchestrator: job.placement?.orchestrator ?? '',
    resource: resourceBodyOf(job),
    ...(job.namespace === '' ? {} : { namespace: job.namespace }),
    component: job.component,
    attempt: job.attempts,
  };
}

/** The target is always there; without a placement it names no cluster. Its number is the job's in its group. */
function targetOf(job: Job): TargetBody {
  const { placement } = job;
  return {
    ...timesOf(job.createdAt, job.createdAt),
    ID: job.position + 1,
    cluster_name: placement?.cluster ?? '',
    ...(placement === null || placement.node === '' ? {} : { node_name: placement.node }),
    orchestrator: placement?.orchestrator ?? '',
  };
}

export function resourceBodyOf(job: Job): DeployedResourceBody {
  const { resource } = job;
  const times = timesOf(job.createdAt, resource.updatedAt);
  return {
    ...times,
    ID: resource.id,
    job_id: job.id,
    ...(resource.uuid === null ? {} : { resource_uuid: resource.uuid }),
    resource_name: resource.name,
    conditions: job.conditions.map((condition, index) => ({ ...times, ID: index + 1, ...condition })),
  };
}
