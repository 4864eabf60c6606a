/**
 * A real OIDC issuer (oidc-provider) on loopback that speaks as Keycloak does in the exchanges of this tier: password,
 * refresh and client-credentials grants with the client's secret in the form, realm roles in the access token,
 * introspection, revocation.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, type GenerateKeyPairResult, generateKeyPair, SignJWT } from 'jose';
import Provider, {
  type Adapter,
  type AdapterPayload,
  type Configuration,
  errors,
  type KoaContextWithOIDC,
} from 'oidc-provider';

export interface TestUser {
  readonly password: string;
  readonly roles?: readonly string[];
}

export interface IssuerOptions {
  readonly users?: Readonly<Record<string, TestUser>>;
  /** Client id to secret; every one may use all three grants. */
  readonly clients?: Readonly<Record<string, string>>;
  readonly audience?: string;
  readonly accessTokenFormat?: 'jwt' | 'opaque';
  readonly rotateRefreshToken?: boolean;
  /** Realm roles of a client's own tokens. */
  readonly clientRoles?: Readonly<Record<string, readonly string[]>>;
  readonly port?: number;
  /** Address to listen on, and what the issuer calls itself there; by default both are loopback. */
  readonly host?: string;
  readonly url?: string;
}

export interface TestIssuer extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  /** Requests answered so far, by path. */
  readonly hits: ReadonlyMap<string, number>;
  /** Replaces the signing key; the old one is no longer published. */
  rotateKeys(): Promise<void>;
  /** A token signed with the issuer's present key, claims overriding those of a good token; `undefined` leaves one out. */
  sign(claims?: Readonly<Record<string, unknown>>, key?: GenerateKeyPairResult): Promise<string>;
  token(form: Readonly<Record<string, string>>): Promise<Record<string, unknown>>;
  /** Drops off the network; `up` comes back on the same port with the same keys. */
  down(): Promise<void>;
  up(): Promise<void>;
  /** While set, every answer is this. */
  sabotage(answer: ((request: IncomingMessage, response: ServerResponse) => void) | undefined): void;
}

export const CLIENT = { id: 'shell-backend', secret: 'shell-backend-secret' };
const RESOURCE = 'urn:metakernel:tier';

export async function startIssuer(options: IssuerOptions = {}): Promise<TestIssuer> {
  const users = options.users ?? { ann: { password: 'ann-password' }, bob: { password: 'bob-password' } };
  const clients = options.clients ?? { [CLIENT.id]: CLIENT.secret };
  const audience = options.audience ?? CLIENT.id;
  const hits = new Map<string, number>();
  let handler: (request: IncomingMessage, response: ServerResponse) => void = () => undefined;
  let sabotaged: typeof handler | undefined;
  let key: GenerateKeyPairResult;
  let kid = '';
  let server: Server | undefined;
  const store = new Map<string, AdapterPayload>();
  let port = options.port ?? 0;

  const listen = async (): Promise<void> => {
    const next = createServer((request, response) => {
      const path = new URL(request.url ?? '/', 'http://x').pathname;
      hits.set(path, (hits.get(path) ?? 0) + 1);
      (sabotaged ?? handler)(request, response);
    });
    await new Promise<void>((resolve, reject) =>
      next.once('error', reject).listen(port, options.host ?? '127.0.0.1', resolve),
    );
    port = (next.address() as AddressInfo).port;
    server = next;
  };
  const down = async (): Promise<void> => {
    const closing = server;
    server = undefined;
    if (closing === undefined) return;
    closing.closeAllConnections();
    await new Promise((resolve) => closing.close(resolve));
  };
  const install = async (): Promise<void> => {
    key = await generateKeyPair('RS256', { extractable: true });
    kid = `key-${Math.round(performance.now() * 1000)}`;
    const jwk = { ...(await exportJWK(key.privateKey)), kid, use: 'sig', alg: 'RS256' };
    const answer = providerOf(
      options.url ?? `http://127.0.0.1:${port}`,
      { ...options, users, clients, audience, store },
      jwk,
    ).callback();
    handler = (request, response) => void answer(request, response);
  };

  await listen();
  await install();
  const url = options.url ?? `http://127.0.0.1:${port}`;
  return {
    url,
    port,
    hits,
    rotateKeys: install,
    async sign(claims = {}, foreign) {
      const now = Math.floor(Date.now() / 1000);
      const base = {
        iss: url,
        aud: audience,
        sub: 'ann',
        iat: now,
        exp: now + 60,
        preferred_username: 'ann',
        typ: 'Bearer',
      };
      const payload = Object.fromEntries(
        Object.entries({ ...base, ...claims }).filter(([, value]) => value !== undefined),
      );
      return new SignJWT(payload).setProtectedHeader({ alg: 'RS256', kid }).sign((foreign ?? key).privateKey);
    },
    async token(form) {
      const credentials = { client_id: CLIENT.id, client_secret: CLIENT.secret };
      const response = await fetch(`${url}/token`, {
        method: 'POST',
        body: new URLSearchParams({ ...credentials, ...form }),
      });
      return (await response.json()) as Record<string, unknown>;
    },
    down,
    up: listen,
    sabotage(answer) {
      sabotaged = answer;
    },
    [Symbol.asyncDispose]: down,
  };
}

type Complete = IssuerOptions &
  Required<Pick<IssuerOptions, 'users' | 'clients' | 'audience'>> & { readonly store: Map<string, AdapterPayload> };

/** Sessions outlive a change of keys, so they are kept beside the provider. */
const adapterOver =
  (store: Map<string, AdapterPayload>) =>
  (model: string): Adapter => ({
    upsert: async (id, payload) => void store.set(`${model}:${id}`, payload),
    find: async (id) => store.get(`${model}:${id}`),
    findByUserCode: async () => undefined,
    findByUid: async (uid) => [...store.values()].find((payload) => payload.uid === uid),
    consume: async (id) => {
      const payload = store.get(`${model}:${id}`);
      if (payload !== undefined) payload.consumed = Math.floor(Date.now() / 1000);
    },
    destroy: async (id) => void store.delete(`${model}:${id}`),
    revokeByGrantId: async (grantId) => {
      for (const [key, payload] of store) if (payload.grantId === grantId) store.delete(key);
    },
  });

function providerOf(url: string, options: Complete, jwk: object): Provider {
  const server = {
    scope: 'openid offline_access',
    audience: options.audience,
    accessTokenFormat: options.accessTokenFormat ?? 'jwt',
    accessTokenTTL: 60,
    jwt: { sign: { alg: 'RS256' as const } },
  };
  const configuration: Configuration = {
    adapter: adapterOver(options.store),
    jwks: { keys: [jwk] } as NonNullable<Configuration['jwks']>,
    clients: Object.entries(options.clients).map(([client_id, client_secret]) => ({
      client_id,
      client_secret,
      redirect_uris: [],
      response_types: [],
      grant_types: ['password', 'refresh_token', 'client_credentials'],
      token_endpoint_auth_method: 'client_secret_post' as const,
    })),
    scopes: ['openid', 'offline_access'],
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      introspection: { enabled: true, allowedPolicy: () => true },
      revocation: { enabled: true, allowedPolicy: () => true },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => RESOURCE,
        useGrantedResource: () => true,
        getResourceServerInfo: () => server,
      },
    },
    rotateRefreshToken: options.rotateRefreshToken ?? false,
    findAccount: (_ctx, id) =>
      options.users[id] === undefined ? undefined : { accountId: id, claims: () => ({ sub: id }) },
    extraTokenClaims: (_ctx, token) => claimsOf(options, token),
    ttl: { AccessToken: 60, ClientCredentials: 60, IdToken: 60, RefreshToken: 3600, Grant: 3600 },
    cookies: { keys: ['test'] },
  };
  const provider = new Provider(url, configuration);
  provider.registerGrantType('password', (ctx) => grantByPassword(provider, options, server, ctx), [
    'username',
    'password',
    'scope',
  ]);
  return provider;
}

function claimsOf(
  options: Complete,
  token: { readonly accountId?: string | undefined; readonly clientId?: string | undefined },
): Record<string, string | object> {
  const { accountId, clientId = '' } = token;
  const roles = accountId === undefined ? options.clientRoles?.[clientId] : options.users[accountId]?.roles;
  const name = accountId ?? `service-account-${clientId}`;
  return { preferred_username: name, typ: 'Bearer', realm_access: { roles: roles ?? [] } };
}

type ServerInfo = ConstructorParameters<Provider['ResourceServer']>[1];

async function grantByPassword(
  provider: Provider,
  options: Complete,
  server: ServerInfo,
  ctx: KoaContextWithOIDC,
): Promise<void> {
  const { username, password } = ctx.oidc.params as { username: string; password: string };
  const client = ctx.oidc.client!;
  const user = options.users[username];
  if (user === undefined || user.password !== password) throw new errors.InvalidGrant('wrong username or password');
  const grant = new provider.Grant({ accountId: username, clientId: client.clientId });
  grant.addOIDCScope('openid offline_access');
  grant.addResourceScope(RESOURCE, 'openid offline_access');
  const grantId = await grant.save();
  const common = { accountId: username, client, grantId, gty: 'password', scope: 'openid offline_access' };
  const access = new provider.AccessToken(common as never);
  access.resourceServer = new provider.ResourceServer(RESOURCE, server);
  const refresh = new provider.RefreshToken({ ...common, resource: RESOURCE, claims: {} } as never);
  ctx.oidc.entity('Client', client);
  ctx.body = {
    access_token: await access.save(),
    refresh_token: await refresh.save(),
    expires_in: access.expiration,
    token_type: 'Bearer',
  };
}
