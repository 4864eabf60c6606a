import type { JsonObject, JsonValue } from '../../contracts/icos/descriptor/application.ts';
import type { It1MatchAnswer, MatchAnswer, MatchExplanation } from '../../contracts/icos/matchmaker.ts';
import { componentsOf, type MatchQuestion } from './match-body.ts';
import type { ComponentPlacement, Target } from './model.ts';

/** The release's answer: each component as it came, with its target or `[]`, and why. */
export function matchAnswerOf(
  { document }: MatchQuestion,
  placements: readonly ComponentPlacement[],
  explained: number,
): MatchAnswer {
  const components = componentsOf(document).map((component, index) => {
    const placement = placements[index]!;
    return {
      ...component,
      name: placement.component,
      targets: targetsOf(placement.targets),
      explanation: explanationOf(placement, explained),
    };
  });
  return { components } as MatchAnswer;
}

const wireTarget = ({ cluster, node, orchestrator }: Target) => ({
  cluster_name: cluster,
  node_name: node,
  orchestrator,
});

/** One object for one target, as ever; a list only for what the original never placed, a replica per label value. */
function targetsOf(targets: readonly Target[]): object {
  const [only] = targets;
  return targets.length === 1 && only !== undefined ? wireTarget(only) : targets.map(wireTarget);
}

/**
 * The seed's answer: the Deployment with its targets. Its table puts them under the pod's `spec`, its example at the
 * top; both places have them.
 */
export function it1MatchAnswerOf(
  { document }: MatchQuestion,
  [placement]: readonly ComponentPlacement[],
  explained: number,
): It1MatchAnswer {
  const targets = (placement?.targets ?? []).map(({ cluster, node }) => ({ cluster_name: cluster, node_name: node }));
  const explanation = placement === undefined ? undefined : explanationOf(placement, explained);
  return { ...withPodTargets(document, targets), targets, explanation } as unknown as It1MatchAnswer;
}

function withPodTargets(document: JsonObject, targets: JsonValue): JsonObject {
  const spec = objectAt(document, 'spec');
  const template = objectAt(spec, 'template');
  const podSpec = objectAt(template, 'spec');
  if (podSpec === undefined) return document;
  return { ...document, spec: { ...spec, template: { ...template, spec: { ...podSpec, targets } } } };
}

function objectAt(parent: JsonObject | undefined, key: string): JsonObject | undefined {
  const value = parent?.[key];
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : undefined;
}

export function explanationOf(placement: ComponentPlacement, explained: number): MatchExplanation {
  return {
    summary: summaryOf(placement),
    rejectedNodes: placement.rejectedNodes,
    rejected: placement.rejections(explained).map(({ cluster, node, reasons }) => ({
      cluster_name: cluster,
      node_name: node,
      reasons: [...reasons],
    })),
  };
}

function summaryOf(placement: ComponentPlacement): string {
  const { targets, rejectedNodes, knownNodes } = placement;
  const counts = [...placement.rejectedBy()].map(([kind, count]) => `${kind} ${count}`).join(', ');
  const rejected = `${rejectedNodes} of ${knownNodes} nodes rejected${counts === '' ? '' : ` (${counts})`}`;
  if (targets.length > 0)
    return `Placed on ${targets.map(({ cluster, node }) => `${cluster}/${node}`).join(', ')}; ${rejected}`;
  return knownNodes === 0 ? 'No node is known' : `No node meets the requirements: ${rejected}`;
}
