import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { type Logger, silentLogger } from '../../../src/common/logger.ts';
import { identityOf } from '../../../src/controller/service/access.ts';
import { acceptText, createServiceApp, type ServiceBase } from '../../../src/controller/service/app.ts';
import { byText } from '../../support/identities.ts';

describe('a service of the controller tier', () => {
  let base: ServiceBase;
  let databaseProblem: string | undefined;
  const logged: { readonly fields: object; readonly message: string }[] = [];
  const logger: Logger = { ...silentLogger, error: (fields, message) => void logged.push({ fields, message }) };

  beforeEach(async () => {
    databaseProblem = undefined;
    logged.length = 0;
    base = await createServiceApp({
      name: 'sample',
      description: 'for tests',
      logger,
      authenticator: byText,
      bodyLimitBytes: 1000,
      checks: [
        { name: 'database', required: true, probe: () => databaseProblem },
        { name: 'peer', required: false, probe: () => Promise.reject(new Error('no route')) },
      ],
    });
    const { app } = base;
    acceptText(app, ['application/x-yaml']);
    const body = z.object({ owner: z.object({ id: z.uuid() }) });
    app.post('/things', { config: { access: 'deployments:write' }, schema: { body } }, (request) => ({
      id: request.body.owner.id,
      by: identityOf(request).subject,
    }));
    app.get('/bug', { config: { access: 'public' } }, () => {
      throw new Error('password=hunter2');
    });
    app.post('/text', { config: { access: 'public' } }, (request) => ({ text: request.body }));
  });
  afterEach(() => base.app.close());

  const post = (payload: unknown, authorization = 'Bearer ann:user') =>
    base.app.inject({ method: 'POST', url: '/things', headers: { authorization }, payload: payload as object });

  it('passes a valid request with its identity and a request id', async () => {
    const answer = await post({ owner: { id: '1ea125ca-6887-4097-9124-593abb5188f9' } });
    expect(answer.statusCode).toBe(200);
    expect(answer.json()).toEqual({ id: '1ea125ca-6887-4097-9124-593abb5188f9', by: 'ann' });
    expect(answer.headers['x-request-id']).toMatch(/^[0-9a-f-]{36}$/);
  });

  it('takes over a good request id and replaces a bad one', async () => {
    const ask = (id: string) => base.app.inject({ url: '/healthz', headers: { 'x-request-id': id } });
    expect((await ask('abc-1')).headers['x-request-id']).toBe('abc-1');
    expect((await ask('a b\tc')).headers['x-request-id']).not.toBe('a b\tc');
  });

  it('names the field of an invalid body', async () => {
    const answer = await post({ owner: { id: 'x' } });
    expect(answer.statusCode).toBe(400);
    expect(answer.json()).toMatchObject({ code: 'ERR_REQUEST_INVALID', field: 'owner.id', retryable: false });
    expect(answer.json<{ error: string }>().error).toContain('owner.id');
  });

  it.each([
    ['not JSON', '{', 400, 'ERR_REQUEST_INVALID'],
    ['a body over the limit', JSON.stringify({ a: 'x'.repeat(2000) }), 413, 'ERR_REQUEST_TOO_LARGE'],
  ])('refuses %s', async (_, payload, status, code) => {
    const answer = await base.app.inject({
      method: 'POST',
      url: '/things',
      headers: { authorization: 'Bearer ann:user', 'content-type': 'application/json' },
      payload,
    });
    expect(answer.statusCode).toBe(status);
    expect(answer.json()).toMatchObject({ code });
  });

  it('refuses an unknown media type where JSON is wanted', async () => {
    const answer = await base.app.inject({
      method: 'POST',
      url: '/things',
      headers: { authorization: 'Bearer ann:user', 'content-type': 'application/pdf' },
      payload: 'x',
    });
    expect(answer.json()).toMatchObject({ code: 'ERR_REQUEST_INVALID', field: 'content-type' });
  });

  it('asks for a credential, and for one with the right role, before it reads the body', async () => {
    const none = await base.app.inject({ method: 'POST', url: '/things', payload: '{' });
    expect(none.statusCode).toBe(401);
    expect(none.headers['www-authenticate']).toBe('Bearer');
    const other = await post('{', 'Bearer ctl:controller');
    expect(other.statusCode).toBe(403);
    expect(other.json()).toMatchObject({ code: 'ERR_FORBIDDEN' });
  });

  it('keeps the text of an unexpected error out of the answer and in the log', async () => {
    const answer = await base.app.inject({ url: '/bug' });
    expect(answer.statusCode).toBe(500);
    expect(answer.body).not.toContain('hunter2');
    expect(JSON.stringify(logged)).toContain('hunter2');
    expect(answer.json()).toMatchObject({ code: 'ERR_INTERNAL', requestId: answer.headers['x-request-id'] });
  });

  it('says what is not there', async () => {
    const answer = await base.app.inject({ url: '/nothing?token=secret' });
    expect(answer.statusCode).toBe(404);
    expect(answer.json()).toMatchObject({ code: 'ERR_ROUTE_UNKNOWN', error: 'There is nothing at GET /nothing' });
  });

  it('is alive but degraded, and ready while its required parts are', async () => {
    const alive = await base.app.inject({ url: '/healthz' });
    expect(alive.json()).toEqual({
      service: 'sample',
      status: 'degraded',
      parts: [
        { name: 'database', required: true, status: 'ok' },
        { name: 'peer', required: false, status: 'degraded', reason: 'no route' },
      ],
    });
    expect((await base.app.inject({ url: '/readyz' })).statusCode).toBe(200);
    databaseProblem = 'gone';
    expect((await base.app.inject({ url: '/readyz' })).statusCode).toBe(503);
    expect((await base.app.inject({ url: '/healthz' })).statusCode).toBe(200);
  });

  it('counts requests by route, not by address', async () => {
    await base.app.inject({ url: '/healthz?x=1' });
    await base.app.inject({ url: '/some/where' });
    const { body } = await base.app.inject({ url: '/metrics' });
    expect(body).toContain(
      'metakernel_http_request_duration_seconds_count{service="sample",method="GET",route="/healthz",status="200"} 1',
    );
    expect(body).toContain('route="unknown",status="404"');
    expect(body).not.toContain('/some/where');
  });

  it('documents its routes', async () => {
    const docs = (await base.app.inject({ url: '/docs' })).json<{ paths: Record<string, unknown> }>();
    expect(Object.keys(docs.paths)).toEqual(expect.arrayContaining(['/things', '/healthz', '/readyz']));
  });

  it('reads text bodies', async () => {
    const answer = await base.app.inject({
      method: 'POST',
      url: '/text',
      headers: { 'content-type': 'application/x-yaml' },
      payload: 'a: 1\n',
    });
    expect(answer.json()).toEqual({ text: 'a: 1\n' });
  });

  it('does not start with a route that does not say who may call it', () => {
    expect(() => base.app.get('/open', () => 'x')).toThrow('does not say who may call it');
  });
});
