/** What a request must pass before anything of it is read: rate, host, identity, role. And what is told of it after. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { RuntimeError } from '../../common/errors.ts';
import type { Role } from '../../contracts/agent/role.ts';
import type { Access } from '../security/access.ts';
import type { AuditLog } from '../security/audit-log.ts';
import { type Caller, certificateOf } from '../security/caller.ts';
import type { HostCheck } from './host-check.ts';
import { createRateLimit } from './rate-limit.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** What a caller must be; absent: anybody (health probes). */
    role?: Role;
  }
  interface FastifyRequest {
    /** Known once the request has passed the guard, or was refused by it. */
    caller: Caller | undefined;
    /** What the request was about, for the audit log: an application, a node. */
    subject: string | undefined;
  }
}

export interface GuardOptions {
  readonly hostCheck: HostCheck;
  readonly access: Access;
  readonly audit: AuditLog;
  /** Requests of one address in a second; 0: no limit. */
  readonly requestsPerSecond: number;
}

const WINDOW_MS = 1_000;

export function installGuard(app: FastifyInstance, options: GuardOptions): void {
  const rate = createRateLimit(options.requestsPerSecond, WINDOW_MS);
  app.decorateRequest('caller', undefined);
  app.decorateRequest('subject', undefined);
  app.addHook('onRequest', (request, _reply, done) => {
    if (!rate.take(request.ip, Date.now())) {
      return done(new RuntimeError('ERR_RATE_LIMITED', { limit: options.requestsPerSecond, windowMs: WINDOW_MS }));
    }
    if (!options.hostCheck(request.headers.host)) {
      return done(new RuntimeError('ERR_HOST_REFUSED', { host: request.headers.host ?? '(none)' }));
    }
    done(checkRole(request, options.access));
  });
  app.addHook('onResponse', (request, reply, done) => {
    audit(request, reply, options.audit);
    done();
  });
}

function checkRole(request: FastifyRequest, access: Access): RuntimeError | undefined {
  const needs = request.routeOptions.config.role;
  if (needs === undefined) return undefined;
  const { authorization } = request.headers;
  const { caller, refusal } = access.judge({ authorization, certificate: certificateOf(request.raw.socket) }, needs);
  request.caller = caller;
  return refusal;
}

/** What changes something, and what was refused by the guard. Of a flood (429) the metrics tell, not a line for each. */
function audit(request: FastifyRequest, reply: FastifyReply, log: AuditLog): void {
  const { caller, subject, method, routeOptions } = request;
  const { role } = routeOptions.config;
  const { statusCode } = reply;
  const refused = statusCode === 401 || statusCode === 403;
  if (statusCode === 429 || (!refused && (role === undefined || role === 'read'))) return;
  log.record({
    port: 'rest',
    who: caller?.name ?? 'unknown',
    role: caller?.role,
    from: `${request.ip}:${request.socket.remotePort ?? 0}`,
    action: `${method} ${routeOptions.url ?? 'unknown'}`,
    outcome: statusCode < 400 ? 'ok' : String(reply.getHeader('x-error-code') ?? statusCode),
    ...(subject === undefined ? {} : { subject }),
  });
}
