/** JSON that the agent answers with: schemas for clients, for the OpenAPI document and for the tests. */
import { z } from 'zod';
import { errorBody } from './end-schema.ts';
import { APPLICATION_LANGUAGES } from './model.ts';

const count = z.int().min(0);
const wallClock = z.number().describe('Milliseconds since the epoch');

export const errorReply = z.object({
  status: z.int(),
  code: z.string(),
  message: z.string(),
  field: z.string().optional(),
  retryable: z.boolean().describe('Whether the same request may succeed later'),
});
export type ErrorReplyBody = z.infer<typeof errorReply>;

export const startedReply = z.object({ appId: z.string().describe('Signed 64-bit decimal') });

export const applicationStatus = z.enum(['accepted', 'running', 'completed', 'failed', 'cancelled', 'lost']);

export const taskCounts = z.object({
  submitted: count,
  blocked: count,
  ready: count,
  running: count,
  completed: count,
  failed: count,
  cancelled: count,
});

export const applicationBody = z.object({
  appId: z.string(),
  status: applicationStatus,
  lang: z.enum(APPLICATION_LANGUAGES),
  className: z.string(),
  methodName: z.string(),
  node: z.string().optional().describe('Node that runs the main function'),
  createdAt: wallClock,
  startedAt: wallClock.optional(),
  endedAt: wallClock.optional(),
  tasks: taskCounts,
  completedByNode: z.record(z.string(), count),
  error: errorBody.optional(),
});
export type ApplicationBody = z.infer<typeof applicationBody>;

export const applicationList = z.object({ applications: z.array(applicationBody) });

export const resultBody = z.object({
  appId: z.string(),
  results: z.array(
    z.object({
      from: z.string().describe("'return', or the direction of the parameter"),
      index: z.int(),
      name: z.string().optional(),
      type: z.string().optional().describe('JavaScript class of a value that JSON has no form for'),
      value: z.unknown().optional(),
      path: z.string().optional().describe('Files: where it is on the agent'),
      locations: z.array(z.string()).optional(),
    }),
  ),
});
export type ResultBody = z.infer<typeof resultBody>;

export const cancelledReply = z.object({ appId: z.string(), cancelled: z.boolean() });

const processorView = z.object({
  name: z.string(),
  type: z.string().optional(),
  architecture: z.string(),
  units: z.int(),
});

/** The first three fields are what COMPSs gives; the others come only as application/json. */
export const resourceBody = z.object({
  name: z.string(),
  description: z.object({
    processors: z.array(processorView),
    memory_size: z.number().describe('GB; -1: not given'),
    memory_type: z.string(),
    storage_size: z.number().describe('GB; -1: not given'),
    storage_type: z.string(),
    storage_bandwidth: z.number(),
  }),
  adaptor: z.string().describe("COMPSs's name of the node class"),
  scheme: z.string().optional(),
  self: z.boolean().optional(),
  state: z.string().optional(),
  freeCpus: z.number().optional(),
  running: count.optional(),
  queued: count.optional(),
  completed: count.optional(),
  pid: z.int().optional(),
  bytesIn: z.number().optional(),
  bytesOut: z.number().optional(),
});
export const resourcesReply = z.object({ time: wallClock, resources: z.array(resourceBody) });
export type ResourcesReply = z.infer<typeof resourcesReply>;

const eventHead = { appId: z.string(), seq: z.int(), at: wallClock };
export const applicationEvent = z.discriminatedUnion('type', [
  z.object({ ...eventHead, type: z.literal('status'), application: applicationBody }),
  z.object({
    ...eventHead,
    type: z.literal('progress'),
    tasks: taskCounts,
    completedByNode: z.record(z.string(), count),
  }),
  z.object({ ...eventHead, type: z.literal('notice'), error: errorBody }),
]);
export type ApplicationEventBody = z.infer<typeof applicationEvent>;

export const explanationBody = z.object({
  task: z.string(),
  status: z.string(),
  summary: z.string(),
  waitsFor: z.array(z.object({ version: z.string(), writer: z.string().optional(), status: z.string().optional() })),
  resources: z.array(z.object({ name: z.string(), reason: z.string() })),
});
export type ExplanationBody = z.infer<typeof explanationBody>;
export const explanationList = z.object({
  tasks: z.array(explanationBody),
  waiting: count.describe('Tasks that wait, explained here or not'),
});

export const storyBody = z.object({
  task: z.string(),
  signature: z.string(),
  entries: z.array(
    z.object({ at: wallClock, from: z.string(), to: z.string(), cause: z.string(), node: z.string().optional() }),
  ),
});
export type StoryBody = z.infer<typeof storyBody>;

export const graphBody = z.object({
  tasks: z.array(
    z.object({
      id: z.string(),
      signature: z.string(),
      status: z.string(),
      node: z.string().optional(),
      attempts: count,
      computingNodes: count.optional(),
      group: z.string().optional(),
      recomputes: z.string().optional(),
    }),
  ),
  edges: z.array(z.object({ from: z.string(), to: z.string(), version: z.string() })),
  syncs: z.array(z.object({ waitedFor: z.array(z.object({ task: z.string(), version: z.string().optional() })) })),
  forgotten: count,
});

const storeStats = z.object({
  versions: count,
  pinned: count,
  inlineBytes: z.number(),
  regionBytes: z.number(),
  slabBytes: z.number(),
  spilledBytes: z.number(),
});

export const dataBody = z.object({
  store: storeStats,
  transfers: z.object({ bytesIn: z.number(), bytesOut: z.number(), pulls: count, failures: count }),
  versions: z.array(
    z.object({
      version: z.string(),
      kind: z.string(),
      name: z.string().optional(),
      bytes: z.number(),
      holders: z.array(z.string()),
    }),
  ),
  total: count,
});

export const healthBody = z.object({
  status: z.enum(['ok', 'unavailable']),
  name: z.string(),
  version: z.string(),
  reasons: z.array(z.string()),
  incarnation: z.string().optional().describe('New at every start of the process'),
});
