import { z } from 'zod';
import { goObject, stored, uuidOrEmpty } from './go-json.ts';

const text = z.string().max(4096);

/** What a policy looks at. Host and custom subjects carry members of their own, which are not the job manager's. */
export const incomplianceSubject = goObject({
  ...stored,
  ID: z.string().max(64).default(''),
  type: text.optional(),
  appName: text.optional(),
  appComponent: text.optional(),
  appInstance: text.optional(),
  resourceId: uuidOrEmpty.optional(),
});
export type IncomplianceSubject = z.output<typeof incomplianceSubject>;

/** `POST /jobmanager/policies/incompliance`: a policy is violated and this is what to do about it. */
export const incomplianceBody = goObject({
  ...stored,
  ID: z.string().max(64).default(''),
  currentValue: z.union([text, z.number().transform(String)]).optional(),
  threshold: text.optional(),
  policyName: text.min(1),
  policyId: text.optional(),
  measurementBackend: text.optional(),
  extraLabels: z.record(z.string().max(1024), text).optional(),
  subject: incomplianceSubject,
  remediation: z.string().min(1).max(63),
});
export type IncomplianceBody = z.output<typeof incomplianceBody>;
