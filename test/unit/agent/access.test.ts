import { describe, expect, it } from 'vitest';
import { parseTokens } from '../../../src/agent/http/tokens.ts';
import { Access } from '../../../src/agent/security/access.ts';
import type { Role } from '../../../src/contracts/agent/role.ts';
import { createTestAgent } from '../../support/agent-app.ts';

const tokens = parseTokens('read reader-token-0001\nrun runner-token-00001\nadmin admin-token-000001\n');
const bearer = (token: string): string => `Bearer ${token}`;
const outcome = (access: Access, presented: Parameters<Access['judge']>[0], needs: Role): string => {
  const { caller, refusal } = access.judge(presented, needs);
  return refusal?.code ?? `${caller.name} (${caller.role})`;
};

describe('access', () => {
  it('asks nobody where nothing is configured', () => {
    expect(outcome(new Access(), {}, 'admin')).toBe('anybody (admin)');
    expect(new Access().guarded).toBe(false);
  });

  it.each([
    [undefined, 'read', 'ERR_UNAUTHENTICATED'],
    ['Basic abc', 'read', 'ERR_UNAUTHENTICATED'],
    [bearer('wrong-token-0000001'), 'read', 'ERR_UNAUTHENTICATED'],
    [bearer('reader-token-0001'), 'read', 'token 3b8b8ab3 (read)'],
    [bearer('reader-token-0001'), 'run', 'ERR_ROLE_MISSING'],
    [bearer('runner-token-00001'), 'admin', 'ERR_ROLE_MISSING'],
    [bearer('admin-token-000001'), 'admin', 'token 58f4ed6d (admin)'],
  ] as const)('by token: %s for %s gives %s', (authorization, needs, expected) => {
    const found = outcome(new Access({ tokens }), { authorization }, needs);
    expect(found.replace(/token [0-9a-f]{8}/, 'token')).toBe(expected.replace(/token [0-9a-f]{8}/, 'token'));
  });

  it.each([
    [undefined, 'read', 'ERR_CERTIFICATE_MISSING'],
    [{ name: 'eve', role: 'admin', problem: 'CERT_HAS_EXPIRED' }, 'read', 'ERR_CERTIFICATE_REFUSED'],
    [{ name: 'ana', role: 'read' }, 'read', 'ana (read)'],
    [{ name: 'ana', role: 'read' }, 'run', 'ERR_ROLE_MISSING'],
    [{ name: 'plain' }, 'run', 'plain (run)'],
    [{ name: 'plain' }, 'admin', 'ERR_ROLE_MISSING'],
  ] as const)('by certificate: %j for %s gives %s', (certificate, needs, expected) => {
    expect(outcome(new Access({ certificates: true }), { certificate }, needs)).toBe(expected);
    // A token is no way around the certificate.
    if (certificate === undefined) {
      const both = new Access({ certificates: true, tokens });
      expect(outcome(both, { authorization: bearer('admin-token-000001') }, needs)).toBe(expected);
    }
  });

  it('with both asks for both, and the lesser role counts', () => {
    const access = new Access({ certificates: true, tokens });
    const admin = bearer('admin-token-000001');
    expect(outcome(access, { certificate: { name: 'ana', role: 'read' }, authorization: admin }, 'run')).toBe(
      'ERR_ROLE_MISSING',
    );
    expect(outcome(access, { certificate: { name: 'ana' } }, 'read')).toBe('ERR_UNAUTHENTICATED');
    const runner = bearer('runner-token-00001');
    expect(
      access.judge({ certificate: { name: 'ana', role: 'admin' }, authorization: runner }, 'read').caller,
    ).toMatchObject({ role: 'run' });
  });
});

describe('audit of requests', () => {
  it('tells who changed what, who was refused, and no secret', async () => {
    await using agent = await createTestAgent({ access: new Access({ tokens }) });
    const put = (path: string, token: string, payload: object) =>
      agent.app.inject({
        method: 'PUT',
        url: `/COMPSs/${path}`,
        payload,
        headers: { authorization: bearer(token), 'content-type': 'application/json' },
      });
    const started = await put('startApplication', 'runner-token-00001', {
      lang: 'JS',
      className: 'm',
      methodName: 'f',
    });
    await put('removeNode', 'runner-token-00001', { workerName: 'n' });
    await put('lostNode', 'nobody-token-00001', { workerName: 'n' });
    await agent.app.inject({
      method: 'GET',
      url: '/COMPSs/test',
      headers: { authorization: bearer('reader-token-0001') },
    });
    await agent.app.inject({ method: 'GET', url: '/COMPSs/test' });
    await agent.app.inject({ method: 'GET', url: '/healthz' });
    expect(agent.audited.map(({ action, role, outcome, subject }) => [action, role, outcome, subject])).toEqual([
      ['PUT /COMPSs/startApplication', 'run', 'ok', `${started.body} m f`],
      ['PUT /COMPSs/removeNode', 'run', 'ERR_ROLE_MISSING', undefined],
      ['PUT /COMPSs/lostNode', undefined, 'ERR_UNAUTHENTICATED', undefined],
      ['GET /COMPSs/test', undefined, 'ERR_UNAUTHENTICATED', undefined],
    ]);
    const text = JSON.stringify(agent.audited);
    for (const secret of ['runner-token', 'nobody-token', 'reader-token']) expect(text).not.toContain(secret);
    expect(agent.audited.every(({ from }) => from.startsWith('127.0.0.1:'))).toBe(true);
  });
});
