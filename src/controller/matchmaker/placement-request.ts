import { RuntimeError } from '../../common/errors.ts';
import type { Application, Component as Described, Policy } from '../../contracts/icos/descriptor/application.ts';
import {
  type Arrangement,
  type Component,
  NO_WEIGHTS,
  type PlacementRequest,
  type PolicyName,
  type Requirements,
  type Weights,
} from './requirements.ts';

/** Least ScaScore of each level, as the documentation of the security coordination names them. */
export type SecurityLevels = Readonly<Record<'high' | 'medium' | 'low', number>>;

export interface PlacementDefaults {
  readonly policy: PolicyName;
  readonly arrangement: Arrangement;
  readonly securityLevels: SecurityLevels;
}

export type Avoided = NonNullable<Requirements['avoid']>;

/** What is asked of the model: each component with the policies that bear on it, its own before the application's. */
export function placementRequestOf(
  application: Application,
  defaults: PlacementDefaults,
  avoid: ReadonlyMap<string, Avoided> = new Map(),
): PlacementRequest {
  return {
    components: application.components.map((component) => componentOf(component, application, defaults, avoid)),
    policy: defaults.policy,
    arrangement: arrangementOf(application) ?? defaults.arrangement,
  };
}

function componentOf(
  component: Described,
  application: Application,
  { securityLevels }: PlacementDefaults,
  avoid: ReadonlyMap<string, Avoided>,
): Component {
  const policies = [
    ...component.policies,
    ...application.policies.filter((policy) => concerns(policy, component.name)),
  ];
  const minSecurity = leastScore(policies, securityLevels);
  const avoided = avoid.get(component.name);
  return {
    name: component.name,
    requirements: {
      ...component.requirements,
      ...(minSecurity === undefined ? {} : { minSecurity }),
      ...(avoided === undefined ? {} : { avoid: avoided }),
    },
    weights: weightsOf(policies),
  };
}

const concerns = (policy: Policy, component: string): boolean =>
  policy.applyTo.length === 0 || policy.applyTo.includes(component);

/** Several levels hold together, so the highest does. */
function leastScore(policies: readonly Policy[], levels: SecurityLevels): number | undefined {
  const scores = policies
    .filter((policy) => policy.type === 'security')
    .map((policy) => ('level' in policy ? levels[policy.level] : policy.threshold));
  return scores.length === 0 ? undefined : Math.max(...scores);
}

function weightsOf(policies: readonly Policy[]): Weights {
  const scheduler = policies.find((policy) => policy.type === 'scheduler');
  if (scheduler === undefined) return NO_WEIGHTS;
  const { performance, energy, security } = scheduler;
  // Weights beyond 1 in sum are shares of their sum: the fit must not be weighed negatively.
  const scale = Math.max(1, performance + energy + security);
  return { performance: performance / scale, energy: energy / scale, security: security / scale };
}

function arrangementOf(application: Application): Arrangement | undefined {
  const policies = [...application.policies, ...application.components.flatMap((component) => component.policies)];
  const given = policies.find(
    (policy) => policy.type === 'scheduler' && policy.properties['arrangement'] !== undefined,
  );
  const arrangement = given?.properties['arrangement'];
  if (arrangement === undefined || arrangement === 'spread' || arrangement === 'pack' || arrangement === 'free') {
    return arrangement;
  }
  const reason = `is '${String(arrangement)}'; known: spread, pack, free`;
  throw new RuntimeError('ERR_DESCRIPTOR_INVALID', { field: 'policies.properties.arrangement', reason });
}
