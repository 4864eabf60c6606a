import type { Implementation } from '../model/core-element.ts';
import type { Constraints, Processor, ResourceDescription } from '../model/resource.ts';
import type { Booking } from './effects.ts';

type ProcessorConstraint = NonNullable<Constraints['processors']>[number];

/** Memory is counted in whole KiB: sums of halves and tenths of a GB must come back to what they were. */
export const kib = (gigabytes: number): number => Math.round(gigabytes * 2 ** 20);

/** What one attempt takes from a resource while it runs. One object for each different set of constraints. */
export interface Need {
  /** Position in the list of all needs of this core. */
  readonly index: number;
  readonly constraints: Constraints;
  readonly cpus: number;
  readonly gpus: number;
  readonly fpgas: number;
  readonly others: number;
  readonly memoryKib: number;
  readonly bandwidth: number;
  /** Only units of any CPU: may be sent ahead of a free slot. */
  readonly plain: boolean;
  /** The processors asked for, those that name something first: they have the fewest that match. */
  readonly processors: readonly ProcessorConstraint[];
  readonly booking: Booking;
}

const ONE_CPU: ProcessorConstraint = { type: 'CPU', units: 1 };

export function makeNeed(index: number, constraints: Constraints): Need {
  const asked = constraints.processors ?? [];
  const withCpu = asked.some((one) => typeOf(one) === 'CPU') ? asked : [...asked, ONE_CPU];
  const units = (type: string): number => withCpu.reduce((sum, one) => sum + (typeOf(one) === type ? one.units : 0), 0);
  const [cpus, gpus, fpgas, others] = [units('CPU'), units('GPU'), units('FPGA'), units('OTHER')];
  const memoryKib = kib(constraints.memoryGb ?? 0);
  const bandwidth = constraints.storageBandwidth ?? 0;
  return {
    index,
    constraints,
    cpus,
    gpus,
    fpgas,
    others,
    memoryKib,
    bandwidth,
    plain: gpus + fpgas + others + memoryKib + bandwidth === 0 && withCpu.every((one) => detail(one) === 0),
    processors: withCpu.toSorted((a, b) => detail(b) - detail(a)),
    booking: Object.freeze({ cpus, gpus, fpgas, memoryGb: constraints.memoryGb ?? 0 }),
  };
}

const typeOf = (processor: ProcessorConstraint): string => processor.type ?? 'CPU';

/** How many properties beyond type and units it names. */
const detail = (one: ProcessorConstraint): number =>
  Number(one.name !== undefined) +
  Number(one.architecture !== undefined) +
  Number(one.speed !== undefined) +
  Number(one.internalMemoryGb !== undefined) +
  Number(one.properties !== undefined);

/** COMPSs's rule: a value that is not given, on either side, matches. */
const alike = (asked: string | undefined, has: string | undefined): boolean =>
  asked === undefined || has === undefined || asked.toLowerCase() === has.toLowerCase();
const enough = (asked: number | undefined, has: number | undefined): boolean =>
  asked === undefined || has === undefined || has >= asked;

export function matchesProcessor(asked: ProcessorConstraint, has: Processor): boolean {
  return (
    typeOf(asked) === has.type &&
    alike(asked.name, has.name) &&
    alike(asked.architecture, has.architecture) &&
    enough(asked.speed, has.speed) &&
    enough(asked.internalMemoryGb, has.internalMemoryGb) &&
    Object.entries(asked.properties ?? {}).every(([key, value]) => alike(value, has.properties?.[key]))
  );
}

/** The resource as far as constraints look at it. */
export interface Candidate {
  readonly description: ResourceDescription;
  readonly self: boolean;
}

/**
 * Why an implementation can never run on such a resource, however idle; undefined when it can. Does not look at
 * `nodes`: that names single resources, and resources are compared by class.
 */
export function whyNot(need: Need, implementation: Implementation, candidate: Candidate): string | undefined {
  const { description } = candidate;
  const { languages } = description;
  if (languages !== undefined && !languages.includes(implementation.language)) {
    return `runs ${languages.join(', ')}, not ${implementation.language}`;
  }
  if (need.constraints.isLocal === true && !candidate.self) return 'is not the local node';
  if (description.limitOfTasks === 0) return 'takes no tasks (limitOfTasks 0)';
  return whyNotProcessors(need, description) ?? whyNotStatic(need.constraints, description);
}

function whyNotProcessors(need: Need, description: ResourceDescription): string | undefined {
  const free = description.processors.map((processor) => processor.units);
  for (const asked of need.processors) {
    let missing = asked.units;
    description.processors.forEach((processor, index) => {
      if (missing === 0 || !matchesProcessor(asked, processor)) return;
      const taken = Math.min(missing, free[index]!);
      free[index]! -= taken;
      missing -= taken;
    });
    if (missing > 0) return `has ${asked.units - missing} of ${asked.units} ${describeProcessor(asked)}`;
  }
  return undefined;
}

function describeProcessor(asked: ProcessorConstraint): string {
  const { name, architecture, speed, internalMemoryGb, properties } = asked;
  const details = [
    name,
    architecture,
    speed === undefined ? undefined : `${speed} GHz`,
    internalMemoryGb === undefined ? undefined : `${internalMemoryGb} GB`,
    ...Object.entries(properties ?? {}).map(([key, value]) => `${key}=${value}`),
  ].filter((one) => one !== undefined);
  return `${typeOf(asked)} units${details.length === 0 ? '' : ` (${details.join(', ')})`}`;
}

function whyNotStatic(asked: Constraints, has: ResourceDescription): string | undefined {
  if (!enough(asked.memoryGb, has.memoryGb)) return `memory: asks ${asked.memoryGb} GB, has ${has.memoryGb} GB`;
  if (!alike(asked.memoryType, has.memoryType)) return differs('memory type', asked.memoryType, has.memoryType);
  if (!enough(asked.storageGb, has.storageGb)) return `storage: asks ${asked.storageGb} GB, has ${has.storageGb} GB`;
  if (!alike(asked.storageType, has.storageType)) return differs('storage type', asked.storageType, has.storageType);
  if (!enough(asked.storageBandwidth, has.storageBandwidth)) {
    return `storage bandwidth: asks ${asked.storageBandwidth} MB/s, has ${has.storageBandwidth} MB/s`;
  }
  if (!enough(asked.wallClockLimitMinutes, has.wallClockLimitMinutes)) {
    return `wall clock limit: asks ${asked.wallClockLimitMinutes} min, has ${has.wallClockLimitMinutes} min`;
  }
  return (
    whyNotSystem(asked, has) ??
    lacks('software', asked.software, has.software) ??
    lacks('queues', asked.hostQueues, has.hostQueues)
  );
}

function whyNotSystem(asked: Constraints, has: ResourceDescription): string | undefined {
  for (const part of ['type', 'distribution', 'version'] as const) {
    const [wanted, found] = [asked.operatingSystem?.[part], has.operatingSystem?.[part]];
    if (!alike(wanted, found)) return differs(`operating system ${part}`, wanted, found);
  }
  return undefined;
}

const differs = (what: string, asked: string | undefined, has: string | undefined): string =>
  `${what}: asks ${asked}, has ${has}`;

function lacks(what: string, asked: readonly string[] = [], has?: readonly string[]): string | undefined {
  if (has === undefined) return undefined;
  const there = new Set(has.map((one) => one.toLowerCase()));
  const missing = asked.filter((one) => !there.has(one.toLowerCase()));
  return missing.length === 0 ? undefined : `${what}: lacks ${missing.join(', ')}`;
}

/** Every different set of constraints once. */
export class NeedTable {
  readonly all: Need[] = [];
  readonly #byKey = new Map<string, number>();
  readonly #byObject = new WeakMap<Constraints, number>();

  /** Index of what these constraints come to. */
  indexOf(constraints: Constraints = NO_CONSTRAINTS): number {
    const known = this.#byObject.get(constraints);
    if (known !== undefined) return known;
    const key = JSON.stringify(constraints);
    let index = this.#byKey.get(key);
    if (index === undefined) {
      index = this.all.length;
      this.all.push(makeNeed(index, constraints));
      this.#byKey.set(key, index);
    }
    this.#byObject.set(constraints, index);
    return index;
  }
}

const NO_CONSTRAINTS: Constraints = {};
