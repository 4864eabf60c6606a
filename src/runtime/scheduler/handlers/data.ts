import { NONE } from '../../model/ids.ts';
import { declare, written } from '../declarations.ts';
import { replicaAdded, replicaLost, transferFailed } from '../replicas.ts';
import type { CoreState } from '../state.ts';
import type { Handlers } from './handler.ts';

export const dataHandlers = {
  'datum-declared': declare,
  'datum-written': written,
  'handle-released': (state, { scope: id, handle }) => {
    const scope = state.scopes.get(id);
    if (scope === undefined || !state.analysis.release(scope, handle)) state.ignored += 1;
  },
  'replica-added': (state, { version, resource: id, bytes }) => {
    const resource = state.resourceOf(id);
    const row = state.registry.versions.rowOf(version);
    if (resource === undefined) state.ignored += 1;
    else if (row !== NONE) replicaAdded(state, row, resource, bytes);
    else dropStale(state, version, resource.row);
  },
  'replica-lost': (state, { version, resource: id }) => {
    const resource = state.resourceOf(id);
    const row = state.registry.versions.rowOf(version);
    if (resource === undefined || row === NONE) state.ignored += 1;
    else replicaLost(state, row, resource);
  },
  'transfer-failed': (state, { version, to, reason }) => {
    const resource = state.resourceOf(to);
    const row = state.registry.versions.rowOf(version);
    if (resource === undefined || row === NONE) state.ignored += 1;
    else transferFailed(state, row, resource, reason);
  },
} satisfies Partial<Handlers>;

/** A copy of a version that was freed meanwhile: it would stay there for ever. */
function dropStale(state: CoreState, version: number, resource: number): void {
  state.ignored += 1;
  state.registry.frees.push(version, resource);
}
