import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { InjectOptions } from 'fastify';
import { afterEach, describe, expect, it } from 'vitest';
import { negotiate } from '../../../src/agent/http/accept.ts';
import { createHostCheck } from '../../../src/agent/http/host-check.ts';
import { createRateLimit } from '../../../src/agent/http/rate-limit.ts';
import { outgoingToken, parseTokens } from '../../../src/agent/http/tokens.ts';
import { createPathPolicy } from '../../../src/agent/path-policy.ts';
import { createTestAgent, type TestAgent } from '../../support/agent-app.ts';

let agent: TestAgent | undefined;
afterEach(async () => {
  await agent?.[Symbol.asyncDispose]();
  agent = undefined;
});

const problem = async (options: InjectOptions) => {
  agent ??= await createTestAgent();
  const answer = await agent.app.inject({ ...options, headers: { accept: 'application/json', ...options.headers } });
  return { status: answer.statusCode, ...(answer.json() as object), allow: answer.headers['allow'] };
};

describe('requests that lead nowhere', () => {
  it('answers as Jersey would', async () => {
    const put = { method: 'PUT', url: '/COMPSs/addResources' } as const;
    expect(await problem({ method: 'GET', url: '/nowhere' })).toMatchObject({ status: 404, code: 'ERR_ROUTE_UNKNOWN' });
    expect(await problem({ method: 'GET', url: '/COMPSs/startApplication/' })).toMatchObject({
      status: 405,
      allow: 'PUT',
    });
    expect(await problem({ method: 'POST', url: '/COMPSs/applications/1/cancel' })).toMatchObject({
      status: 405,
      allow: 'PUT',
    });
    for (const type of ['text/xml', 'text/plain', 'application/x-www-form-urlencoded', 'nonsense']) {
      expect(await problem({ ...put, payload: 'x', headers: { 'content-type': type } })).toMatchObject({
        status: 415,
        code: 'ERR_MEDIA_TYPE_UNSUPPORTED',
      });
    }
    expect(await problem({ ...put, payload: '<a>', headers: { 'content-type': 'application/xml' } })).toMatchObject({
      status: 400,
      code: 'ERR_REQUEST_MALFORMED',
    });
    expect(await problem({ ...put, payload: '{', headers: { 'content-type': 'application/json' } })).toMatchObject({
      status: 400,
      code: 'ERR_REQUEST_MALFORMED',
    });
    expect(await problem(put)).toMatchObject({ status: 400, code: 'ERR_REQUEST_INVALID', field: 'body' });
    const latin = Buffer.from('<newResource>\xe9</newResource>', 'latin1');
    expect(await problem({ ...put, payload: latin, headers: { 'content-type': 'application/xml' } })).toMatchObject({
      status: 400,
      code: 'ERR_REQUEST_MALFORMED',
    });
  });

  it('takes a charset after the type', async () => {
    agent = await createTestAgent();
    const answer = await agent.app.inject({
      method: 'PUT',
      url: '/COMPSs/lostNode',
      payload: '<lostNode><workerName>w</workerName></lostNode>',
      headers: { 'content-type': 'application/xml; charset=UTF-8' },
    });
    expect(answer.statusCode).toBe(200);
  });

  it('says nothing of a bug of ours but that there is one', async () => {
    agent = await createTestAgent();
    agent.backend.failures.set('removeNode', new TypeError('secret at /src/inner.ts'));
    const body = { method: 'PUT', url: '/COMPSs/removeNode', payload: '{"workerName":"w"}' } as const;
    const answer = await problem({ ...body, headers: { 'content-type': 'application/json' } });
    expect(answer).toMatchObject({ status: 500, code: 'ERR_INTERNAL' });
    expect(JSON.stringify(answer)).not.toMatch(/secret|inner/);
  });

  it('refuses queries that do not fit', async () => {
    expect(await problem({ method: 'GET', url: '/COMPSs/applications?limit=0' })).toMatchObject({
      status: 400,
      field: 'limit',
    });
    expect(await problem({ method: 'GET', url: '/COMPSs/applications?status=done' })).toMatchObject({
      status: 400,
      field: 'status',
    });
    expect(await problem({ method: 'GET', url: '/COMPSs/applications/%zz' })).toMatchObject({ status: 400 });
  });
});

describe('limits', () => {
  it('cuts a body that is too large', async () => {
    agent = await createTestAgent({ maxBodyBytes: 2000 });
    const payload = `<lostNode><workerName>${'x'.repeat(3000)}</workerName></lostNode>`;
    const headers = { 'content-type': 'application/xml' };
    expect(await problem({ method: 'PUT', url: '/COMPSs/lostNode', payload, headers })).toMatchObject({
      status: 413,
      code: 'ERR_REQUEST_TOO_LARGE',
    });
  });

  it('limits the requests of an address, and lets it in again', async () => {
    const limit = createRateLimit(2, 1000);
    expect([limit.take('a', 0), limit.take('a', 1), limit.take('a', 2), limit.take('b', 3)]).toEqual([
      true,
      true,
      false,
      true,
    ]);
    expect(limit.take('a', 1000)).toBe(true);
    expect(createRateLimit(0, 1000).take('a', 0)).toBe(true);
    agent = await createTestAgent({ requestsPerSecond: 1 });
    await agent.app.inject('/healthz');
    expect(await problem({ method: 'GET', url: '/healthz' })).toMatchObject({ status: 429, retryable: true });
  });
});

describe('the Host header', () => {
  const check = createHostCheck({ name: 'node1', bindHost: '10.1.2.3', allowedHosts: ['svc.example'] });

  it.each([
    'localhost',
    'LOCALHOST:80',
    '127.0.0.1:46101',
    '127.9.9.9',
    '[::1]:46101',
    'node1',
    '10.1.2.3:1',
    'svc.example',
    'svc.example.',
  ])('may be %s', (host) => expect(check(host)).toBe(true));
  it.each([
    'evil.example',
    'localhost.evil.example',
    '127.0.0.1.evil.example',
    '10.1.2.4',
    '',
    'user@localhost',
    'localhost:x',
    '[::2]',
  ])('may not be %s', (host) => expect(check(host)).toBe(false));
  it('must be there, and may be anything when told so', async () => {
    expect(check(undefined)).toBe(false);
    expect(createHostCheck({ name: 'n', bindHost: 'h', allowedHosts: ['*'] })(undefined)).toBe(true);
    expect(await problem({ method: 'GET', url: '/COMPSs/test', headers: { host: 'evil.example' } })).toMatchObject({
      status: 403,
      code: 'ERR_HOST_REFUSED',
    });
  });
});

describe('tokens', () => {
  it('have a role, and are never repeated in an error', () => {
    const table = parseTokens('# comment\n\nadministrator-token\nread reader-token-0001\n');
    expect(table.roleOf('administrator-token')).toBe('admin');
    expect(table.roleOf('reader-token-0001')).toBe('read');
    expect(table.roleOf('reader-token-0002')).toBeUndefined();
    for (const text of ['', '# only\n', 'short', 'king some-long-token-01', 'read a b']) {
      expect(() => parseTokens(text)).toThrowError(expect.objectContaining({ code: 'ERR_CONFIG_INVALID' }));
    }
    expect(() => parseTokens('king some-long-token-01')).toThrowError(expect.not.stringContaining('some-long'));
  });

  it('show the first one that may do most to others', () => {
    expect(outgoingToken('read reader-token-0001\nadmin second-token-00001\n')).toBe('second-token-00001');
    expect(outgoingToken('read reader-token-0001\nrun runner-token-00001\n')).toBe('runner-token-00001');
    expect(outgoingToken('read reader-token-0001')).toBeUndefined();
  });
});

describe('Accept', () => {
  it.each([
    [undefined, 'text/plain'],
    ['*/*', 'text/plain'],
    ['application/json', 'application/json'],
    ['text/html, application/json;q=0.9, */*;q=0.1', 'application/json'],
    ['application/*', 'application/json'],
    ['text/plain;q=0.1, application/json;q=0.2', 'application/json'],
    ['application/json;q=0, text/plain', 'text/plain'],
    ['image/png', undefined],
  ])('%s takes %s', (header, type) => {
    expect(negotiate(header, ['text/plain', 'application/json'])).toBe(type);
  });
});

describe('paths', () => {
  it('stay inside the directories, whatever links say', () => {
    const root = mkdtempSync(join(tmpdir(), 'mk-paths-'));
    try {
      const inside = join(root, 'app');
      mkdirSync(inside);
      symlinkSync('/etc', join(inside, 'link'));
      symlinkSync(join(root, 'app'), join(root, 'alias'));
      const policy = createPathPolicy([inside]);
      expect(policy.resolve('data/new.npy', 'f')).toBe(join(inside, 'data/new.npy'));
      expect(policy.resolve(join(root, 'alias', 'x'), 'f')).toBe(join(root, 'alias', 'x'));
      for (const path of ['/etc/passwd', '../other', 'link/passwd', `${inside}-sibling/x`, root]) {
        expect(() => policy.resolve(path, 'parameters[0].value')).toThrowError(
          expect.objectContaining({ code: 'ERR_PATH_OUTSIDE', status: 403 }),
        );
      }
    } finally {
      rmSync(root, { recursive: true });
    }
  });
});
