import { RuntimeError } from '../../common/errors.ts';
import type { JsonObject } from '../../contracts/icos/descriptor/application.ts';
import { type MatchedComponent, matchAnswer } from '../../contracts/icos/matchmaker.ts';
import { type Placement, placementsOf } from '../../contracts/icos/target.ts';
import type { Peer } from '../service/peer.ts';

export interface ComponentMatch {
  /** One, or one per replica; empty when no node fits. */
  readonly placements: readonly Placement[];
  /** Why there is none. */
  readonly reason: string;
}

export interface Caller {
  readonly token: string | undefined;
  readonly requestId?: string;
}

/** Where the components of an application go. */
export interface Matchmaker {
  /** By component name. Never rejects: a matchmaker that is away is a reason like others, and is asked again later. */
  match(request: JsonObject, caller: Caller): Promise<ReadonlyMap<string, ComponentMatch>>;
}

export function createMatchmaker(peer: Peer): Matchmaker {
  return {
    match: async (request, { token, requestId }) => {
      try {
        const answer = await peer.json(
          {
            method: 'POST',
            path: '/matchmake',
            body: JSON.stringify(request),
            contentType: 'application/x-yaml',
            token,
            ...(requestId === undefined ? {} : { requestId }),
          },
          matchAnswer,
        );
        return new Map(answer.components.map((component) => [component.name, matchOf(component)]));
      } catch (thrown) {
        if (thrown instanceof RuntimeError)
          return new Map(namesIn(request).map((name) => [name, missed(thrown.message)]));
        throw thrown;
      }
    },
  };
}

export const missed = (reason: string): ComponentMatch => ({ placements: [], reason });

const MOST_NODES_NAMED = 10;

function matchOf(component: MatchedComponent): ComponentMatch {
  const { explanation } = component;
  const rejected = (explanation?.rejected ?? [])
    .slice(0, MOST_NODES_NAMED)
    .map((node) => `${node.cluster_name}/${node.node_name}: ${node.reasons.join(', ')}`);
  const summary = explanation?.summary ?? 'No node meets the requirements';
  return { placements: placementsOf(component.targets), reason: [summary, ...rejected].join('; ') };
}

export function namesIn(request: JsonObject): readonly string[] {
  const components = (request['components'] ?? []) as readonly JsonObject[];
  return components.map((component) => String(component['name']));
}
