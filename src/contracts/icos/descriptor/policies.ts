import { parseMemory, parseQuantity } from '../../../common/quantity.ts';
import type { JsonObject, JsonValue, Policy, Scalar, SecurityLevel } from './application.ts';
import type { Issues } from './issues.ts';
import { readQuantity, textList } from './requirements.ts';
import { isObject } from './yaml-value.ts';

/** The three words of the documentation. */
const LEVELS: readonly SecurityLevel[] = ['high', 'medium', 'low'];
const SCHEDULER_TYPES: ReadonlySet<JsonValue | undefined> = new Set(['scheduler', 'user-preference']);

/** One policy of any version, or undefined (with an issue) when it cannot be one. `owner` is the component it stands in. */
export function readPolicy(
  value: JsonValue | undefined,
  field: string,
  issues: Issues,
  owner?: string,
): Policy | undefined {
  if (!isObject(value)) {
    issues.add(field, 'is not a map');
    return undefined;
  }
  const base = readBase(value, field, issues, owner);
  const specific = readSpecific(value, field, issues);
  return specific === undefined ? undefined : ({ ...base, ...specific } as Policy);
}

export function readPolicies(
  value: JsonValue | undefined,
  field: string,
  issues: Issues,
  owner?: string,
): readonly Policy[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) {
    issues.add(field, 'is not a list');
    return [];
  }
  return (value as readonly JsonValue[])
    .map((item, index) => readPolicy(item, `${field}[${index}]`, issues, owner))
    .filter((policy) => policy !== undefined);
}

type PolicyBase = Pick<Policy, 'name' | 'remediation' | 'variables' | 'properties' | 'applyTo'>;
/** A policy without the members that all have. */
type Without<P> = P extends unknown ? Omit<P, keyof PolicyBase> : never;
type Specific = Without<Policy>;

function readBase(value: JsonObject, field: string, issues: Issues, owner?: string): PolicyBase {
  const applied = value['apply-to'] ?? value['apply_to'] ?? value['component'];
  const applyTo = applied === undefined || applied === null ? [] : textList(applied);
  if (applyTo === undefined) issues.add(`${field}.apply-to`, 'is neither a component name nor a list of them');
  const remediation = value['remediation'] ?? firstOf(value['remediations']);
  const interval = value['for'];
  return {
    ...(typeof value['name'] === 'string' ? { name: value['name'] } : {}),
    ...(typeof remediation === 'string' ? { remediation } : {}),
    variables: readScalars(value['variables'], `${field}.variables`, issues),
    properties: {
      ...readScalars(value['properties'], `${field}.properties`, issues),
      ...(typeof interval === 'string' ? { pendingInterval: interval } : {}),
    },
    applyTo: owner === undefined ? (applyTo ?? []) : [owner],
  };
}

const firstOf = (value: JsonValue | undefined): JsonValue | undefined => (Array.isArray(value) ? value[0] : undefined);

function readScalars(value: JsonValue | undefined, field: string, issues: Issues): Record<string, Scalar> {
  if (value === undefined || value === null) return {};
  if (!isObject(value)) {
    issues.add(field, 'is not a map');
    return {};
  }
  const scalars: Record<string, Scalar> = {};
  for (const [key, member] of Object.entries(value)) {
    if (member === null || typeof member === 'object') issues.add(`${field}.${key}`, 'is not a single value');
    else scalars[key] = member;
  }
  return scalars;
}

function readSpecific(value: JsonObject, field: string, issues: Issues): Specific | undefined {
  const { type } = value;
  if (type === 'security' || (type === undefined && value['security'] !== undefined))
    return security(value, field, issues);
  if (SCHEDULER_TYPES.has(type)) return scheduler(value, field, issues);
  if (type === 'node-resource-usage') return nodeResourceUsage(value, field, issues);
  if (type === 'redeployOnLostTelemetry' || value['redeployOnLostTelemetry'] !== undefined) {
    return lostTelemetry(value, field, issues);
  }
  if (typeof value['fromTemplate'] === 'string') return { type: 'template', fromTemplate: value['fromTemplate'] };
  if (value['spec'] !== undefined || value['expression'] !== undefined) return expression(value, field, issues);
  return other(value, field, issues);
}

function other(value: JsonObject, field: string, issues: Issues): Specific | undefined {
  const { type } = value;
  if (typeof type === 'string' && type !== 'custom') return { type: 'other', declaredType: type, raw: value };
  issues.add(field, 'has neither a type nor security, fromTemplate, spec or redeployOnLostTelemetry');
  return undefined;
}

function security(value: JsonObject, field: string, issues: Issues): Specific | undefined {
  const level = value['level'] ?? value['security'];
  const threshold = value['threshold'];
  if ((level === undefined) === (threshold === undefined)) {
    issues.add(field, 'needs a level or a threshold, and not both');
    return undefined;
  }
  if (threshold !== undefined) {
    const number = percentage(threshold, `${field}.threshold`, issues);
    return number === undefined ? undefined : { type: 'security', threshold: number };
  }
  const known = LEVELS.find((candidate) => candidate === level);
  if (known === undefined) issues.add(`${field}.level`, `'${String(level)}' is none of ${LEVELS.join(', ')}`);
  return known === undefined ? undefined : { type: 'security', level: known };
}

function percentage(value: JsonValue, field: string, issues: Issues): number | undefined {
  const number = readQuantity(value, parseQuantity, field, issues);
  if (number === undefined || number <= 100) return number;
  issues.add(field, `'${String(value)}' is not a number from 0 to 100`);
  return undefined;
}

function scheduler(value: JsonObject, field: string, issues: Issues): Specific | undefined {
  const weight = (...names: readonly string[]): number | undefined => {
    const name = names.find((candidate) => value[candidate] !== undefined);
    return name === undefined ? 0 : readQuantity(value[name] ?? null, parseQuantity, `${field}.${name}`, issues);
  };
  const performance = weight('performance');
  const energy = weight('energy', 'energyconsumption', 'energy-consumption');
  const securityWeight = weight('security');
  if (performance === undefined || energy === undefined || securityWeight === undefined) return undefined;
  return { type: 'scheduler', performance, energy, security: securityWeight };
}

function nodeResourceUsage(value: JsonObject, field: string, issues: Issues): Specific {
  const percent = (name: string): number | undefined =>
    value[name] === undefined || value[name] === null ? undefined : percentage(value[name], `${field}.${name}`, issues);
  const amount = value['memory_threshold'];
  const bytes =
    amount === undefined ? undefined : readQuantity(amount, parseMemory, `${field}.memory_threshold`, issues);
  const cpu = percent('cpu_threshold_perc');
  const memory = percent('memory_threshold_perc');
  return {
    type: 'node-resource-usage',
    ...(cpu === undefined ? {} : { cpuThresholdPercent: cpu }),
    ...(memory === undefined ? {} : { memoryThresholdPercent: memory }),
    ...(bytes === undefined ? {} : { memoryThresholdBytes: bytes }),
    excludeAppResources: value['exclude_app_resources'] !== false,
  };
}

const UNIT_MS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const DEFAULT_TIMEOUT = '5m';

function lostTelemetry(value: JsonObject, field: string, issues: Issues): Specific | undefined {
  const given = value['redeployOnLostTelemetry'];
  const text = typeof given === 'string' ? given : (value['timeout'] ?? DEFAULT_TIMEOUT);
  const match = /^(\d+)(s|m|h|d)$/.exec(String(text));
  const unit = UNIT_MS[match?.[2] ?? ''];
  if (match === null || unit === undefined) {
    issues.add(`${field}.timeout`, `'${String(text)}' is not a duration such as 15m`);
    return undefined;
  }
  return { type: 'redeploy-on-lost-telemetry', timeoutMs: Number(match[1]) * unit };
}

function expression(value: JsonObject, field: string, issues: Issues): Specific | undefined {
  const spec = isObject(value['spec']) ? value['spec'] : { expr: value['expression'] ?? null };
  const { expr, violatedIf } = spec;
  if (typeof expr !== 'string' || expr.trim() === '') {
    issues.add(`${field}.spec.expr`, 'is missing');
    return undefined;
  }
  return {
    type: 'expression',
    expr,
    ...(typeof violatedIf === 'string' ? { violatedIf } : {}),
    thresholds: readThresholds(spec['thresholds'], `${field}.spec.thresholds`, issues),
  };
}

function readThresholds(value: JsonValue | undefined, field: string, issues: Issues): Record<string, number> {
  const thresholds: Record<string, number> = {};
  for (const [name, limit] of Object.entries(readScalars(value, field, issues))) {
    const number = typeof limit === 'number' ? limit : Number(limit === '' ? Number.NaN : limit);
    if (Number.isFinite(number)) thresholds[name] = number;
    else issues.add(`${field}.${name}`, 'is not a number');
  }
  return thresholds;
}
