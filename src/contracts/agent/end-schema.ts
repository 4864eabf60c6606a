/** Body of `endApplication`, in the JSON shape that both dialects share. */
import { z } from 'zod';
import type { ErrorInfo } from '../../common/errors.ts';
import { applicationId } from './application-id.ts';
import { type EndApplication, type EndProfile, JOB_END_STATUSES, type PlainValue } from './model.ts';
import { taskOutputs } from './task-schema.ts';
import { present } from './unassigned.ts';

const MAX_RESULTS = 10_000;

const time = z.number().optional();

const profileBody = z
  .object({ taskSubmitted: time, executionStart: time, executionEnd: time, taskEnd: time })
  .transform((body): EndProfile => present(body));

interface ErrorBody {
  readonly code: string;
  readonly message: string;
  readonly name?: string | undefined;
  readonly stack?: string | undefined;
  readonly details?: Record<string, string | number | boolean> | undefined;
  readonly cause?: ErrorBody | undefined;
}

export const errorBody: z.ZodType<ErrorBody> = z.lazy(() =>
  z.object({
    code: z.string(),
    message: z.string(),
    name: z.string().optional(),
    stack: z.string().optional(),
    details: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])).optional(),
    cause: errorBody.optional(),
  }),
);

const toErrorInfo = (body: ErrorBody): ErrorInfo => ({
  ...present({ code: body.code, message: body.message, name: body.name, stack: body.stack, details: body.details }),
  ...(body.cause === undefined ? {} : { cause: toErrorInfo(body.cause) }),
});

export const endApplicationBody = z
  .object({
    jobId: applicationId.describe('The id that startApplication answered with'),
    endStatus: z.enum(JOB_END_STATUSES),
    profile: profileBody.optional(),
    results: z
      .array(z.object({ locations: z.array(z.string()).max(MAX_RESULTS).optional() }))
      .max(MAX_RESULTS)
      .optional()
      .describe('Locations of each parameter, target and result'),
    error: errorBody.optional().describe('Between agents of this kind: why it failed'),
    values: z
      .array(z.custom<PlainValue>(() => true))
      .max(MAX_RESULTS)
      .optional()
      .describe('The same: what it returned'),
    outputs: taskOutputs.optional().describe('The same: outputs of a task'),
    cancelled: z.boolean().optional().describe('The same: it was cancelled'),
    ranMs: z.number().optional(),
  })
  .transform(
    (body): EndApplication => ({
      ...present({ jobId: body.jobId, endStatus: body.endStatus, profile: body.profile, values: body.values }),
      ...present({ outputs: body.outputs, cancelled: body.cancelled, ranMs: body.ranMs }),
      results: (body.results ?? []).map((result) => result.locations ?? []),
      ...(body.error === undefined ? {} : { error: toErrorInfo(body.error) }),
    }),
  );
