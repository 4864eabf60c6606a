import { ResourceState } from '../../contracts/icos/enums.ts';
import type { Condition } from './job.ts';

export const timeText = (at: number): string => new Date(at).toISOString();

const created = (reason: string, message: string, at: number): Condition => ({
  type: ResourceState.Created,
  status: 'True',
  observedGeneration: 1,
  lastTransitionTime: timeText(at),
  reason,
  message,
});

/** With these two every job begins. */
export const initialConditions = (at: number): readonly Condition[] => [
  created('AwaitingForTarget', 'Waiting for the Target', at),
  created('AwaitingForExecution', 'Waiting an Orchestrator to take the Job', at),
];

/** The reason of conditions that say why there is no target. They go when there is one. */
const NO_TARGET = 'NoTarget';

export const withoutTarget = (
  conditions: readonly Condition[],
  why: string,
  at: number,
  givenUp: boolean,
): readonly Condition[] => [
  ...withTarget(conditions),
  {
    type: givenUp ? ResourceState.Degraded : ResourceState.Created,
    status: 'True',
    lastTransitionTime: timeText(at),
    reason: NO_TARGET,
    message: why,
  },
];

export const withTarget = (conditions: readonly Condition[]): readonly Condition[] =>
  conditions.filter((condition) => condition.reason !== NO_TARGET);

export const degradedBecause = (reason: string, message: string, at: number): Condition => ({
  type: ResourceState.Degraded,
  status: 'True',
  lastTransitionTime: timeText(at),
  reason,
  message,
});

/** More than any orchestrator has. Beyond it the oldest go. */
const MAX_CONDITIONS = 64;

/** What the orchestrator says now takes the place of what it said before under the same type. */
export function mergeConditions(known: readonly Condition[], observed: readonly Condition[]): readonly Condition[] {
  const latest = new Map(observed.map((condition) => [keyOf(condition), condition]));
  const kept = known.filter((condition) => !latest.has(keyOf(condition)));
  const merged = [...kept, ...latest.values()].slice(-MAX_CONDITIONS);
  return merged.length === known.length && merged.every((condition) => known.some((other) => isSame(condition, other)))
    ? known
    : merged;
}

/** Conditions of the job manager itself share one type; those of an orchestrator are one per type. */
const keyOf = ({ type, reason }: Condition): string => (type === ResourceState.Created ? `${type}/${reason}` : type);

const isSame = (a: Condition, b: Condition): boolean =>
  a.type === b.type &&
  a.status === b.status &&
  a.reason === b.reason &&
  a.message === b.message &&
  a.lastTransitionTime === b.lastTransitionTime &&
  a.observedGeneration === b.observedGeneration;

/** Whether what was deployed is well, as far as the conditions tell. */
export function healthOf(conditions: readonly Condition[]): 'finished' | 'degraded' | undefined {
  const last = (type: string): Condition | undefined => conditions.findLast((condition) => condition.type === type);
  if (last(ResourceState.Degraded)?.status === 'True') return 'degraded';
  const available = last(ResourceState.Available);
  if (available?.status === 'True') return 'finished';
  return available?.status === 'False' ? 'degraded' : undefined;
}
