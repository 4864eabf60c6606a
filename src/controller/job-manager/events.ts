import type { JobAction, JobStatus, Remediation } from '../../contracts/icos/enums.ts';
import type { Placement } from '../../contracts/icos/target.ts';
import type { Condition, DriverId, Needs } from './job.ts';

/** What a driver says about what it deployed; absent members say nothing. */
export interface ResourceReport {
  readonly uuid?: string;
  readonly name?: string;
  readonly conditions?: readonly Condition[];
}

/** Everything that can happen to a job. Each carries the time at which it did: the model reads no clock. */
export type JobEvent = { readonly at: number } & (
  | { readonly type: 'matched'; readonly placement: Placement }
  | { readonly type: 'match-missed'; readonly reason: string; readonly nextAt: number }
  | { readonly type: 'claimed'; readonly driver: DriverId }
  /** The driver gives it back undone. */
  | { readonly type: 'released'; readonly driver: DriverId | null }
  /** `action` is what the driver was doing when it wrote: what it says of another action is late. */
  | {
      readonly type: 'reported';
      readonly driver: DriverId | null;
      readonly action?: JobAction;
      readonly status: JobStatus;
      readonly resource: ResourceReport;
      readonly attempt?: number;
    }
  | { readonly type: 'observed'; readonly resource: ResourceReport }
  | { readonly type: 'undeployed' }
  | {
      readonly type: 'replaced';
      readonly manifests: readonly string[];
      readonly needs: Needs;
      readonly rematch: boolean;
    }
  | { readonly type: 'remediated'; readonly remediation: Remediation }
  /** Claimed as often as is allowed, and the last lease has ended. */
  | { readonly type: 'exhausted' }
);

export type JobEventType = JobEvent['type'];
