import { z } from 'zod';
import { ROLES } from './authenticator.ts';
import { isLoopback } from './no-auth.ts';

const isPrivate = (issuer: string): boolean => issuer.startsWith('https:') || isLoopback(new URL(issuer).hostname);

/** How this tier trusts an OIDC issuer. Keycloak's is `<base>/realms/<realm>`. */
export const oidcSettings = z
  .strictObject({
    issuer: z.url({ protocol: /^https?$/ }),
    /** Whoever says so vouches for the network between this tier and the issuer. */
    issuerInClear: z.boolean().default(false),
    /** This tier at the issuer: for refresh, password and client-credentials grants and for introspection. */
    clientId: z.string().min(1),
    clientSecret: z.string().min(1).optional(),
    /** A token is for us when its `aud` holds one of these; by default the client id. */
    audience: z.array(z.string().min(1)).min(1).optional(),
    /** `auto`: signed tokens by the issuer's keys, opaque ones by introspection. */
    verification: z.enum(['auto', 'jwks', 'introspection']).default('auto'),
    /** Where tokens carry roles, as dotted paths into the claims; `{client}` is the client id. */
    roleClaims: z
      .array(z.string().min(1))
      .default(['realm_access.roles', 'resource_access.{client}.roles', 'roles', 'groups']),
    /** What the issuer calls our roles. */
    roleNames: z
      .partialRecord(z.enum(ROLES), z.array(z.string().min(1)))
      .default(Object.fromEntries(ROLES.map((role) => [role, [`metakernel-${role}`]]))),
    /** Every person the issuer vouches for has these; the original lets every one of them use everything. */
    defaultRoles: z.array(z.enum(ROLES)).default(['user']),
    /** Clients whose own (client-credentials) tokens act as `service`: drivers, sidecars, other services. */
    serviceClients: z.array(z.string().min(1)).default([]),
    scope: z.string().default('openid'),
    clockToleranceSeconds: z.int().min(0).max(300).default(5),
    timeoutMs: z.int().min(1).max(60_000).default(5_000),
    /** Signing keys are fetched again after this, and sooner when a token names an unknown one. */
    keysMaxAgeMs: z.int().min(1_000).default(600_000),
    /** At most one fetch per this for tokens that name unknown keys: strangers must not make us hammer the issuer. */
    keysCooldownMs: z.int().min(0).default(10_000),
    /** How long an introspection answer is believed. */
    introspectionMaxAgeMs: z.int().min(0).max(60_000).default(5_000),
  })
  .refine(({ issuer, issuerInClear }) => issuerInClear || isPrivate(issuer), {
    path: ['issuer'],
    error: 'must be https: tokens and secrets would cross the network in the clear',
  })
  .readonly();
export type OidcSettings = z.output<typeof oidcSettings>;
