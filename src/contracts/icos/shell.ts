import { z } from 'zod';

/** `POST /api/v3/deployment/`: the whole descriptor as text. */
export const deploymentCreateBody = z.looseObject({ content: z.string().min(1) });
export type DeploymentCreateBody = z.output<typeof deploymentCreateBody>;

/**
 * `PUT /api/v3/deployment/{id}`: the original client sends the descriptor as a JSON object; the form of the creation
 * is taken as well.
 */
export const deploymentUpdateBody = z.union([deploymentCreateBody, z.record(z.string(), z.unknown())]);
export type DeploymentUpdateBody = z.output<typeof deploymentUpdateBody>;

/** Credentials of `login`; the original carries them in the query, a body is taken as well. */
export const loginBody = z.object({ username: z.string().min(1).max(256), password: z.string().min(1).max(1024) });
export type LoginBody = z.output<typeof loginBody>;

/** `GET /api/v3/resource/{id}` in the seed's annex. */
export const it1ResourceBody = z.object({
  id: z.int(),
  name: z.string().optional(),
  type: z.enum(['controller', 'node']),
  parentId: z.int(),
  status: z.enum(['online', 'offline']),
});
export type It1ResourceBody = z.output<typeof it1ResourceBody>;
