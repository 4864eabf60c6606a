/** Every failure of a request as one body: code, message, field; in JSON or as text, as the caller reads. */
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { ERRORS, type ErrorCode, type ErrorDetails, RuntimeError } from '../../common/errors.ts';
import type { Logger } from '../../common/logger.ts';
import { negotiate } from './accept.ts';
import { dialectOf, ValidationFailure } from './bodies.ts';

export interface ErrorReply {
  readonly status: number;
  readonly code: string;
  readonly message: string;
  readonly field?: string;
  readonly retryable: boolean;
}

/** Texts that COMPSs's documentation promises: sent as they are to who reads text. */
const COMPSS_TEXTS: Partial<Record<ErrorCode, (details: ErrorDetails) => string>> = {
  ERR_LANGUAGE_UNSUPPORTED: () => 'Unsupported language.',
  ERR_RESOURCE_UNKNOWN: ({ name }) => `Resource ${name} was not set up for this agent. Ignoring request.`,
};

/** What COMPSs answers with to the same mistakes; only to who speaks its XML. */
const COMPSS_STATUSES: Partial<Record<ErrorCode, number>> = { ERR_RESOURCE_UNKNOWN: 500, ERR_ADAPTOR_UNKNOWN: 500 };

export function installErrors(app: FastifyInstance, logger: Logger, maxBodyBytes: number): void {
  app.setErrorHandler((thrown: FastifyError | Error, request, reply) => {
    const error = toRuntimeError(thrown, request, maxBodyBytes);
    if (error === undefined) logger.error({ err: thrown, method: request.method, url: request.url }, 'request failed');
    return sendError(request, reply, error ?? new RuntimeError('ERR_INTERNAL', { reason: 'see the log of the agent' }));
  });
}

/** Undefined for what is a bug of ours: the caller gets no details. */
function toRuntimeError(thrown: unknown, request: FastifyRequest, maxBodyBytes: number): RuntimeError | undefined {
  if (isRuntimeError(thrown)) return thrown.code === 'ERR_INTERNAL' ? undefined : thrown;
  if (thrown instanceof ValidationFailure) return thrown.toRuntimeError(request);
  const { code, statusCode, message } = thrown as Partial<FastifyError>;
  if (code === 'FST_ERR_CTP_BODY_TOO_LARGE') return new RuntimeError('ERR_REQUEST_TOO_LARGE', { limit: maxBodyBytes });
  if (code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE') {
    return new RuntimeError('ERR_MEDIA_TYPE_UNSUPPORTED', { type: request.headers['content-type'] ?? 'none' });
  }
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500) {
    return new RuntimeError('ERR_REQUEST_INVALID', { field: 'request', reason: message });
  }
  return undefined;
}

const isRuntimeError = (thrown: unknown): thrown is RuntimeError =>
  thrown instanceof Error && Object.hasOwn(ERRORS, (thrown as { code?: string }).code ?? '');

export function sendError(request: FastifyRequest, reply: FastifyReply, error: RuntimeError): FastifyReply {
  const compss = dialectOf(request) === 'xml' ? COMPSS_STATUSES[error.code] : undefined;
  const status = compss ?? ERRORS[error.code].status;
  reply.code(status).header('x-error-code', error.code);
  if (error.code === 'ERR_UNAUTHENTICATED') reply.header('www-authenticate', 'Bearer');
  if (error.code === 'ERR_RATE_LIMITED') reply.header('retry-after', '1');
  if (wantsJson(request)) return reply.type('application/json').send(JSON.stringify(errorReply(error, status)));
  const text = COMPSS_TEXTS[error.code]?.(error.details) ?? `${error.code}: ${error.message}`;
  return reply.type('text/plain; charset=utf-8').send(text);
}

function errorReply(error: RuntimeError, status: number): ErrorReply {
  const { retryable } = ERRORS[error.code];
  const field = error.details['field'];
  return {
    status,
    code: error.code,
    message: error.message,
    ...(typeof field === 'string' ? { field } : {}),
    retryable,
  };
}

/** By Accept; where it says nothing, a caller that speaks JSON reads it, and curl with XML reads text. */
function wantsJson(request: FastifyRequest): boolean {
  const sentJson = request.headers['content-type']?.startsWith('application/json') === true;
  const offers = sentJson
    ? (['application/json', 'text/plain'] as const)
    : (['text/plain', 'application/json'] as const);
  return (negotiate(request.headers.accept, offers) ?? offers[0]) === 'application/json';
}
