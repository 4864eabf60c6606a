import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { ERRORS, RuntimeError } from '../../common/errors.ts';
import type { Logger } from '../../common/logger.ts';

/** The body of every error: `error` is the text that clients of the original tier look for. */
export interface ErrorAnswer {
  readonly error: string;
  readonly code: string;
  /** The member of the body, parameter or header that is wrong, when there is one. */
  readonly field?: string;
  readonly retryable: boolean;
  readonly requestId: string;
}

interface ValidationIssue {
  readonly instancePath?: string;
  readonly message?: string;
}

/** Fastify's own refusals, in the words of the one table. */
const FASTIFY_ERRORS: Readonly<Record<string, (error: FastifyError, bodyLimit: number) => RuntimeError>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: (_, limit) => new RuntimeError('ERR_REQUEST_TOO_LARGE', { field: 'body', limit }),
  FST_ERR_CTP_INVALID_MEDIA_TYPE: (error) => invalid('content-type', error.message),
  FST_ERR_CTP_INVALID_JSON_BODY: (error) => invalid('body', error.message),
  FST_ERR_CTP_EMPTY_JSON_BODY: () => invalid('body', 'is empty'),
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: () => invalid('content-length', 'does not match the body'),
};

const invalid = (field: string, reason: string): RuntimeError =>
  new RuntimeError('ERR_REQUEST_INVALID', { field, reason });

/** Any thrown thing as an error of the table. What is not one of ours keeps its text out of the answer. */
export function asRuntimeError(thrown: unknown, bodyLimit: number): RuntimeError {
  if (isOurs(thrown)) return thrown;
  const error = thrown as FastifyError & { validationContext?: string };
  if (error.validation !== undefined) return validationError(error.validation, error.validationContext ?? 'body');
  const known = FASTIFY_ERRORS[error.code];
  if (known !== undefined) return known(error, bodyLimit);
  if (typeof error.statusCode === 'number' && error.statusCode >= 400 && error.statusCode < 500) {
    return invalid('request', error.message);
  }
  return new RuntimeError(
    'ERR_INTERNAL',
    { reason: 'see the log of the service under this request id' },
    { cause: thrown },
  );
}

const isOurs = (thrown: unknown): thrown is RuntimeError =>
  thrown instanceof Error && Object.hasOwn(ERRORS, (thrown as { code?: string }).code ?? '') && 'details' in thrown;

function validationError(issues: readonly ValidationIssue[], context: string): RuntimeError {
  const [first] = issues;
  const path = (first?.instancePath ?? '').replace(/^\//, '').replaceAll('/', '.');
  return invalid(path === '' ? context : path, first?.message ?? 'is not valid');
}

export function answerError(error: RuntimeError, requestId: string): ErrorAnswer {
  const { field } = error.details;
  return {
    error: error.message,
    code: error.code,
    ...(typeof field === 'string' ? { field } : {}),
    retryable: error.retryable,
    requestId,
  };
}

const RETRY_AFTER_SECONDS = 2;

/** `statusOf` lets a service answer with an older status for peers that depend on it. */
export function handleErrors(app: FastifyInstance, logger: Logger, statusOf: (error: RuntimeError) => number): void {
  app.setErrorHandler((thrown: unknown, request: FastifyRequest, reply: FastifyReply) => {
    const error = asRuntimeError(thrown, request.routeOptions.bodyLimit ?? 0);
    const status = statusOf(error);
    const fields = { requestId: request.id, method: request.method, route: request.routeOptions.url, code: error.code };
    if (status >= 500) logger.error({ ...fields, err: causeOf(error) }, 'request failed');
    else logger.debug({ ...fields, status }, 'request refused');
    if (error.retryable) void reply.header('retry-after', RETRY_AFTER_SECONDS);
    if (status === 401) void reply.header('www-authenticate', 'Bearer');
    return reply.status(status).send(answerError(error, request.id));
  });
  app.setNotFoundHandler((request, reply) => {
    const path = request.url.split('?', 1)[0] ?? '';
    const error = new RuntimeError('ERR_ROUTE_UNKNOWN', { method: request.method, path });
    return reply.status(error.status).send(answerError(error, request.id));
  });
}

const causeOf = (error: RuntimeError): object => {
  const cause = error.cause instanceof Error ? error.cause : error;
  return { message: cause.message, stack: cause.stack };
};
