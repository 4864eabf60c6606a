import type { Phase } from './job.ts';

/**
 * The whole life of a job, as data: checked on every move, drawn into docs/states/job.mmd, asserted by property tests.
 * Moves that stay in a phase (another target, a longer lease, new conditions) are not listed and always legal.
 */
export const TRANSITIONS = {
  // Waits for a target, then for a driver.
  'create-created': ['create-progressing', 'create-degraded', 'replace-created', 'delete-created', 'delete-finished'],
  'create-progressing': ['create-created', 'create-finished', 'create-degraded', 'replace-created', 'delete-created'],
  'create-finished': ['create-degraded', 'update-created', 'replace-created', 'delete-created'],
  // Without a target: given up, until one appears. With one: the driver failed, or what it deployed is ill.
  'create-degraded': [
    'create-created',
    'create-progressing',
    'create-finished',
    'update-created',
    'replace-created',
    'delete-created',
    'delete-finished',
  ],
  'update-created': [
    'update-progressing',
    'update-finished',
    'update-degraded',
    'create-created',
    'replace-created',
    'delete-created',
  ],
  // A reallocation ends in `create-created`: undone here, to be matched anew.
  'update-progressing': [
    'update-created',
    'update-finished',
    'update-degraded',
    'create-created',
    'replace-created',
    'delete-created',
  ],
  'update-finished': ['update-created', 'update-degraded', 'replace-created', 'delete-created'],
  'update-degraded': [
    'update-created',
    'update-progressing',
    'update-finished',
    'create-created',
    'replace-created',
    'delete-created',
  ],
  'replace-created': ['replace-progressing', 'replace-finished', 'replace-degraded', 'delete-created'],
  'replace-progressing': ['replace-created', 'replace-finished', 'replace-degraded', 'delete-created'],
  'replace-finished': ['replace-created', 'replace-degraded', 'update-created', 'delete-created'],
  'replace-degraded': [
    'replace-created',
    'replace-progressing',
    'replace-finished',
    'update-created',
    'delete-created',
  ],
  'delete-created': ['delete-progressing', 'delete-finished', 'delete-degraded'],
  'delete-progressing': ['delete-created', 'delete-finished', 'delete-degraded'],
  'delete-degraded': ['delete-created', 'delete-progressing', 'delete-finished'],
  // Stopped. Only an update of the deployment brings it back.
  'delete-finished': ['create-created'],
} as const satisfies Record<Phase, readonly Phase[]>;

export const mayMove = (from: Phase, to: Phase): boolean =>
  from === to || (TRANSITIONS[from] as readonly Phase[]).includes(to);
