/** What a request must pass before anything of it is read: rate, host, identity, role. */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { RuntimeError } from '../../common/errors.ts';
import { mayAct, type Role } from '../../contracts/agent/role.ts';
import type { HostCheck } from './host-check.ts';
import { createRateLimit } from './rate-limit.ts';
import type { TokenTable } from './tokens.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** What a caller must be; absent: anybody (health probes). */
    role?: Role;
  }
}

export interface GuardOptions {
  readonly hostCheck: HostCheck;
  /** Absent: no tokens are asked for. */
  readonly tokens?: TokenTable;
  /** Requests of one address in a second; 0: no limit. */
  readonly requestsPerSecond: number;
}

const WINDOW_MS = 1_000;

export function installGuard(app: FastifyInstance, options: GuardOptions): void {
  const rate = createRateLimit(options.requestsPerSecond, WINDOW_MS);
  app.addHook('onRequest', (request, _reply, done) => {
    if (!rate.take(request.ip, Date.now())) {
      return done(new RuntimeError('ERR_RATE_LIMITED', { limit: options.requestsPerSecond, windowMs: WINDOW_MS }));
    }
    if (!options.hostCheck(request.headers.host)) {
      return done(new RuntimeError('ERR_HOST_REFUSED', { host: request.headers.host ?? '(none)' }));
    }
    done(checkRole(request, options.tokens));
  });
}

function checkRole(request: FastifyRequest, tokens: TokenTable | undefined): RuntimeError | undefined {
  const needs = request.routeOptions.config.role;
  if (tokens === undefined || needs === undefined) return undefined;
  const token = /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? '')?.[1];
  const has = token === undefined ? undefined : tokens.roleOf(token);
  if (has === undefined) return new RuntimeError('ERR_UNAUTHENTICATED');
  return mayAct(has, needs) ? undefined : new RuntimeError('ERR_ROLE_MISSING', { has, needs });
}
