/** Builds the agent's REST interface over a backend. Nothing listens: tests inject, `server.ts` listens. */
import type { Server as TlsServer } from 'node:tls';
import swagger from '@fastify/swagger';
import fastify, { type FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import type { Logger } from '../common/logger.ts';
import type { TlsSource } from '../common/tls.ts';
import type { BodyLimits } from '../contracts/agent/xml.ts';
import type { AgentBackend } from './backend.ts';
import { installBodies } from './http/bodies.ts';
import { installErrors } from './http/errors.ts';
import { installGuard } from './http/guard.ts';
import type { HostCheck } from './http/host-check.ts';
import { installUnknownRoutes } from './http/unknown-routes.ts';
import { type AgentMetrics, createAgentMetrics } from './metrics.ts';
import { swaggerOptions } from './openapi.ts';
import { addApplicationRoutes } from './routes/applications.ts';
import { addCallRoutes } from './routes/calls.ts';
import type { AgentApp, RouteContext } from './routes/context.ts';
import { addObserveRoutes } from './routes/observe.ts';
import { addPoolRoutes } from './routes/pool.ts';
import { addServiceRoutes } from './routes/service.ts';
import type { Access } from './security/access.ts';
import type { AuditLog } from './security/audit-log.ts';
import { renewOnChange, serverOptions } from './security/tls-server.ts';

export interface AgentAppOptions extends RouteContext {
  readonly backend: AgentBackend;
  readonly logger: Logger;
  readonly hostCheck: HostCheck;
  readonly access: Access;
  readonly audit: AuditLog;
  readonly maxBodyBytes: number;
  readonly bodyLimits: BodyLimits;
  /** Requests of one address in a second; 0: no limit. */
  readonly requestsPerSecond: number;
  /** With a CA, callers are asked for a certificate of it: the guard looks at what they show. */
  readonly tls?: TlsSource;
}

/** A caller gets this long to send its headers and body. */
const REQUEST_TIMEOUT_MS = 120_000;

export async function createAgentApp(options: AgentAppOptions): Promise<AgentApp> {
  const app = createInstance(options);
  const base = app as unknown as FastifyInstance;
  const metrics = createAgentMetrics(options.backend);
  installErrors(base, options.logger, options.maxBodyBytes);
  installGuard(base, options);
  installUnknownRoutes(base);
  installBodies(base, options.bodyLimits);
  installAccessLog(base, options.logger, metrics);
  await app.register(swagger, swaggerOptions(options.version));
  addPoolRoutes(app, options);
  addCallRoutes(app, options);
  addApplicationRoutes(app, options);
  addObserveRoutes(app, options);
  addServiceRoutes(app, options, metrics);
  return app;
}

function createInstance(options: AgentAppOptions): AgentApp {
  const { tls } = options;
  const https = tls === undefined ? null : serverOptions(tls);
  const app = fastify({
    logger: false,
    bodyLimit: options.maxBodyBytes,
    requestTimeout: REQUEST_TIMEOUT_MS,
    forceCloseConnections: true,
    routerOptions: { ignoreTrailingSlash: true, maxParamLength: 200 },
    https,
  }).withTypeProvider<ZodTypeProvider>() as unknown as AgentApp;
  // The types have checked what is sent; checking each answer again would only cost time.
  app.setSerializerCompiler(() => (data) => JSON.stringify(data));
  if (tls !== undefined) {
    const stop = renewOnChange(app.server as unknown as TlsServer, tls);
    app.addHook('onClose', (_instance, done) => {
      stop();
      done();
    });
  }
  return app;
}

function installAccessLog(app: FastifyInstance, logger: Logger, metrics: AgentMetrics): void {
  app.addHook('onResponse', (request, reply, done) => {
    const route = request.routeOptions.url ?? 'unknown';
    const { statusCode: status, elapsedTime } = reply;
    metrics.answered(request.method, route, status, elapsedTime / 1000);
    logger.debug({ method: request.method, url: request.url, status, ms: elapsedTime }, 'request');
    done();
  });
}
