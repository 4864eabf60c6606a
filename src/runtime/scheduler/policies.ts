import { RuntimeError } from '../../common/errors.ts';
import { holds } from '../data/registry.ts';
import { NONE } from '../model/ids.ts';
import type { CoreOptions } from './core.ts';
import type { Resource } from './resources.ts';
import type { CoreState } from './state.ts';

/** Orders queues, and ranks the resources that could take a task now. */
export interface PlacementPolicy {
  readonly name: string;
  /** Newest first. */
  readonly newestFirst: boolean;
  /** The head of the oldest queue blocks all others. */
  readonly strict: boolean;
  /** Higher is better; ties go to the resource that joined first. */
  score(state: CoreState, task: number, implementation: number, resource: Resource): number;
}

const LOCAL_WEIGHT = 100;
/** A bonus below anything that data or load weighs (spec: the agent itself has +1). */
const SELF_BONUS = 1;

const freeShare = (resource: Resource): number => (resource.cpus === 0 ? 0 : resource.freeCpus / resource.cpus);
const self = (resource: Resource): number => (resource.self ? SELF_BONUS : 0);

function locality(state: CoreState, task: number, resource: Resource): number {
  const { accesses } = state.tasks.spec[task]!;
  let score = 0;
  for (let position = 0; position < accesses.length; position++) {
    const version = state.tasks.input(task, position);
    if (version !== NONE && holds(state, version, resource.row))
      score += LOCAL_WEIGHT * (accesses[position]!.weight ?? 1);
  }
  return score;
}

const plain = (
  name: string,
  score: PlacementPolicy['score'],
  newestFirst = false,
  strict = false,
): PlacementPolicy => ({
  name,
  newestFirst,
  strict,
  score,
});

function weighted(weights: NonNullable<CoreOptions['weights']>): PlacementPolicy {
  const { time = 1, cost = 0, energy = 0 } = weights;
  return plain('weighted', (state, task, implementation, resource) => {
    const chosen = state.elements[state.tasks.core[task]!]!.implementations[implementation];
    const price = chosen?.price ?? resource.description.pricePerHour ?? 0;
    const power = chosen?.power ?? resource.description.idlePowerWatts ?? 0;
    return time * (locality(state, task, resource) + freeShare(resource)) - cost * price - energy * power;
  });
}

const POLICIES: Readonly<Record<string, (options: CoreOptions) => PlacementPolicy>> = {
  fifo: () => plain('fifo', (_state, _task, _implementation, resource) => self(resource)),
  lifo: () => plain('lifo', (_state, _task, _implementation, resource) => self(resource), true),
  'strict-fifo': () => plain('strict-fifo', (_state, _task, _implementation, resource) => self(resource), false, true),
  locality: () =>
    plain(
      'locality',
      (state, task, _implementation, resource) =>
        locality(state, task, resource) + freeShare(resource) + self(resource) / 2,
    ),
  'load-balance': () =>
    plain(
      'load-balance',
      (_state, _task, _implementation, resource) => freeShare(resource) + self(resource) / LOCAL_WEIGHT,
    ),
  weighted: (options) => weighted(options.weights ?? {}),
};

/** COMPSs's class names by their last part (spec 5.1); packages differ only in when they look ahead. */
const COMPSS_CLASSES: Readonly<Record<string, string>> = {
  FifoTS: 'fifo',
  LifoTS: 'lifo',
  LocalityTS: 'locality',
  ConstraintsFifoTS: 'fifo',
  TaskScheduler: 'load-balance',
  MOScheduler: 'weighted',
};

/** Throws ERR_CONFIG_INVALID. */
export function createPolicy(options: CoreOptions): PlacementPolicy {
  const asked = options.policy ?? 'locality';
  const strict = asked.includes('.orderstrict.') ? 'strict-fifo' : undefined;
  const name = strict ?? COMPSS_CLASSES[asked.slice(asked.lastIndexOf('.') + 1)] ?? asked;
  const make = POLICIES[name];
  if (make !== undefined) return make(options);
  throw new RuntimeError('ERR_CONFIG_INVALID', {
    key: 'policy',
    reason: `${asked} is none of ${Object.keys(POLICIES).join(', ')}`,
  });
}
