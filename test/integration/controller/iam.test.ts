import { generateKeyPair, SignJWT } from 'jose';
import { afterEach, describe, expect, it } from 'vitest';
import { createOidcAuthenticator } from '../../../src/controller/iam/oidc-authenticator.ts';
import { oidcSettings } from '../../../src/controller/iam/settings.ts';
import { CLIENT, type IssuerOptions, startIssuer, type TestIssuer } from '../../support/controller/oidc-issuer.ts';

const running: TestIssuer[] = [];
afterEach(async () => {
  for (const issuer of running.splice(0)) await issuer[Symbol.asyncDispose]();
});

async function tier(options: IssuerOptions = {}, settings: object = {}) {
  const issuer = await startIssuer(options);
  running.push(issuer);
  const auth = createOidcAuthenticator(
    oidcSettings.parse({
      issuer: issuer.url,
      clientId: CLIENT.id,
      clientSecret: CLIENT.secret,
      keysCooldownMs: 0,
      timeoutMs: 2000,
      ...settings,
    }),
  );
  const bearer = async (token: string | Promise<string>) => auth.verify({ authorization: `Bearer ${await token}` });
  return { issuer, auth, bearer };
}

const code = (wanted: string) => expect.objectContaining({ code: wanted });
const seconds = (): number => Math.floor(Date.now() / 1000);

describe('access tokens', () => {
  it('of the issuer are taken, with the roles they carry', async () => {
    const { issuer, bearer } = await tier({ users: { root: { password: 'x', roles: ['metakernel-admin', 'other'] } } });
    const answer = await issuer.token({ grant_type: 'password', username: 'root', password: 'x' });
    const who = await bearer(String(answer['access_token']));
    expect(who).toMatchObject({ subject: 'root', username: 'root' });
    expect([...who.roles].sort()).toEqual(['admin', 'user']);
    expect(who.accessToken).toBe(answer['access_token']);
  });

  it.each([
    ['expired', { exp: seconds() - 60 }, 'ERR_AUTH_EXPIRED'],
    ['not valid yet', { nbf: seconds() + 600 }, 'ERR_AUTH_INVALID'],
    ['for another audience', { aud: 'grafana' }, 'ERR_AUTH_INVALID'],
    ['of another issuer', { iss: 'https://elsewhere.example/realms/x' }, 'ERR_AUTH_INVALID'],
    ['without an end', { exp: undefined }, 'ERR_AUTH_INVALID'],
    ['without a subject', { sub: undefined }, 'ERR_AUTH_INVALID'],
    ['that are ID tokens', { typ: 'ID' }, 'ERR_AUTH_INVALID'],
    ['that do not say what they are', { typ: undefined }, 'ERR_AUTH_INVALID'],
  ])('%s are refused', async (_, claims, expected) => {
    const { issuer, bearer } = await tier();
    await expect(bearer(issuer.sign(claims))).rejects.toEqual(code(expected));
    await expect(bearer(issuer.sign())).resolves.toMatchObject({ subject: 'ann' });
  });

  it('that are forged are refused: another key, no signature, the public key as a secret, a changed payload', async () => {
    const { issuer, bearer } = await tier();
    const good = await issuer.sign();
    const [header, , signature] = good.split('.');
    const payload = Buffer.from(
      JSON.stringify({ sub: 'root', exp: seconds() + 60, aud: CLIENT.id, iss: issuer.url, typ: 'Bearer' }),
    );
    const none = `${Buffer.from('{"alg":"none"}').toString('base64url')}.${payload.toString('base64url')}.`;
    const hmac = await new SignJWT({ sub: 'root', typ: 'Bearer' })
      .setProtectedHeader({ alg: 'HS256' })
      .setIssuer(issuer.url)
      .setAudience(CLIENT.id)
      .setExpirationTime('1m')
      .sign(Buffer.from('secret'));
    const forged = [
      await issuer.sign({}, await generateKeyPair('RS256')),
      none,
      hmac,
      `${header}.${payload.toString('base64url')}.${signature}`,
      'x.y.z',
      'nonsense',
      'a'.repeat(20_000),
    ];
    for (const token of forged) await expect(bearer(token)).rejects.toEqual(code('ERR_AUTH_INVALID'));
  });

  it('are missing or malformed: 401 with the field', async () => {
    const { auth } = await tier();
    await expect(auth.verify({})).rejects.toEqual(code('ERR_AUTH_REQUIRED'));
    await expect(auth.verify({ api_key: '""' })).rejects.toEqual(code('ERR_AUTH_REQUIRED'));
    for (const authorization of ['Basic YTpi', 'Bearer', 'Bearer a b']) {
      await expect(auth.verify({ authorization })).rejects.toMatchObject({
        code: 'ERR_AUTH_INVALID',
        status: 401,
        details: { field: 'Authorization' },
      });
    }
  });

  it('signed by a new key are taken after a rotation, those of the withdrawn one are not', async () => {
    const { issuer, bearer } = await tier();
    const old = await issuer.sign({ jti: 'a' });
    await bearer(issuer.sign());
    await issuer.rotateKeys();
    await expect(bearer(issuer.sign())).resolves.toMatchObject({ subject: 'ann' });
    await expect(bearer(old)).rejects.toEqual(code('ERR_AUTH_INVALID'));
  });

  it('that name unknown keys do not make us ask the issuer more often than the cool-down', async () => {
    const { issuer, bearer } = await tier({}, { keysCooldownMs: 60_000 });
    await bearer(issuer.sign());
    const stranger = await generateKeyPair('RS256');
    for (let i = 0; i < 20; i += 1) {
      const token = new SignJWT({ i }).setProtectedHeader({ alg: 'RS256', kid: `k${i}` }).sign(stranger.privateKey);
      await expect(bearer(token)).rejects.toEqual(code('ERR_AUTH_INVALID'));
    }
    expect(issuer.hits.get('/jwks')).toBe(1);
  });

  it('that are opaque are introspected, and a revoked one is refused', async () => {
    const { issuer, bearer } = await tier({ accessTokenFormat: 'opaque' }, { introspectionMaxAgeMs: 0 });
    const answer = await issuer.token({ grant_type: 'password', username: 'ann', password: 'ann-password' });
    const token = String(answer['access_token']);
    expect(token.split('.')).toHaveLength(1);
    expect(await bearer(token)).toMatchObject({ subject: 'ann' });
    await fetch(`${issuer.url}/token/revocation`, {
      method: 'POST',
      body: new URLSearchParams({ token, client_id: CLIENT.id, client_secret: CLIENT.secret }),
    });
    await expect(bearer(token)).rejects.toEqual(code('ERR_AUTH_INVALID'));
  });
});

describe("the shell's refresh token in api_key", () => {
  it('is exchanged once for many requests, bare and in quotes', async () => {
    const { issuer, auth } = await tier();
    const refreshToken = await auth.login('ann', 'ann-password');
    const before = issuer.hits.get('/token')!;
    const answers = await Promise.all(
      Array.from({ length: 8 }, (_, i) => auth.verify({ api_key: i % 2 === 0 ? refreshToken : `"${refreshToken}"` })),
    );
    expect(answers.every((who) => who.subject === 'ann')).toBe(true);
    expect(issuer.hits.get('/token')).toBe(before + 1);
  });

  it('keeps working where the issuer replaces refresh tokens at each use', async () => {
    const { auth } = await tier({ rotateRefreshToken: true });
    const shown = await auth.login('ann', 'ann-password');
    await Promise.all([auth.verify({ api_key: shown }), auth.verify({ api_key: shown })]);
    expect(await auth.verify({ api_key: shown })).toMatchObject({ subject: 'ann' });
  });

  it('is refused after logout, and a forged one at once', async () => {
    const { auth } = await tier();
    const refreshToken = await auth.login('ann', 'ann-password');
    await auth.verify({ api_key: refreshToken });
    await auth.logout(refreshToken);
    await expect(auth.verify({ api_key: refreshToken })).rejects.toEqual(code('ERR_AUTH_INVALID'));
    await expect(auth.verify({ api_key: 'forged' })).rejects.toMatchObject({
      code: 'ERR_AUTH_INVALID',
      details: { field: 'api_key' },
    });
    await expect(auth.logout('forged')).resolves.toBeUndefined();
  });

  it('is not given for a wrong password', async () => {
    const { auth } = await tier();
    await expect(auth.login('ann', 'wrong')).rejects.toEqual(code('ERR_AUTH_INVALID'));
    await expect(auth.login('nobody', '')).rejects.toEqual(code('ERR_AUTH_INVALID'));
  });
});

describe('service tokens', () => {
  it('are fetched once and make the caller a service when its client is listed', async () => {
    const clients = { [CLIENT.id]: CLIENT.secret, driver: 'driver-secret', other: 'other-secret' };
    const { issuer, auth, bearer } = await tier({ clients }, { serviceClients: [CLIENT.id, 'driver'] });
    const tokens = await Promise.all([auth.serviceToken(), auth.serviceToken(), auth.serviceToken()]);
    expect(new Set(tokens).size).toBe(1);
    expect(issuer.hits.get('/token')).toBe(1);
    const rolesOf = async (token: unknown) => [...(await bearer(String(token))).roles];
    expect(await rolesOf(tokens[0])).toEqual(['service']);
    const own = async (client_id: string, client_secret: string) =>
      (await issuer.token({ grant_type: 'client_credentials', client_id, client_secret }))['access_token'];
    expect(await rolesOf(await own('driver', 'driver-secret'))).toEqual(['service']);
    expect(await rolesOf(await own('other', 'other-secret'))).toEqual([]);
  });

  it("are not to be had by taking a client's name", async () => {
    const name = `service-account-${CLIENT.id}`;
    const { issuer, bearer } = await tier({ users: { [name]: { password: 'x' } } }, { serviceClients: [CLIENT.id] });
    // What Keycloak would put into the token of a person of that name: `azp`, but no client of its own.
    const token = issuer.sign({ sub: 'f3a0', preferred_username: name, azp: CLIENT.id });
    expect([...(await bearer(token)).roles]).toEqual(['user']);
  });
});

describe('while the issuer is away', () => {
  it('known keys keep verifying, the health says degraded, and everything comes back by itself', async () => {
    const { issuer, auth, bearer } = await tier({}, { keysMaxAgeMs: 1000 });
    await bearer(issuer.sign());
    const refreshToken = await auth.login('ann', 'ann-password');
    expect(auth.health()).toEqual({ status: 'ok' });
    await issuer.down();
    await expect(auth.verify({ api_key: refreshToken })).rejects.toMatchObject({
      code: 'ERR_AUTH_UNAVAILABLE',
      status: 503,
      retryable: true,
    });
    expect(auth.health()).toMatchObject({ status: 'degraded', reason: expect.stringContaining('/token: ') });
    await expect(bearer(issuer.sign({ sub: 'bob' }))).resolves.toMatchObject({ subject: 'bob' });
    await issuer.up();
    expect(await auth.verify({ api_key: refreshToken })).toMatchObject({ subject: 'ann' });
    expect(auth.health()).toEqual({ status: 'ok' });
  });

  it('a tier that starts meanwhile answers 503 and works once it is back', async () => {
    const { issuer, bearer } = await tier();
    const token = await issuer.sign();
    await issuer.down();
    await expect(bearer(token)).rejects.toEqual(code('ERR_AUTH_UNAVAILABLE'));
    await issuer.up();
    await expect(bearer(token)).resolves.toMatchObject({ subject: 'ann' });
  });

  it.each([
    ['an error page', 500, '<html>'],
    ['no JSON', 200, '<html>'],
    ['a flood', 200, 'x'.repeat(300_000)],
    ['an empty object', 200, '{}'],
    [
      "another issuer's document",
      200,
      JSON.stringify({ issuer: 'https://evil.example', token_endpoint: 'https://evil.example/t' }),
    ],
  ])('or answers with %s: 503, nothing is believed', async (_, status, body) => {
    const { issuer, auth, bearer } = await tier();
    issuer.sabotage((_request, response) => response.writeHead(status).end(body));
    await expect(bearer(issuer.sign())).rejects.toEqual(code('ERR_AUTH_UNAVAILABLE'));
    await expect(auth.serviceToken()).rejects.toEqual(code('ERR_AUTH_UNAVAILABLE'));
    issuer.sabotage(undefined);
    await expect(bearer(issuer.sign())).resolves.toMatchObject({ subject: 'ann' });
  });

  it('or does not answer: 503 after the time-out', async () => {
    const { issuer, bearer } = await tier({}, { timeoutMs: 50 });
    issuer.sabotage(() => undefined);
    await expect(bearer(issuer.sign())).rejects.toMatchObject({
      code: 'ERR_AUTH_UNAVAILABLE',
      details: { reason: expect.stringContaining('in time') },
    });
  });
});

describe('settings', () => {
  it('refuse an issuer in the clear beyond loopback, and unknown keys', () => {
    const parse = (extra: object) => oidcSettings.safeParse({ issuer: 'https://a.example', clientId: 'x', ...extra });
    expect(parse({}).success).toBe(true);
    expect(parse({ issuer: 'http://a.example' }).error?.issues).toMatchObject([{ path: ['issuer'] }]);
    expect(parse({ issuer: 'http://a.example', issuerInClear: true }).success).toBe(true);
    expect(parse({ issuer: 'ftp://a.example', issuerInClear: true }).success).toBe(false);
    expect(parse({ issuer: 'http://127.0.0.1:9' }).success).toBe(true);
    expect(parse({ isuer: 'x' }).success).toBe(false);
  });
});
