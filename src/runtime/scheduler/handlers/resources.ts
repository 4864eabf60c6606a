import type { ResourceId } from '../../model/ids.ts';
import { grow, join, lose, requestLeave, requestShrink } from '../membership.ts';
import type { Resource } from '../resources.ts';
import type { CoreState } from '../state.ts';
import type { Handlers } from './handler.ts';

function known(state: CoreState, id: ResourceId): Resource | undefined {
  const resource = state.resourceOf(id);
  if (resource === undefined) state.ignored += 1;
  return resource;
}

export const resourceHandlers = {
  'resource-joined': (state, { resource, description, self }) => join(state, resource, description, self === true),
  'resource-grown': (state, { resource: id, by }) => {
    const resource = known(state, id);
    if (resource !== undefined) grow(state, resource, by);
  },
  'resource-shrink-requested': (state, { resource: id, by }) => {
    const resource = known(state, id);
    if (resource !== undefined) requestShrink(state, resource, by);
  },
  'resource-leave-requested': (state, { resource: id }) => {
    const resource = known(state, id);
    if (resource !== undefined) requestLeave(state, resource);
  },
  'resource-lost': (state, { resource: id, reason }) => {
    const resource = known(state, id);
    if (resource !== undefined) lose(state, resource, reason);
  },
} satisfies Partial<Handlers>;
