/** What a component asks of a node, and what is promised to others already. Plain data: no wire form, no clock. */

import type { Requirements as DescribedRequirements } from '../../contracts/icos/descriptor/application.ts';

/** Of all replicas of the component together, since they go to one node. */
export interface Requirements extends DescribedRequirements {
  /** Least ScaScore, 0 to 100. */
  readonly minSecurity?: number;
  /** Kinds of orchestrator that can run it; absent: any. */
  readonly orchestrators?: readonly string[];
  /** Nodes that it must not go to, because it failed there or was taken away. */
  readonly avoid?: readonly { readonly cluster: string; readonly node: string }[];
}

/** Influence of each aim, 0 to 1 as users write them; what they leave of 1 goes to a tight fit. */
export interface Weights {
  readonly performance: number;
  readonly energy: number;
  readonly security: number;
}

export const NO_WEIGHTS: Weights = { performance: 0, energy: 0, security: 0 };

/** `spread`: on as many nodes as there are; `pack`: on as few as possible. */
export type Arrangement = 'spread' | 'pack' | 'free';
export type PolicyName = 'best-fit' | 'first-fit';

export interface Component {
  readonly name: string;
  readonly requirements: Requirements;
  readonly weights?: Weights;
}

/** Capacity promised to a job. */
export interface Reservation {
  readonly cluster: string;
  readonly node: string;
  readonly cpuMillis: number;
  readonly memoryBytes: number;
  readonly devices: readonly string[];
  /** Whether the job runs: its memory is then missing from the node's measured free memory already. */
  readonly running: boolean;
}

export interface PlacementRequest {
  readonly components: readonly Component[];
  readonly policy: PolicyName;
  readonly arrangement: Arrangement;
}

/** The kinds of requirement, in the order in which a node's reasons are told. */
export const REQUIREMENT_KINDS = [
  'orchestrator',
  'architecture',
  'cpu',
  'memory',
  'devices',
  'nodelabel',
  'security',
  'avoided',
] as const;
export type RequirementKind = (typeof REQUIREMENT_KINDS)[number];
