import { z } from 'zod';

/** How the policy manager reaches the service that asked, once a policy is violated. */
export const policyCallback = z.object({
  type: z.literal('icos-service').default('icos-service'),
  uri: z.string().startsWith('/'),
  http_method: z.enum(['POST', 'GET']).default('POST'),
  include_access_token: z.boolean().default(false),
  extra_params: z.record(z.string(), z.string()).default({}),
});

/** `POST /polman/registry/api/v1/icos/app`: the life of an application instance, told to the policy manager. */
export const applicationEvent = z.discriminatedUnion('event', [
  z.object({
    event: z.literal('created'),
    app_instance: z.string().min(1),
    service: z.literal('job-manager'),
    app_descriptor: z.string().min(1),
    callback: policyCallback,
  }),
  ...(['started', 'stopped', 'deleted'] as const).map((event) =>
    z.object({
      event: z.literal(event),
      app_instance: z.string().min(1),
      service: z.literal('job-manager'),
    }),
  ),
]);
export type ApplicationEvent = z.output<typeof applicationEvent>;
