import { z } from 'zod';
import { ConditionStatus } from './enums.ts';
import { goObject, goTime, rowId, stored, uuidOrEmpty, ZERO_TIME } from './go-json.ts';

/** A condition as Kubernetes reports it, with the job manager's row fields in front. */
export const conditionBody = goObject({
  ...stored,
  ID: rowId.default(0),
  type: z.string().min(1).max(316),
  status: z.enum(ConditionStatus),
  observedGeneration: z.int().min(0).optional(),
  lastTransitionTime: goTime.default(ZERO_TIME),
  reason: z.string().max(1024).default(''),
  message: z.string().max(32_768).default(''),
});
export type ConditionBody = z.output<typeof conditionBody>;

/** What the orchestrator made of a job, and how it stands. `resource_uuid` is the orchestrator's id for it. */
export const deployedResourceBody = goObject({
  ...stored,
  ID: z.string().max(64).default(''),
  job_id: z.string().max(64).default(''),
  resource_uuid: uuidOrEmpty.optional(),
  resource_name: z.string().max(253).optional(),
  conditions: z.array(conditionBody).max(256).optional(),
});
export type DeployedResourceBody = z.output<typeof deployedResourceBody>;

/** `PUT /jobmanager/resources/status`: the resource is found by its `resource_uuid`. */
export const resourceStatusBody = goObject({
  ...stored,
  ID: z.string().max(64).default(''),
  job_id: z.string().max(64).default(''),
  resource_uuid: z.guid(),
  resource_name: z.string().max(253).optional(),
  conditions: z.array(conditionBody).max(256).default([]),
});
export type ResourceStatusBody = z.output<typeof resourceStatusBody>;
