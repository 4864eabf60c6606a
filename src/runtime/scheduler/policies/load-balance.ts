import type { PlacementPolicy } from './policy.ts';

/** The resource with the greatest share of free units, whatever its class and whatever data it holds. */
export const loadBalance: PlacementPolicy = {
  name: 'load-balance',
  newestFirst: false,
  strict: false,
  locality: false,
  rank: (_context, _queue, _implementation, resource) =>
    resource.cpus === 0 ? 0 : (resource.freeCpus - resource.queuedCpus) / resource.cpus,
};
