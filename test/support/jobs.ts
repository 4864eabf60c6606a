import { initialConditions } from '../../src/controller/job-manager/conditions.ts';
import { JOB_MANAGER_DEFAULTS } from '../../src/controller/job-manager/context.ts';
import type { DriverId, GroupId, Job, JobId } from '../../src/controller/job-manager/job.ts';

export const RULES = { ...JOB_MANAGER_DEFAULTS, leaseMs: 1000, maxAttempts: 3, matchDeadlineMs: 500 };
export const DRIVERS = ['driver-a', 'driver-b', 'driver-c'] as unknown as readonly DriverId[];
export const EDGE = { cluster: 'icos-cluster-b', node: 'icosedge', orchestrator: 'ocm' };

/** A job as it is created for a component that has a target. */
export const aJob = (changes: Partial<Job> = {}): Job => ({
  id: 'job' as JobId,
  groupId: 'group' as GroupId,
  position: 0,
  component: 'ffmpeg',
  action: 'create',
  subType: '',
  status: 'created',
  owner: null,
  leaseUntil: null,
  attempts: 0,
  placement: EDGE,
  avoid: [],
  needs: { cpuMillis: 500, memoryBytes: 1024, devices: [] },
  namespace: 'app',
  manifests: ['kind: Pod\n'],
  resource: { id: 'resource', uuid: null, name: 'ffmpeg', updatedAt: 0 },
  conditions: initialConditions(0),
  matchDeadline: null,
  matchAt: null,
  createdAt: 0,
  updatedAt: 0,
  version: 1,
  ...changes,
});

export const anUnmatchedJob = (): Job => aJob({ placement: null, matchAt: 100, matchDeadline: 500 });
