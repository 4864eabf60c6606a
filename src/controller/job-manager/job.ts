import type { Brand } from '../../common/brand.ts';
import type { JobAction, JobStatus } from '../../contracts/icos/enums.ts';
import type { Placement } from '../../contracts/icos/target.ts';

export type JobId = Brand<string, 'JobId'>;
export type GroupId = Brand<string, 'GroupId'>;
/** Identity of a deployment driver: for OCM the UID of its hub. */
export type DriverId = Brand<string, 'DriverId'>;

/** Where a job stands: what is to be done, and how far that is. */
export type Phase = `${JobAction}-${JobStatus}`;

export interface Condition {
  readonly type: string;
  readonly status: 'True' | 'False' | 'Unknown';
  readonly observedGeneration?: number;
  /** RFC 3339. */
  readonly lastTransitionTime: string;
  readonly reason: string;
  readonly message: string;
}

/** What the driver made of the job. Until it says so there is only the component's name. */
export interface DeployedResource {
  readonly id: string;
  readonly uuid: string | null;
  readonly name: string;
  readonly updatedAt: number;
}

/** One component of an application on one target. Immutable: `apply` gives the next one. */
export interface Job {
  readonly id: JobId;
  readonly groupId: GroupId;
  readonly position: number;
  readonly component: string;
  readonly action: JobAction;
  /** The remediation of an update; empty otherwise. */
  readonly subType: string;
  readonly status: JobStatus;
  /** The driver that has or had it: the one that must undo what it did. */
  readonly owner: DriverId | null;
  /** Until when somebody works on it, and nobody may take it; null when nobody does. */
  readonly leaseUntil: number | null;
  /** How often it was claimed for the present action. */
  readonly attempts: number;
  /** Null while no node fits. */
  readonly placement: Placement | null;
  /** Where it must not go again. */
  readonly avoid: readonly Placement[];
  readonly needs: Needs;
  readonly namespace: string;
  readonly manifests: readonly string[];
  readonly resource: DeployedResource;
  readonly conditions: readonly Condition[];
  readonly matchDeadline: number | null;
  readonly matchAt: number | null;
  readonly createdAt: number;
  readonly updatedAt: number;
  /** Grows with every write; a write that does not know the last one is refused. */
  readonly version: number;
}

/** What the job takes of its node: told to the matchmaker as a reservation. */
export interface Needs {
  readonly cpuMillis: number;
  readonly memoryBytes: number;
  readonly devices: readonly string[];
}

export const phaseOf = (job: Pick<Job, 'action' | 'status'>): Phase => `${job.action}-${job.status}`;

/** Nobody ever worked on it: there is nothing to undo. */
export const isUntouched = (job: Job): boolean => job.owner === null && job.resource.uuid === null;
