import { z } from 'zod';
import { goObject } from './go-json.ts';
import { targetsBody } from './target.ts';

/** Why a node does not do: one entry per node, one text per requirement that it does not meet. */
export const rejectedNode = z.object({
  cluster_name: z.string(),
  node_name: z.string(),
  reasons: z.array(z.string()).min(1),
});
export type RejectedNode = z.output<typeof rejectedNode>;

/** Beyond the original's answer: in words why this target, or why none. `rejected` may be cut, `rejectedNodes` counts all. */
export const matchExplanation = z.object({
  summary: z.string(),
  policy: z.string().optional(),
  rejectedNodes: z.int().min(0).default(0),
  rejected: z.array(rejectedNode).default([]),
});
export type MatchExplanation = z.output<typeof matchExplanation>;

/** A component as it came in, with `targets`: one object, or an empty array when nothing fits. */
export const matchedComponent = z.looseObject({
  name: z.string().min(1),
  targets: targetsBody,
  explanation: matchExplanation.optional(),
});
export type MatchedComponent = z.output<typeof matchedComponent>;

/** `POST /matchmake` of the release: request is the descriptor as YAML text, the answer this. */
export const matchAnswer = z.looseObject({ components: z.array(matchedComponent).max(1024) });
export type MatchAnswer = z.output<typeof matchAnswer>;

export const it1Target = goObject({ cluster_name: z.string(), node_name: z.string() });

/** `POST /matchmake` of the seed: the Deployment comes back with the list of targets at its top. */
export const it1MatchAnswer = z.looseObject({ targets: z.array(it1Target).max(1024) });
export type It1MatchAnswer = z.output<typeof it1MatchAnswer>;
