import { type ParsedQuantity, parseCpu, parseMemory } from '../../../common/quantity.ts';
import { canonicalArchitecture } from '../architecture.ts';
import type { JsonValue, NodeLabel, Requirements } from './application.ts';
import type { Issues } from './issues.ts';
import { isObject } from './yaml-value.ts';

type Mutable<T> = { -readonly [K in keyof T]: T[K] };
type Reader = (value: JsonValue, field: string, issues: Issues, into: Mutable<Requirements>) => void;

const READERS: Readonly<Record<string, Reader>> = {
  cpu: (value, field, issues, into) => {
    const millis = readQuantity(value, parseCpu, field, issues);
    if (millis !== undefined) into.cpuMillis = millis;
  },
  memory: (value, field, issues, into) => {
    const bytes = readQuantity(value, parseMemory, field, issues);
    if (bytes !== undefined) into.memoryBytes = bytes;
  },
  architecture: (value, field, issues, into) => {
    if (typeof value !== 'string' || value.trim() === '') issues.add(field, 'is not the name of an architecture');
    else into.architecture = canonicalArchitecture(value);
  },
  devices: (value, field, issues, into) => {
    const devices = textList(value);
    if (devices === undefined) issues.add(field, 'is neither a resource path nor a list of them');
    else into.devices = devices;
  },
  nodelabel: (value, field, issues, into) => {
    const labels = (Array.isArray(value) ? value : [value]).map((item, index) =>
      nodeLabel(item, `${field}[${index}]`, issues),
    );
    into.nodeLabels = labels.filter((label) => label !== undefined);
  },
};
const SPELLINGS: Readonly<Record<string, string>> = {
  device: 'devices',
  nodelabels: 'nodelabel',
  arch: 'architecture',
};

/** Names are taken in any casing (`nodeLabel`). A requirement nobody knows would never be met, so it is refused. */
export function readRequirements(value: JsonValue | undefined, field: string, issues: Issues): Requirements {
  if (value === undefined || value === null) return {};
  if (!isObject(value)) {
    issues.add(field, 'is not a map');
    return {};
  }
  const requirements: Mutable<Requirements> = {};
  for (const [key, member] of Object.entries(value)) {
    const lower = key.toLowerCase();
    const reader = READERS[SPELLINGS[lower] ?? lower];
    if (reader === undefined)
      issues.add(`${field}.${key}`, `is no requirement; known: ${Object.keys(READERS).join(', ')}`);
    else if (member !== null && member !== '') reader(member, `${field}.${key}`, issues, requirements);
  }
  return requirements;
}

/** The amount, or undefined with an issue that says what is wrong with it. */
export function readQuantity(
  value: JsonValue,
  parse: (raw: string | number) => ParsedQuantity,
  field: string,
  issues: Issues,
): number | undefined {
  const parsed =
    typeof value === 'string' || typeof value === 'number' ? parse(value) : { reason: 'is neither text nor a number' };
  if ('value' in parsed) return parsed.value;
  issues.add(field, parsed.reason);
  return undefined;
}

export function textList(value: JsonValue | undefined): string[] | undefined {
  const list = Array.isArray(value) ? (value as readonly JsonValue[]) : [value];
  return list.every((item) => typeof item === 'string' && item !== '') ? (list as string[]) : undefined;
}

function nodeLabel(value: JsonValue | undefined, field: string, issues: Issues): NodeLabel | undefined {
  const key = isObject(value) ? value['key'] : undefined;
  const values = isObject(value) ? textList(value['values'] ?? value['value']) : undefined;
  if (typeof key === 'string' && key !== '' && values !== undefined && values.length > 0) return { key, values };
  issues.add(field, 'is not of the form {key, values: [text, …]}');
  return undefined;
}
