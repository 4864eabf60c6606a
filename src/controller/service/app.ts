import type { IncomingMessage, ServerResponse } from 'node:http';
import fastifySwagger from '@fastify/swagger';
import Fastify, { type FastifyBaseLogger, type FastifyInstance, type RawServerDefault } from 'fastify';
import { createJsonSchemaTransform, validatorCompiler, type ZodTypeProvider } from 'fastify-type-provider-zod';
import type { Registry } from 'prom-client';
import type { RuntimeError } from '../../common/errors.ts';
import type { Logger } from '../../common/logger.ts';
import type { Authenticator } from '../iam/authenticator.ts';
import { requireAccess } from './access.ts';
import { type AuditLog, auditRequests, createLoggedAudit } from './audit.ts';
import { handleErrors } from './error-answer.ts';
import { EventStreams } from './event-stream.ts';
import { type HealthCheck, serveHealth } from './health.ts';
import { serveMetrics } from './metrics.ts';
import { REQUEST_ID_HEADER, requestIdOf } from './request-id.ts';

export type ServiceApp = FastifyInstance<
  RawServerDefault,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  ZodTypeProvider
>;

export interface ServiceAppOptions {
  /** As in `--only`: lighthouse, shell-backend, job-manager, matchmaker, aggregator. */
  readonly name: string;
  readonly description: string;
  readonly logger: Logger;
  readonly authenticator: Authenticator;
  readonly checks?: readonly HealthCheck[];
  readonly bodyLimitBytes?: number;
  /** Where what people change is written down; the log of the process when absent. */
  readonly audit?: AuditLog;
  /** Older statuses for peers that depend on them; by default each error has the status of the table. */
  readonly statusOf?: (error: RuntimeError) => number;
}

export interface ServiceBase {
  readonly app: ServiceApp;
  readonly metrics: Registry;
  readonly streams: EventStreams;
}

/** Above the limit of a descriptor (512 KiB), with room for its JSON escapes. */
const DEFAULT_BODY_LIMIT = 2 << 20;
const REQUEST_TIMEOUT_MS = 30_000;
const KEEP_ALIVE_MS = 72_000;

/**
 * What all services of the tier share: validation and typing by zod, the one error table, request ids, access checks,
 * `/healthz`, `/readyz`, `/metrics`, `/docs` (OpenAPI), streams that end when the service does. Routes are added to
 * `app` afterwards; nothing listens until `listen`.
 */
export async function createServiceApp(options: ServiceAppOptions): Promise<ServiceBase> {
  const app = Fastify({
    logger: false,
    bodyLimit: options.bodyLimitBytes ?? DEFAULT_BODY_LIMIT,
    requestTimeout: REQUEST_TIMEOUT_MS,
    keepAliveTimeout: KEEP_ALIVE_MS,
    genReqId: requestIdOf,
    routerOptions: { ignoreTrailingSlash: true, maxParamLength: 256 },
    forceCloseConnections: 'idle',
  }).withTypeProvider<ZodTypeProvider>() as ServiceApp;
  app.setValidatorCompiler(validatorCompiler);
  // Answers are typed by TypeScript; checking each of them again at run time would only cost.
  app.setSerializerCompiler(() => (data) => JSON.stringify(data));
  const streams = new EventStreams();
  app.addHook('preClose', (done) => {
    streams.closeAll();
    done();
  });
  app.addHook('onSend', async (request, reply) => {
    void reply.header(REQUEST_ID_HEADER, request.id);
  });
  handleErrors(app as unknown as FastifyInstance, options.logger, options.statusOf ?? ((error) => error.status));
  await serveDocs(app, options);
  requireAccess(app as unknown as FastifyInstance, options.authenticator);
  auditRequests(app as unknown as FastifyInstance, options.name, options.audit ?? createLoggedAudit(options.logger));
  const metrics = serveMetrics(app as unknown as FastifyInstance, options.name);
  serveHealth(app as unknown as FastifyInstance, options.name, options.checks ?? []);
  app.get('/docs', { config: { access: 'public' }, schema: { hide: true } }, () => app.swagger());
  return { app, metrics, streams };
}

const toJsonSchema = createJsonSchemaTransform({ zodToJsonConfig: { unrepresentable: 'any' } });

async function serveDocs(app: ServiceApp, options: ServiceAppOptions): Promise<void> {
  await app.register(fastifySwagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: `metakernel ${options.name}`, description: options.description, version: '1' },
      components: {
        securitySchemes: {
          bearer: { type: 'http', scheme: 'bearer', description: 'An access token of the OIDC issuer.' },
          api_key: {
            type: 'apiKey',
            in: 'header',
            name: 'api_key',
            description: 'The refresh token of the ICOS shell.',
          },
        },
      },
      security: [{ bearer: [] }, { api_key: [] }],
    },
    transform: (input) => {
      const { schema, url } = toJsonSchema(input);
      const isPublic = input.route.config?.access === 'public';
      return { url, schema: isPublic ? { ...schema, security: [] } : schema };
    },
  });
}

/** Takes text bodies of the given types, and of any type when it is `*`, as strings. */
export function acceptText(app: ServiceApp, types: readonly string[]): void {
  app.addContentTypeParser([...types], { parseAs: 'string' }, (_request, body, done) => done(null, body));
}
