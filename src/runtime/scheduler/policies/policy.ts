import type { Durations } from '../durations.ts';
import type { ReadyClass } from '../ready-class.ts';
import type { Resource } from '../resources.ts';

/** What a policy may look at besides the candidate. */
export interface PolicyContext {
  readonly durations: Durations;
}

/**
 * Orders the queues of ready tasks, and ranks candidates: the least loaded resource of each class, those that hold data
 * of the task, and the agent itself. A resource without room is never a candidate while another has some.
 */
export interface PlacementPolicy {
  readonly name: string;
  /** Newest first. */
  readonly newestFirst: boolean;
  /** No overtaking: the first task of the first queue blocks all others. */
  readonly strict: boolean;
  /** Candidates that hold data of the task come first (100 x weight for each). */
  readonly locality: boolean;
  /** Higher is better. Compared after locality, before mean duration and load. */
  rank(context: PolicyContext, queue: ReadyClass, implementation: number, resource: Resource): number;
}

export const noRank = (): number => 0;
