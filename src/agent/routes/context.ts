import type { IncomingMessage, ServerResponse } from 'node:http';
import type { FastifyBaseLogger, FastifyInstance, RawServerDefault } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { RuntimeError } from '../../common/errors.ts';
import type { Logger } from '../../common/logger.ts';
import { parseApplicationId } from '../../contracts/agent/application-id.ts';
import type { AgentBackend, ApplicationView } from '../backend.ts';

export type AgentApp = FastifyInstance<
  RawServerDefault,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  ZodTypeProvider
>;

/** What routes may touch. */
export interface RouteContext {
  readonly backend: AgentBackend;
  readonly logger: Logger;
  /** Wall-clock milliseconds. */
  readonly now: () => number;
  /** A line on the agent's stdout: scripts wait for some of them. */
  readonly print: (line: string) => void;
  /** Throws ERR_PATH_OUTSIDE for a path that no request may name. */
  readonly checkPath: (path: string, field: string) => void;
  /** Stops the agents named, then this one. Ends when the runtime has stopped; the listener goes a little later. */
  readonly stop: (forwardTo: readonly string[]) => Promise<void>;
  readonly version: string;
}

export function findApplication(backend: AgentBackend, text: string): ApplicationView {
  const id = parseApplicationId(text);
  const view = id === undefined ? undefined : backend.application(id);
  if (view === undefined) throw new RuntimeError('ERR_APPLICATION_UNKNOWN', { application: text.slice(0, 64) });
  return view;
}
