/**
 * Enumerations of the job manager. Inside, they are lower-case words; on the wire they are the integers below.
 *
 * Job types begin at 5 because both families share one numbering with the job states, and the two generations give the
 * numbers 6 and 7 different meanings. Never compare a number without knowing its generation.
 */
export const Generation = { it1: 'it1', release: 'release' } as const;
export type Generation = (typeof Generation)[keyof typeof Generation];

export const JobType = {
  CreateDeployment: 5,
  DeleteDeployment: 6,
  UpdateDeployment: 7,
  ReplaceDeployment: 8,
} as const;
export type JobType = (typeof JobType)[keyof typeof JobType];

/** The seed's family; 8 and 9 came with the versions between the seed and the release. */
export const It1JobType = {
  CreateDeployment: 5,
  GetDeployment: 6,
  DeleteDeployment: 7,
  Recovery: 8,
  CreateNamespace: 9,
} as const;
export type It1JobType = (typeof It1JobType)[keyof typeof It1JobType];

/** 3 is called Available by the seed and Finished by the release. */
export const JobState = { Created: 1, Progressing: 2, Finished: 3, Degraded: 4 } as const;
export type JobState = (typeof JobState)[keyof typeof JobState];

export type JobAction = 'create' | 'delete' | 'update' | 'replace';
export type JobStatus = 'created' | 'progressing' | 'finished' | 'degraded';

const ACTION_CODES = {
  release: {
    create: JobType.CreateDeployment,
    delete: JobType.DeleteDeployment,
    update: JobType.UpdateDeployment,
    replace: JobType.ReplaceDeployment,
  },
  // The seed knows no remediation and no replacement: a remediation is nearest to a recovery, and replacing is creating anew.
  it1: {
    create: It1JobType.CreateDeployment,
    delete: It1JobType.DeleteDeployment,
    update: It1JobType.Recovery,
    replace: It1JobType.CreateDeployment,
  },
} as const satisfies Record<Generation, Record<JobAction, number>>;

export const jobTypeOf = (action: JobAction, generation: Generation): number => ACTION_CODES[generation][action];

/** Undefined when the number has no meaning in that generation, or (Get, CreateNamespace) none that is an action here. */
export function jobActionOf(type: number, generation: Generation): JobAction | undefined {
  const codes = ACTION_CODES[generation];
  return (['create', 'delete', 'update', 'replace'] as const).find((action) => codes[action] === type);
}

const STATUS_CODES = {
  created: JobState.Created,
  progressing: JobState.Progressing,
  finished: JobState.Finished,
  degraded: JobState.Degraded,
} as const satisfies Record<JobStatus, JobState>;

export const jobStateOf = (status: JobStatus): JobState => STATUS_CODES[status];

export function jobStatusOf(state: number): JobStatus | undefined {
  return (Object.keys(STATUS_CODES) as JobStatus[]).find((status) => STATUS_CODES[status] === state);
}

/**
 * `sub_type` of an update job. The first six are the job manager's own words, the last three the policy manager's.
 */
export const Remediation = {
  ScaleUp: 'scale-up',
  ScaleDown: 'scale-down',
  ScaleOut: 'scale-out',
  ScaleIn: 'scale-in',
  Patch: 'patch',
  Reallocation: 'reallocation',
  Migrate: 'migrate',
  Redeploy: 'redeploy',
  None: 'none',
} as const;
export type Remediation = (typeof Remediation)[keyof typeof Remediation];

/** `type` of a condition. */
export const ResourceState = {
  Created: 'Created',
  Progressing: 'Progressing',
  Applied: 'Applied',
  Available: 'Available',
  Degraded: 'Degraded',
} as const;
export type ResourceState = (typeof ResourceState)[keyof typeof ResourceState];

export const ConditionStatus = { True: 'True', False: 'False', Unknown: 'Unknown' } as const;
export type ConditionStatus = (typeof ConditionStatus)[keyof typeof ConditionStatus];

/** Kinds of deployment driver. `process` is this project's own; the empty string means "no target yet". */
export const Orchestrator = { Ocm: 'ocm', Nuvla: 'nuvla', Kubernetes: 'kubernetes', Process: 'process' } as const;
export type Orchestrator = (typeof Orchestrator)[keyof typeof Orchestrator];
export const ORCHESTRATORS: readonly Orchestrator[] = Object.values(Orchestrator);

export const isOrchestrator = (value: string): value is Orchestrator =>
  (ORCHESTRATORS as readonly string[]).includes(value);
