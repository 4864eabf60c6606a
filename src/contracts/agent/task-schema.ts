/** What our own agents say to each other in JSON beyond COMPSs's dialect: a task with its data, and its outputs. */
import { z } from 'zod';
import {
  PARAMETER_DIRECTIONS,
  PROCESSOR_KINDS,
  type TaskAccess,
  type TaskCall,
  type TaskConstraints,
  type TaskContent,
  type TaskSource,
} from './model.ts';
import { present } from './unassigned.ts';

const MAX_ITEMS = 10_000;
const MAX_SOURCES = 64;

const base64 = z
  .string()
  .regex(/^[A-Za-z0-9+/]*={0,2}$/, 'must be base64')
  .transform((text): Uint8Array => Buffer.from(text, 'base64'));

const source = z
  .object({
    node: z.string().max(255),
    host: z.string().min(1).max(255),
    port: z.int().min(1).max(65_535),
    key: z.string().max(512),
    ticket: z.string().max(65_536),
    path: z.string().optional(),
  })
  .transform((body): TaskSource => present(body));

const content = z.union([
  z.object({ inline: base64 }),
  z.object({
    key: z.string().max(512),
    bytes: z.number().min(0).max(Number.MAX_SAFE_INTEGER),
    sources: z.array(source).max(MAX_SOURCES),
  }),
]) satisfies z.ZodType<TaskContent>;

export const taskOutputs = z.array(content).max(MAX_ITEMS);

const access = z
  .object({
    datum: z.int().min(0).max(MAX_ITEMS),
    direction: z.enum(PARAMETER_DIRECTIONS),
    kind: z.enum(['value', 'file', 'directory']),
    name: z
      .string()
      .max(255)
      .refine((name) => !/^\.{1,2}$|[/\0]/.test(name), 'must be a plain file name')
      .optional(),
    keepRename: z.boolean().optional(),
    weight: z.number().optional(),
  })
  .transform((body): TaskAccess => present(body));

const text = z.string().max(255).optional();
const amount = z.number().min(0).optional();
const texts = z.array(z.string().max(255)).max(1_000).optional();

const processor = z
  .object({
    units: z.int().min(0),
    name: text,
    type: z.enum(PROCESSOR_KINDS).optional(),
    architecture: text,
    speed: amount,
    internalMemoryGb: amount,
    properties: z.record(z.string(), z.string()).optional(),
  })
  .transform((body) => present(body));

const constraints = z
  .object({
    processors: z.array(processor).max(1_000).optional(),
    memoryGb: amount,
    memoryType: text,
    storageGb: amount,
    storageType: text,
    storageBandwidth: amount,
    operatingSystem: z
      .object({ type: text, distribution: text, version: text })
      .transform((body) => present(body))
      .optional(),
    software: texts,
    hostQueues: texts,
    wallClockLimitMinutes: amount,
  })
  .transform((body): TaskConstraints => present(body));

export const taskBody = z
  .object({
    signature: z.string().min(1).max(4_096),
    caller: z.string().min(1).max(255),
    args: base64.optional(),
    accesses: z.array(access).max(MAX_ITEMS),
    inputs: z.array(content.nullable().transform((input) => input ?? undefined)).max(MAX_ITEMS),
    returns: z.int().min(0).max(1_000),
    key: z.string().max(4_096).optional(),
    constraints: constraints.optional(),
  })
  .refine((body) => body.accesses.every(({ datum }) => datum < body.inputs.length), {
    path: ['accesses'],
    message: 'name a datum without an entry in inputs',
  })
  .transform((body): TaskCall => present(body));

const contentJson = (one: TaskContent): object =>
  'inline' in one ? { inline: Buffer.from(one.inline).toString('base64') } : one;

export const outputsJson = (outputs: readonly TaskContent[]): readonly object[] => outputs.map(contentJson);

export const taskJson = (task: TaskCall): object => ({
  ...task,
  args: task.args === undefined ? undefined : Buffer.from(task.args).toString('base64'),
  inputs: task.inputs.map((input) => (input === undefined ? null : contentJson(input))),
});
