import type { Application, Component, JsonObject, Policy, Requirements } from './descriptor/application.ts';
import type { Placement } from './target.ts';

const MEBIBYTE = 2 ** 20;

/**
 * What the matchmaker is asked: the application without its objects, in words that the released matchmaker reads too
 * (cores as a number, memory in Mi). JSON is YAML, so it goes out as `application/x-yaml`. `avoid` names nodes not to
 * be chosen, by component; it is an addition.
 */
export function matchRequestOf(
  application: Pick<Application, 'name' | 'components' | 'policies'>,
  avoid: ReadonlyMap<string, readonly Placement[]> = new Map(),
): JsonObject {
  return {
    name: application.name,
    components: application.components.map((component) => componentOf(component, avoid.get(component.name) ?? [])),
    policies: application.policies.flatMap(policyOf),
  };
}

function componentOf(component: Component, avoid: readonly Placement[]): JsonObject {
  return {
    name: component.name,
    type: component.type,
    manifests: component.manifests.map(({ name }) => ({ name })),
    requirements: requirementsOf(component.requirements),
    policies: component.policies.flatMap(policyOf),
    ...(avoid.length === 0
      ? {}
      : { avoid: avoid.map(({ cluster, node }) => ({ cluster_name: cluster, node_name: node })) }),
  };
}

function requirementsOf(requirements: Requirements): JsonObject {
  const { cpuMillis, memoryBytes, architecture, devices, nodeLabels } = requirements;
  return {
    ...(cpuMillis === undefined ? {} : { cpu: cpuMillis / 1000 }),
    ...(memoryBytes === undefined ? {} : { memory: `${Math.ceil(memoryBytes / MEBIBYTE)}Mi` }),
    ...(architecture === undefined ? {} : { architecture }),
    ...(devices === undefined ? {} : { devices: devices.length === 1 ? devices[0]! : devices }),
    ...(nodeLabels === undefined ? {} : { nodelabel: nodeLabels.map(({ key, values }) => ({ key, values })) }),
  };
}

/** Only what bears on placement. */
function policyOf(policy: Policy): readonly JsonObject[] {
  const applied: JsonObject = policy.applyTo.length === 0 ? {} : { 'apply-to': policy.applyTo };
  if (policy.type === 'security') {
    const least = 'level' in policy ? { level: policy.level } : { threshold: policy.threshold };
    return [{ type: 'security', ...least, ...applied }];
  }
  if (policy.type !== 'scheduler') return [];
  const { performance, energy, security } = policy;
  const { arrangement } = policy.properties;
  const arranged: JsonObject = arrangement === undefined ? {} : { properties: { arrangement } };
  return [{ type: 'scheduler', performance, energy, security, ...arranged, ...applied }];
}
