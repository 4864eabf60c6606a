import { z } from 'zod';
import { goObject, rowId, stored } from './go-json.ts';

const shape = {
  ...stored,
  ID: rowId.default(0),
  cluster_name: z.string().max(253).default(''),
  node_name: z.string().max(253).optional(),
  orchestrator: z.string().max(63).default(''),
};

/** The released form: one object, present even when nothing matched (then `cluster_name` is empty). */
export const targetBody = goObject(shape);
export type TargetBody = z.output<typeof targetBody>;

/** The seed's form. */
export const it1TargetBody = goObject({
  id: rowId.default(0),
  JobID: z.string().optional(),
  cluster_name: z.string().max(253).default(''),
  node_name: z.string().max(253).default(''),
});
export type It1TargetBody = z.output<typeof it1TargetBody>;

/** Where a component goes, without the bookkeeping of either wire form. */
export interface Placement {
  readonly cluster: string;
  readonly node: string;
  readonly orchestrator: string;
}

/** Either shape of `targets`, as the peers send it: an object, an array, or nothing. */
export const targetsBody = z.union([targetBody, z.array(targetBody).max(1024)]);
export type TargetsBody = z.output<typeof targetsBody>;

/** The places in `targets`, whichever shape it has; an empty object is no place. */
export function placementsOf(targets: TargetsBody | undefined): readonly Placement[] {
  const list = targets === undefined ? [] : Array.isArray(targets) ? targets : [targets];
  return list
    .filter((target) => target.cluster_name !== '')
    .map((target) => ({
      cluster: target.cluster_name,
      node: target.node_name ?? '',
      orchestrator: target.orchestrator,
    }));
}
