/** Reads bodies of both dialects to the JSON shape that the schemas check. */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { z } from 'zod';
import { RuntimeError } from '../../common/errors.ts';
import type { Dialect } from '../../contracts/agent/bodies.ts';
import { requestError } from '../../contracts/agent/bodies.ts';
import { parseJson } from '../../contracts/agent/json.ts';
import type { BodyLimits } from '../../contracts/agent/xml.ts';
import { readXmlBody, type XmlRoot } from '../../contracts/agent/xml-bodies.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Root element that the route reads; absent: no XML here. */
    xmlRoot?: XmlRoot;
  }
}

export const dialectOf = (request: FastifyRequest): Dialect =>
  request.headers['content-type']?.toLowerCase().startsWith('application/xml') === true ? 'xml' : 'json';

export function installBodies(app: FastifyInstance, limits: BodyLimits): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (_request, body: Buffer, done) => {
    settle(done, () => parseJson(decodeUtf8(body, 'JSON'), limits));
  });
  app.addContentTypeParser('application/xml', { parseAs: 'buffer' }, (request, body: Buffer, done) => {
    settle(done, () => {
      const root = request.routeOptions.config.xmlRoot;
      if (root === undefined) throw new RuntimeError('ERR_MEDIA_TYPE_UNSUPPORTED', { type: 'application/xml' });
      return readXmlBody(decodeUtf8(body, 'XML'), root, limits);
    });
  });
  app.setValidatorCompiler<z.ZodType>(({ schema, httpPart }) => (data) => {
    const result = schema.safeParse(data);
    if (result.success) return { value: result.data };
    return { error: new ValidationFailure(result.error.issues, httpPart === 'body') };
  });
  app.addHook('preValidation', (request, _reply, done) => {
    const wantsBody = request.routeOptions.schema?.body !== undefined;
    if (!wantsBody || request.body !== undefined) return done();
    const reason = 'is missing; send application/xml or application/json';
    done(new RuntimeError('ERR_REQUEST_INVALID', { field: 'body', reason }));
  });
}

type Done = (error: Error | null, body?: unknown) => void;

function settle(done: Done, read: () => unknown): void {
  let body: unknown;
  try {
    body = read();
  } catch (error) {
    done(error as Error);
    return;
  }
  done(null, body);
}

/** Carries the issues to the error handler, which alone knows the dialect of the request. */
export class ValidationFailure extends Error {
  readonly statusCode = 400;
  readonly issues: readonly z.core.$ZodIssue[];
  readonly inBody: boolean;

  constructor(issues: readonly z.core.$ZodIssue[], inBody: boolean) {
    super('the request does not fit its schema');
    this.issues = issues;
    this.inBody = inBody;
  }

  toRuntimeError(request: FastifyRequest): RuntimeError {
    return requestError(this.issues, this.inBody ? dialectOf(request) : 'json');
  }
}

const decoder = new TextDecoder('utf-8', { fatal: true });

function decodeUtf8(body: Buffer, format: string): string {
  try {
    return decoder.decode(body);
  } catch {
    throw new RuntimeError('ERR_REQUEST_MALFORMED', { format, reason: 'it is not UTF-8' });
  }
}
