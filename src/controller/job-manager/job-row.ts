import type { Insertable, Selectable } from 'kysely';
import type { JobAction, JobStatus } from '../../contracts/icos/enums.ts';
import type { Placement } from '../../contracts/icos/target.ts';
import type { JobTable } from '../store/schema.ts';
import type { Condition, DriverId, GroupId, Job, JobId } from './job.ts';

export function jobOf(row: Selectable<JobTable>): Job {
  const { cluster, node, orchestrator } = row;
  return {
    id: row.id as JobId,
    groupId: row.group_id as GroupId,
    position: row.position,
    component: row.component,
    action: row.action as JobAction,
    subType: row.sub_type,
    status: row.status as JobStatus,
    owner: row.owner_id as DriverId | null,
    leaseUntil: row.lease_until,
    attempts: row.attempts,
    placement: cluster === '' ? null : { cluster, node, orchestrator },
    avoid: JSON.parse(row.avoid) as Placement[],
    needs: {
      cpuMillis: row.cpu_millis,
      memoryBytes: row.memory_bytes,
      devices: JSON.parse(row.devices) as string[],
    },
    namespace: row.namespace,
    manifests: JSON.parse(row.manifests) as string[],
    resource: {
      id: row.resource_id,
      uuid: row.resource_uuid,
      name: row.resource_name,
      updatedAt: row.resource_updated_at,
    },
    conditions: JSON.parse(row.conditions) as Condition[],
    matchDeadline: row.match_deadline,
    matchAt: row.match_at,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    version: row.version,
  };
}

export function rowOf(job: Job): Insertable<JobTable> {
  return {
    id: job.id,
    group_id: job.groupId,
    position: job.position,
    component: job.component,
    action: job.action,
    sub_type: job.subType,
    status: job.status,
    owner_id: job.owner,
    lease_until: job.leaseUntil,
    attempts: job.attempts,
    orchestrator: job.placement?.orchestrator ?? '',
    cluster: job.placement?.cluster ?? '',
    node: job.placement?.node ?? '',
    namespace: job.namespace,
    manifests: JSON.stringify(job.manifests),
    resource_id: job.resource.id,
    resource_uuid: job.resource.uuid,
    resource_name: job.resource.name,
    resource_updated_at: job.resource.updatedAt,
    conditions: JSON.stringify(job.conditions),
    match_deadline: job.matchDeadline,
    match_at: job.matchAt,
    avoid: JSON.stringify(job.avoid),
    cpu_millis: job.needs.cpuMillis,
    memory_bytes: job.needs.memoryBytes,
    devices: JSON.stringify(job.needs.devices),
    created_at: job.createdAt,
    updated_at: job.updatedAt,
    version: job.version,
  };
}
