import { RuntimeError } from '../../../common/errors.ts';
import type { CoreOptions } from '../core.ts';
import { loadBalance } from './load-balance.ts';
import { noRank, type PlacementPolicy } from './policy.ts';
import { weighted } from './weighted.ts';

const plain = (name: string, more: Partial<PlacementPolicy> = {}): PlacementPolicy => ({
  name,
  newestFirst: false,
  strict: false,
  locality: false,
  rank: noRank,
  ...more,
});

const POLICIES: Readonly<Record<string, (options: CoreOptions) => PlacementPolicy>> = {
  fifo: () => plain('fifo'),
  'fifo-strict': () => plain('fifo-strict', { strict: true }),
  lifo: () => plain('lifo', { newestFirst: true }),
  locality: () => plain('locality', { locality: true }),
  'load-balance': () => loadBalance,
  weighted: (options) => weighted(options.weights ?? {}),
};

export const POLICY_NAMES = Object.keys(POLICIES);
const DEFAULT_POLICY = 'locality';

/** Names of COMPSs's schedulers (spec 5.1), without their common prefix; the multithreaded variants are the same here. */
const COMPSS_NAMES: Readonly<Record<string, string>> = {
  'components.impl.TaskScheduler': 'fifo',
  'scheduler.orderstrict.fifo.FifoTS': 'fifo-strict',
  'scheduler.lookahead.fifo.FifoTS': 'fifo',
  'scheduler.lookahead.lifo.LifoTS': 'lifo',
  'scheduler.lookahead.locality.LocalityTS': 'locality',
  'scheduler.lookahead.successors.fifo.FifoTS': 'fifo',
  'scheduler.lookahead.successors.lifo.LifoTS': 'lifo',
  'scheduler.lookahead.successors.locality.LocalityTS': 'locality',
  'scheduler.lookahead.successors.constraintsfifo.ConstraintsFifoTS': 'fifo',
  'scheduler.fullgraph.multiobjective.MOScheduler': 'weighted',
};
const COMPSS_PREFIX = 'es.bsc.compss.';

/** Throws ERR_CONFIG_INVALID for an unknown name. */
export function createPolicy(options: CoreOptions): PlacementPolicy {
  const name = options.policy ?? DEFAULT_POLICY;
  const ours = name.startsWith(COMPSS_PREFIX)
    ? COMPSS_NAMES[name.slice(COMPSS_PREFIX.length).replace('.lookahead.mt.', '.lookahead.')]
    : name;
  const create = ours === undefined ? undefined : POLICIES[ours];
  if (create === undefined) {
    const known = POLICY_NAMES.join(', ');
    throw new RuntimeError('ERR_CONFIG_INVALID', { key: 'scheduler', reason: `${name} is unknown. Known: ${known}` });
  }
  return create(options);
}
