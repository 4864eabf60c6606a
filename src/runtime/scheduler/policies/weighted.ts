import type { Implementation } from '../../model/core-element.ts';
import type { Need } from '../constraints.ts';
import type { CoreOptions } from '../core.ts';
import type { Resource } from '../resources.ts';
import type { PlacementPolicy } from './policy.ts';

/** COMPSs's figures for what is not known (spec 3.8, 5.3). */
const UNKNOWN_MS = 100;
const DEFAULT_WATTS = 1;
const MS_PER_HOUR = 3_600_000;

/** Milliseconds of the attempt there: faster processors shorten it. Known speeds are taken against 1 GHz. */
function milliseconds(resource: Resource, mean: number): number {
  const speeds = resource.description.processors.flatMap((one) =>
    one.type === 'CPU' && one.speed !== undefined ? [one.speed] : [],
  );
  const speed = speeds.length === 0 ? 1 : Math.max(...speeds);
  return (Number.isNaN(mean) ? UNKNOWN_MS : mean) / speed;
}

/** The share of the node that the attempt takes. */
const share = (resource: Resource, need: Need): number =>
  resource.cpus === 0 ? 1 : Math.min(1, need.cpus / resource.cpus);

function price(implementation: Implementation, resource: Resource, need: Need, ms: number): number {
  const perHour = resource.description.pricePerHour ?? 0;
  return (implementation.price ?? 0) + (perHour * share(resource, need) * ms) / MS_PER_HOUR;
}

/** Joules. */
function energy(implementation: Implementation, resource: Resource, need: Need, ms: number): number {
  const idle = (resource.description.idlePowerWatts ?? 0) * share(resource, need);
  return ((implementation.power ?? DEFAULT_WATTS) + idle) * (ms / 1000);
}

/** Least weighted sum of time (ms), cost and energy (J): what COMPSs's multi-objective scheduler optimises. */
export function weighted(weights: NonNullable<CoreOptions['weights']>): PlacementPolicy {
  const { time = 1, cost = 0, energy: power = 0 } = weights;
  return {
    name: 'weighted',
    newestFirst: false,
    strict: false,
    locality: false,
    rank: ({ durations }, queue, index, resource) => {
      const need = queue.needs[index]!;
      const implementation = queue.implementations[index]!;
      const ms = milliseconds(resource, durations.mean(queue.core, index));
      return -(
        time * ms +
        cost * price(implementation, resource, need, ms) +
        power * energy(implementation, resource, need, ms)
      );
    },
  };
}
