/** JSON bodies of annex 6.1.4 about resources; XML bodies are brought to the same shape first (xml-bodies.ts). */
import { z } from 'zod';
import {
  type NewResource,
  type NodeDescription,
  PROCESSOR_KINDS,
  type ProcessorDescription,
  type ReduceResource,
} from './model.ts';
import { optionalAmount, optionalCount, optionalText, present } from './unassigned.ts';

const MAX_PROCESSORS = 1_000;
const MAX_ENTRIES = 1_000;

const nodeName = z.string().min(1, 'must not be empty').max(255, 'is longer than 255 characters');

const processorBody = z.object({
  name: z.string().min(1),
  /** Beyond the annex, which knows no kinds. */
  type: z.enum(PROCESSOR_KINDS).optional().describe('Kind of processor; CPU when absent'),
  units: z.int().min(-1, 'must not be negative').describe('Number of cores; -1: not given'),
  architecture: optionalText.describe('Instruction set'),
  speed: optionalAmount.describe('GHz'),
  internalMemory: optionalAmount.describe('GB'),
  propName: optionalText,
  propValue: optionalText,
});

const names = z.array(z.string().min(1)).max(MAX_ENTRIES).optional();

const descriptionFields = {
  processors: z.array(processorBody).max(MAX_PROCESSORS).optional(),
  memory_size: optionalAmount.describe('Available memory (GB)'),
  memory_type: optionalText.describe('Memory technology'),
  storage_size: optionalAmount.describe('Available disk (GB)'),
  storage_type: optionalText.describe('Storage technology'),
  storage_bandwith: optionalAmount.describe('Disk bandwidth (Mbps); the spelling of the annex'),
  storage_bandwidth: optionalAmount.describe('The same, spelt right'),
  operatingSystemType: optionalText,
  operatingSystemDistribution: optionalText,
  operatingSystemVersion: optionalText,
  appSoftware: names,
  hostQueues: names,
  wallClockLimit: optionalCount.describe('Minutes'),
  pricePerUnit: optionalAmount,
  priceTimeUnit: optionalCount.describe('Minutes that pricePerUnit is for'),
};

export const nodeDescription = z.object(descriptionFields).transform(toNodeDescription);
type DescriptionBody = z.output<z.ZodObject<typeof descriptionFields>>;

function toNodeDescription(body: DescriptionBody): NodeDescription {
  const operatingSystem = present({
    type: body.operatingSystemType,
    distribution: body.operatingSystemDistribution,
    version: body.operatingSystemVersion,
  });
  return present({
    processors: (body.processors ?? []).flatMap(toProcessor),
    memoryGb: body.memory_size,
    memoryType: body.memory_type,
    storageGb: body.storage_size,
    storageType: body.storage_type,
    storageBandwidth: body.storage_bandwidth ?? body.storage_bandwith,
    operatingSystem: Object.keys(operatingSystem).length === 0 ? undefined : operatingSystem,
    software: body.appSoftware,
    hostQueues: body.hostQueues,
    wallClockLimitMinutes: body.wallClockLimit,
    pricePerHour: pricePerHour(body),
  });
}

/** Units that are not given add or take nothing. */
function toProcessor(body: z.output<typeof processorBody>): ProcessorDescription[] {
  if (body.units === -1) return [];
  const processor = present({
    name: body.name,
    type: body.type ?? ('CPU' as const),
    units: body.units,
    architecture: body.architecture,
    speed: body.speed,
    internalMemoryGb: body.internalMemory,
    properties: body.propName === undefined ? undefined : { [body.propName]: body.propValue ?? '' },
  });
  return [processor];
}

function pricePerHour(body: DescriptionBody): number | undefined {
  if (body.pricePerUnit === undefined) return undefined;
  return (body.pricePerUnit * 60) / (body.priceTimeUnit || 60);
}

const property = z.object({ Name: z.string().min(1), Value: z.string() });
const properties = z.array(property).max(MAX_ENTRIES).optional();

/** `ExternalAdaptorResource`. */
export const newResourceBody = z
  .object({
    name: nodeName,
    description: nodeDescription,
    adaptor: z
      .string()
      .min(1)
      .max(255)
      .optional()
      .describe("Scheme or COMPSs's class name; the agent link when absent"),
    projectConf: properties.describe('How to set up the resource'),
    resourcesConf: properties.describe('How to access the resource'),
    resourceConf: properties.describe("The same; the spelling of COMPSs's XML"),
  })
  .transform(
    (body): NewResource => ({
      ...present({ name: body.name, adaptor: body.adaptor }),
      description: body.description,
      projectProperties: toRecord(body.projectConf),
      resourceProperties: toRecord(body.resourcesConf ?? body.resourceConf),
    }),
  );

/** The first of a name wins. A null prototype keeps `__proto__` a plain key. */
function toRecord(list: z.output<typeof properties>): Readonly<Record<string, string>> {
  const record = Object.create(null) as Record<string, string>;
  for (const { Name, Value } of list ?? []) record[Name] ??= Value;
  return record;
}

/** COMPSs says `workerName`; ICOS's own description of the interface says `name`. */
const workerFields = { workerName: nodeName.optional(), name: nodeName.optional() };

const named = <T extends { workerName?: string | undefined; name?: string | undefined }>(body: T): boolean =>
  (body.workerName ?? body.name) !== undefined;
const unnamed = { path: ['workerName'], message: 'is missing' };

export const workerBody = z
  .object(workerFields)
  .refine(named, unnamed)
  .transform((body): { readonly name: string } => ({ name: body.workerName ?? body.name ?? '' }));

export const reduceResourceBody = z
  .object({ ...workerFields, resources: nodeDescription.optional(), description: nodeDescription.optional() })
  .refine(named, unnamed)
  .transform(
    (body): ReduceResource => ({
      name: body.workerName ?? body.name ?? '',
      description: body.resources ?? body.description ?? { processors: [] },
    }),
  );
