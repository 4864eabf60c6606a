import type { Processor, ProcessorType, ResourceDescription } from '../model/resource.ts';

export const unitsOf = (description: ResourceDescription, type: ProcessorType): number =>
  description.processors.reduce((sum, one) => sum + (one.type === type ? one.units : 0), 0);

const sameProcessor = (a: Processor, b: Processor): boolean =>
  a.name === b.name &&
  a.type === b.type &&
  a.architecture === b.architecture &&
  a.speed === b.speed &&
  a.internalMemoryGb === b.internalMemoryGb &&
  JSON.stringify(a.properties ?? {}) === JSON.stringify(b.properties ?? {});

function mergeProcessors(has: readonly Processor[], by: readonly Processor[], sign: 1 | -1): Processor[] {
  const merged = has.map((one) => ({ ...one }));
  for (const change of by) {
    const known = merged.find((one) => sameProcessor(one, change)) ?? (sign < 0 ? nearest(merged, change) : undefined);
    if (known !== undefined) known.units = Math.max(0, known.units + sign * change.units);
    else if (sign > 0) merged.push({ ...change });
  }
  return merged;
}

/** A reduction that names no processor of the node exactly takes from one of its type. */
const nearest = <P extends Processor>(processors: readonly P[], change: Processor): P | undefined =>
  processors.find((one) => one.type === change.type && one.name === change.name) ??
  processors.find((one) => one.type === change.type);

/** Both given: summed; one given: that one stays as COMPSs has it (unassigned stays unassigned). */
const sum = (a: number | undefined, b: number | undefined): number | undefined =>
  a === undefined || b === undefined ? a : a + b;
const greater = (a: number | undefined, b: number | undefined): number | undefined =>
  a === undefined ? b : b === undefined ? a : Math.max(a, b);
const smaller = (a: number | undefined, b: number | undefined): number | undefined =>
  a === undefined || b === undefined ? a : Math.min(a, b);
const union = (a?: readonly string[], b?: readonly string[]): readonly string[] | undefined =>
  a === undefined ? b : [...new Set([...a, ...(b ?? [])])];
const difference = (a?: readonly string[], b?: readonly string[]): readonly string[] | undefined =>
  a?.filter((one) => b?.includes(one) !== true);

type Fields = { -readonly [Key in keyof ResourceDescription]?: ResourceDescription[Key] | undefined };

/** Without the fields that are undefined: "not given" is an absent field. */
function tidy(fields: Fields): ResourceDescription {
  return Object.fromEntries(
    Object.entries(fields).filter(([, value]) => value !== undefined),
  ) as unknown as ResourceDescription;
}

/** `addResources` on a known name: processors add up, sizes as COMPSs merges them; name and scheme stay. */
export function grownDescription(has: ResourceDescription, by: ResourceDescription): ResourceDescription {
  return tidy({
    ...by,
    ...has,
    processors: mergeProcessors(has.processors, by.processors, 1),
    memoryGb: sum(has.memoryGb, by.memoryGb),
    storageBandwidth: sum(has.storageBandwidth, by.storageBandwidth),
    storageGb: greater(has.storageGb, by.storageGb),
    wallClockLimitMinutes: greater(has.wallClockLimitMinutes, by.wallClockLimitMinutes),
    limitOfTasks: sum(has.limitOfTasks, by.limitOfTasks),
    software: union(has.software, by.software),
    hostQueues: union(has.hostQueues, by.hostQueues),
    languages: has.languages,
    operatingSystem:
      by.operatingSystem === undefined ? has.operatingSystem : { ...by.operatingSystem, ...has.operatingSystem },
  });
}

/** What is left after a reduction; more than there is leaves nothing. */
export function shrunkDescription(has: ResourceDescription, by: ResourceDescription): ResourceDescription {
  return tidy({
    ...has,
    processors: mergeProcessors(has.processors, by.processors, -1).filter((one) => one.units > 0),
    memoryGb: lessened(has.memoryGb, by.memoryGb),
    storageBandwidth: lessened(has.storageBandwidth, by.storageBandwidth),
    storageGb: smaller(has.storageGb, by.storageGb),
    wallClockLimitMinutes: smaller(has.wallClockLimitMinutes, by.wallClockLimitMinutes),
    software: difference(has.software, by.software),
    hostQueues: difference(has.hostQueues, by.hostQueues),
  });
}

const lessened = (has: number | undefined, by: number | undefined): number | undefined =>
  has === undefined || by === undefined ? has : Math.max(0, has - by);

/** COMPSs removes a node that has no memory, CPU, GPU and storage bandwidth left (not given counts as none). */
export const isNothing = (description: ResourceDescription): boolean =>
  (description.memoryGb ?? 0) <= 0 &&
  (description.storageBandwidth ?? 0) <= 0 &&
  unitsOf(description, 'CPU') < 1 &&
  unitsOf(description, 'GPU') < 1;
