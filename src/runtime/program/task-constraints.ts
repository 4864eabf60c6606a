/**
 * What a declared task asks of a node, checked: a misspelt name would otherwise be a task that may run anywhere, which is
 * found out only on the machine that it does not fit.
 */
import { type Constraints, PROCESSOR_TYPES } from '../model/resource.ts';

export interface TaskConstraints extends Constraints {
  /** CPU units of any kind: short for `processors: [{ type: 'CPU', units }]`, by COMPSs's name. */
  readonly computingUnits?: number;
}

/** What is wrong with a field. */
export interface ConstraintFault {
  readonly field: string;
  readonly reason: string;
}

type Check = (value: unknown) => string | undefined;
type Fields = Readonly<Record<string, Check>>;

const amount: Check = (value) =>
  typeof value === 'number' && Number.isFinite(value) && value >= 0 ? undefined : 'must be a number from 0 up';
const units: Check = (value) =>
  Number.isSafeInteger(value) && (value as number) >= 0 ? undefined : 'must be a whole number from 0 up';
const text: Check = (value) => (typeof value === 'string' && value !== '' ? undefined : 'must be a text');
const truth: Check = (value) => (typeof value === 'boolean' ? undefined : 'must be true or false');
const texts: Check = (value) =>
  Array.isArray(value) && value.every((one) => text(one) === undefined) ? undefined : 'must be a list of texts';
const properties: Check = (value) =>
  isRecord(value) && Object.values(value).every((one) => typeof one === 'string')
    ? undefined
    : 'must be an object of texts';
const processorType: Check = (value) =>
  (PROCESSOR_TYPES as readonly unknown[]).includes(value) ? undefined : `must be one of ${PROCESSOR_TYPES.join(', ')}`;

const PROCESSOR_FIELDS: Fields = {
  name: text,
  type: processorType,
  units,
  architecture: text,
  speed: amount,
  internalMemoryGb: amount,
  properties,
};
const OPERATING_SYSTEM_FIELDS: Fields = { type: text, distribution: text, version: text };
const FIELDS: Fields = {
  computingUnits: units,
  memoryGb: amount,
  memoryType: text,
  storageGb: amount,
  storageType: text,
  storageBandwidth: amount,
  software: texts,
  hostQueues: texts,
  wallClockLimitMinutes: amount,
  isLocal: truth,
  nodes: texts,
};

/** The constraints as the scheduler knows them, or the first fault. Fields that are undefined count as not given. */
export function parseConstraints(given: TaskConstraints): Constraints | { readonly fault: ConstraintFault } {
  const fault = faultOf(given);
  if (fault !== undefined) return { fault };
  const { computingUnits, ...constraints } = given;
  if (computingUnits === undefined) return constraints;
  return { ...constraints, processors: [...(constraints.processors ?? []), { type: 'CPU', units: computingUnits }] };
}

function faultOf(given: unknown): ConstraintFault | undefined {
  if (!isRecord(given)) return { field: 'constraints', reason: 'must be an object' };
  const { processors, operatingSystem, ...flat } = given;
  return (
    fieldsFault('constraints', flat, FIELDS, ['processors', 'operatingSystem']) ??
    (operatingSystem === undefined
      ? undefined
      : fieldsFault('constraints.operatingSystem', operatingSystem, OPERATING_SYSTEM_FIELDS)) ??
    (processors === undefined ? undefined : processorsFault(processors, given['computingUnits'] !== undefined))
  );
}

function processorsFault(processors: unknown, hasUnits: boolean): ConstraintFault | undefined {
  const field = 'constraints.processors';
  if (!Array.isArray(processors)) return { field, reason: 'must be a list' };
  for (const [index, processor] of processors.entries()) {
    const place = `${field}[${index}]`;
    const fault = fieldsFault(place, processor, PROCESSOR_FIELDS);
    if (fault !== undefined) return fault;
    const { type = 'CPU', units: count } = processor as { type?: string; units?: number };
    if (count === undefined) return { field: `${place}.units`, reason: 'is missing' };
    if (hasUnits && type === 'CPU') return { field: place, reason: 'asks for CPU units, and so does computingUnits' };
  }
  return undefined;
}

function fieldsFault(
  place: string,
  given: unknown,
  fields: Fields,
  others: readonly string[] = [],
): ConstraintFault | undefined {
  if (!isRecord(given)) return { field: place, reason: 'must be an object' };
  for (const [name, value] of Object.entries(given)) {
    if (value === undefined) continue;
    const field = `${place}.${name}`;
    if (!Object.hasOwn(fields, name))
      return { field, reason: `is not known; known: ${[...Object.keys(fields), ...others].join(', ')}` };
    const reason = fields[name]?.(value);
    if (reason !== undefined) return { field, reason };
  }
  return undefined;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
