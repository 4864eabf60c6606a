import type { FastifyInstance, FastifyRequest } from 'fastify';
import {
  type Authenticator,
  type CredentialHeaders,
  type Identity,
  type Permission,
  requirePermission,
} from '../iam/authenticator.ts';

/** Who may call a route: anybody, anybody with a valid credential, or whoever has the permission. */
export type Access = 'public' | 'authenticated' | Permission;

declare module 'fastify' {
  interface FastifyContextConfig {
    access?: Access;
  }
}

const IDENTITY = Symbol('identity');
type Identified = FastifyRequest & { [IDENTITY]?: Identity };

/** Who is asking, where that is known. */
export const identityIn = (request: FastifyRequest): Identity | undefined => (request as Identified)[IDENTITY];

/** Who is asking. Only in routes that are not public; elsewhere it is a bug to ask. */
export function identityOf(request: FastifyRequest): Identity {
  const identity = (request as Identified)[IDENTITY];
  if (identity === undefined) throw new Error(`${request.routeOptions.url} is public and has no identity`);
  return identity;
}

/**
 * Checks every request before its body is read. A route that does not say who may call it is a bug and stops the
 * service from starting.
 */
export function requireAccess(app: FastifyInstance, authenticator: Authenticator): void {
  app.addHook('onRoute', (route) => {
    if (route.config?.access === undefined) {
      throw new Error(`route ${String(route.method)} ${route.url} does not say who may call it`);
    }
  });
  app.addHook('onRequest', async (request) => {
    const access = request.routeOptions.config.access;
    if (request.is404 || access === 'public' || access === undefined) return;
    const identity = await authenticator.verify(request.headers as CredentialHeaders);
    (request as Identified)[IDENTITY] = identity;
    if (access !== 'authenticated') requirePermission(identity, access);
  });
}
