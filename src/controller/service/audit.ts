import { randomUUID } from 'node:crypto';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Logger } from '../../common/logger.ts';
import type { Permission } from '../iam/authenticator.ts';
import type { Database } from '../store/database.ts';
import type { AuditTable } from '../store/schema.ts';
import type { Access } from './access.ts';
import { identityIn } from './access.ts';
import { every } from './every.ts';

/** Who did what to what, and whether it was let. No body, no query and no credential is in it. */
export interface AuditEntry {
  readonly at: number;
  readonly service: string;
  /** Empty when the caller was not known. */
  readonly subject: string;
  readonly username: string;
  /** `DELETE /jobmanager/groups/:group_uuid`. */
  readonly action: string;
  /** The path as it was asked for: it names the object. */
  readonly target: string;
  readonly status: number;
  readonly requestId: string;
}

export interface AuditLog extends AsyncDisposable {
  record(entry: AuditEntry): void;
}

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Calls are written down although the permission alone would not make them. */
    audit?: boolean;
  }
}

/** What people change. What drivers and leases do all the time is told by the stories of jobs. */
const AUDITED: ReadonlySet<Access> = new Set<Permission>(['deployments:write', 'jobs:remediate']);
const DENIED: ReadonlySet<number> = new Set([401, 403]);

export function auditRequests(app: FastifyInstance, service: string, log: AuditLog): void {
  app.addHook('onResponse', async (request, reply) => {
    if (isAudited(request, reply)) log.record(entryOf(request, reply, service));
  });
}

function isAudited(request: FastifyRequest, { statusCode }: FastifyReply): boolean {
  const { access, audit = false } = request.routeOptions.config;
  if (request.is404 || access === undefined) return false;
  if (DENIED.has(statusCode)) return true;
  return audit || (request.method !== 'GET' && AUDITED.has(access));
}

function entryOf(request: FastifyRequest, { statusCode }: FastifyReply, service: string): AuditEntry {
  const identity = identityIn(request);
  return {
    at: Date.now(),
    service,
    subject: identity?.subject ?? '',
    username: identity?.username ?? '',
    action: `${request.method} ${request.routeOptions.url ?? ''}`,
    target: (request.url.split('?', 1)[0] ?? '').slice(0, LONGEST_TARGET),
    status: statusCode,
    requestId: request.id,
  };
}

const LONGEST_TARGET = 500;

/** For services that keep nothing: the log of the process is their audit log. */
export const createLoggedAudit = (logger: Logger): AuditLog => ({
  record: (entry) => logger.info({ audit: entry }, 'audit'),
  [Symbol.asyncDispose]: () => Promise.resolve(),
});

const FLUSH_MS = 200;
const BATCH = 500;
/** Beyond this the oldest that could not be stored are in the log of the process alone. */
const MOST_WAITING = 10_000;

/**
 * In the log of the process at once, and in the database a moment later, many in one statement. While the database is
 * away they wait; what waits when the process is killed is in its log.
 */
export function createStoredAudit(database: Database, logger: Logger): AuditLog {
  const waiting: AuditEntry[] = [];
  const logged = createLoggedAudit(logger);
  const flush = async (): Promise<void> => {
    while (waiting.length > 0) {
      const batch = waiting.slice(0, BATCH);
      await database.query.insertInto('audit').values(batch.map(rowOf)).execute();
      waiting.splice(0, batch.length);
    }
  };
  const flushing = every(FLUSH_MS, flush, logger);
  flushing.start();
  return {
    record: (entry) => {
      logged.record(entry);
      waiting.push(entry);
      if (waiting.length > MOST_WAITING) waiting.shift();
    },
    [Symbol.asyncDispose]: async () => {
      await flushing.stop();
      await flush().catch((thrown: unknown) => logger.warn({ err: String(thrown) }, 'audit entries were not stored'));
    },
  };
}

let entries = 0;

/** Of what came in one millisecond, the order is that of the ids: they count, in digits that every collation sorts alike. */
const nextId = (): string => `${String(entries++).padStart(12, '0')}-${randomUUID()}`;

const rowOf = ({ requestId, ...entry }: AuditEntry): AuditTable => ({
  id: nextId(),
  ...entry,
  request_id: requestId,
});
