import type { DeploymentCondition, DeploymentState } from './driver.ts';

type Told = Omit<DeploymentCondition, 'lastTransitionTime'>;

/** Takes over what is said now; the time of a condition moves only when its status does. */
export function withConditions(
  before: readonly DeploymentCondition[],
  told: readonly Told[],
  at: number,
): readonly DeploymentCondition[] {
  const known = new Map(before.map((condition) => [condition.type, condition]));
  for (const condition of told) {
    const same = known.get(condition.type);
    const lastTransitionTime = same?.status === condition.status ? same.lastTransitionTime : new Date(at).toISOString();
    known.set(condition.type, { ...condition, lastTransitionTime });
  }
  return [...known.values()];
}

export const availableTold = (reason: string, message: string): readonly Told[] => [
  { type: 'Progressing', status: 'False', reason, message },
  { type: 'Available', status: 'True', reason, message },
  { type: 'Degraded', status: 'False', reason, message },
];

export const degradedTold = (reason: string, message: string): readonly Told[] => [
  { type: 'Progressing', status: 'False', reason, message },
  { type: 'Available', status: 'False', reason, message },
  { type: 'Degraded', status: 'True', reason, message },
];

/** Whether two states say the same, whenever they began to. */
export const saysTheSame = (a: DeploymentState | undefined, b: DeploymentState): boolean =>
  a !== undefined && JSON.stringify(a) === JSON.stringify(b);
