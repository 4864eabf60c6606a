import { z } from 'zod';

/** `POST /api/v3/controller/`. Unknown members are refused, as the original does. */
export const controllerBody = z.strictObject({
  name: z.string().min(1).max(253),
  address: z
    .string()
    .min(1)
    .max(253)
    .regex(/^[^\s/@?#]+$/, 'is a host, or host and port, without scheme or path'),
});
export type ControllerBody = z.output<typeof controllerBody>;

/** `GET /api/v3/controller/`: an array when somebody is registered; 204 with no body when nobody is. */
export const controllerList = z.array(z.object({ name: z.string(), address: z.string() }));
export type ControllerList = z.output<typeof controllerList>;

/** The texts of the two answers to a registration: JSON strings. */
export const ControllerAnswer = {
  Added: 'New controller correctly added',
  Renewed: 'Controller already exists, timer has been reset',
} as const;

/** A DNS name in lower case, of one label or more. */
export const domainName = z
  .string()
  .min(1)
  .max(253)
  .toLowerCase()
  .regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/, 'is not a domain name');

/**
 * `POST /api/v3/domain/{domain}`: a new node asks what it is to be. The first of a domain becomes its controller and
 * keeps that by registering again before the lease ends; all others are told whose agents they are.
 */
export const domainAnswer = z.object({
  role: z.enum(['controller', 'agent']),
  domain: z.string(),
  controller: z.object({ name: z.string(), address: z.string() }),
  leaseSeconds: z.number().positive(),
});
export type DomainAnswer = z.output<typeof domainAnswer>;

/** How long a registration lasts, on the answers to one. */
export const LEASE_HEADER = 'x-lease-seconds';
