/** Serves the REST interface of an agent over its backend: everything but the runtime itself. */
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { RuntimeError } from '../common/errors.ts';
import type { Logger } from '../common/logger.ts';
import { packageVersion } from '../telemetry/version.ts';
import { createAgentApp } from './app.ts';
import type { AgentBackend } from './backend.ts';
import type { AgentConfig } from './config/config.ts';
import { followEndings } from './endings.ts';
import { createHostCheck } from './http/host-check.ts';
import { lingerAfterRefusal } from './http/linger.ts';
import { createAgentClient } from './http-client.ts';
import { Outbox } from './outbox.ts';
import { createPathPolicy } from './path-policy.ts';
import type { AgentApp } from './routes/context.ts';
import type { AgentSecurity } from './security/agent-security.ts';
import { createStopper } from './stopper.ts';

export interface RestServerOptions {
  readonly config: AgentConfig;
  readonly backend: AgentBackend;
  readonly logger: Logger;
  /** Lines for the agent's stdout. */
  readonly print: (line: string) => void;
  /** Told to stop by a request: the runtime has stopped, the process may end. */
  readonly onStopped: () => void;
  /** Directories that requests may name files in, beside those of the configuration (a temporary working directory). */
  readonly directories?: readonly string[];
  readonly security: AgentSecurity;
}

export interface RestServer extends AsyncDisposable {
  readonly port: number;
  readonly url: string;
  /** As DELETE /COMPSs: the agents named, then this one. */
  stop(forwardTo: readonly string[]): Promise<void>;
}

const CALL_TIMEOUT_MS = 10_000;
const FIRST_RETRY_MS = 200;
const LAST_RETRY_MS = 30_000;
const GIVE_UP_MS = 15 * 60_000;
/** The answer to the stop request goes out before the listener does. */
const STOP_DELAY_MS = 100;
/** Notifications that are under way at the end get this long. */
const OUTBOX_GRACE_MS = 2_000;

export async function startRestServer(options: RestServerOptions): Promise<RestServer> {
  const { config, backend, logger, print, security } = options;
  const client = createAgentClient({
    timeoutMs: CALL_TIMEOUT_MS,
    security,
    trusts: (host) =>
      config.allowedHost.includes(host) || backend.resources().some(({ description }) => description.name === host),
  });
  const outbox = createOutbox(config, logger, client.call);
  const stop = createStopper({
    client,
    logger,
    shutdown: async (reason) => {
      await backend.shutdown(reason);
      await outbox.settle(OUTBOX_GRACE_MS);
    },
    onStopped: () => void setTimeout(options.onStopped, STOP_DELAY_MS),
  });
  const app = await createApp(options, stop);
  const unfollow = followEndings({ backend, outbox, logger, print, stop });
  const close = async (): Promise<void> => {
    unfollow();
    await app.close();
    await outbox[Symbol.asyncDispose]();
  };
  try {
    await app.listen({ host: config.host, port: config.restPort });
  } catch (error) {
    await close();
    throw portError(`${config.host}:${config.restPort}`, error);
  }
  const { port } = app.server.address() as AddressInfo;
  const scheme = security.tls === undefined ? 'http' : 'https';
  const host = config.host.includes(':') ? `[${config.host}]` : config.host;
  return { port, url: `${scheme}://${host}:${port}`, stop, [Symbol.asyncDispose]: close };
}

type Call = ReturnType<typeof createAgentClient>['call'];

const createOutbox = (config: AgentConfig, logger: Logger, call: Call): Outbox =>
  new Outbox({
    logger,
    send: ({ url, body, format }, signal) => call('PUT', url, { text: body, format: format ?? 'xml' }, signal),
    firstRetryMs: FIRST_RETRY_MS,
    lastRetryMs: LAST_RETRY_MS,
    giveUpMs: GIVE_UP_MS,
    ...(config.stateDir === undefined ? {} : { directory: join(config.stateDir, 'outbox') }),
  });

async function createApp(
  { config, backend, logger, print, directories, security }: RestServerOptions,
  stop: RestServer['stop'],
): Promise<AgentApp> {
  const { appPath, dataPath, sharedPath, workingDir } = config;
  const paths = createPathPolicy([
    ...appPath,
    ...dataPath,
    ...sharedPath,
    ...(workingDir === undefined ? [] : [workingDir]),
    ...(directories ?? []),
  ]);
  const app = await createAgentApp({
    backend,
    logger,
    now: Date.now,
    print,
    checkPath: (path, field) => void paths.resolve(path, field),
    stop,
    version: packageVersion(),
    hostCheck: createHostCheck({
      name: config.name,
      bindHost: config.host,
      allowedHosts: [config.advertiseHost, ...config.allowedHost],
    }),
    maxBodyBytes: config.maxBodyBytes,
    bodyLimits: { maxDepth: config.maxBodyDepth, maxNodes: config.maxBodyNodes },
    requestsPerSecond: config.requestsPerSecond,
    ...security,
  });
  lingerAfterRefusal(app);
  return app;
}

function portError(address: string, error: unknown): RuntimeError {
  const code = (error as { code?: string }).code;
  const reason = code === 'EADDRINUSE' ? 'the port is in use' : error instanceof Error ? error.message : String(error);
  return new RuntimeError('ERR_PORT_UNAVAILABLE', { address, reason }, { cause: error });
}
