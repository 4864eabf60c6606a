import { RuntimeError } from '../../common/errors.ts';
import type { Authenticator, CredentialHeaders, Identity } from './authenticator.ts';
import { identityOf } from './claims.ts';
import { createGrants, type Tokens } from './grants.ts';
import { createIssuer } from './issuer.ts';
import { createRefreshExchange } from './refresh-exchange.ts';
import type { OidcSettings } from './settings.ts';
import { createSigningKeys } from './signing-keys.ts';
import { createTokenVerifier } from './token-verifier.ts';

/** Trusts one OIDC issuer. Makes no request before it must: it starts, and says so, while the issuer is away. */
export function createOidcAuthenticator(settings: OidcSettings): Authenticator {
  const issuer = createIssuer(settings);
  const verifyToken = createTokenVerifier(issuer, createSigningKeys(issuer, settings), settings);
  const grants = createGrants(issuer, settings);
  const exchange = createRefreshExchange(grants);
  let own: Tokens | undefined;
  let pendingOwn: Promise<Tokens> | undefined;

  async function identify(accessToken: string, field: string): Promise<Identity> {
    return identityOf(await verifyToken(accessToken, field), settings, accessToken);
  }

  return {
    async verify(headers) {
      const bearer = bearerOf(headers);
      if (bearer !== undefined) return identify(bearer, 'Authorization');
      const refreshToken = apiKeyOf(headers);
      if (refreshToken === undefined) throw new RuntimeError('ERR_AUTH_REQUIRED');
      return identify(await exchange.accessToken(refreshToken, 'api_key'), 'api_key');
    },
    async login(username, password) {
      const { refreshToken } = await grants.password(username, password);
      if (refreshToken !== undefined) return refreshToken;
      const reason = 'it gives no refresh token to this client';
      throw new RuntimeError('ERR_AUTH_UNAVAILABLE', { issuer: settings.issuer, reason });
    },
    async logout(refreshToken) {
      await grants.revoke(exchange.forget(unquoted(refreshToken)));
    },
    async serviceToken() {
      if (own !== undefined && own.renewAt > Date.now()) return own.accessToken;
      pendingOwn ??= grants.clientCredentials().finally(() => {
        pendingOwn = undefined;
      });
      own = await pendingOwn;
      return own.accessToken;
    },
    health: () => issuer.health(),
  };
}

function bearerOf({ authorization }: CredentialHeaders): string | undefined {
  if (authorization === undefined || authorization === '') return undefined;
  const token = /^Bearer +(\S+)$/i.exec(authorization.trim())?.[1];
  if (token === undefined) {
    throw new RuntimeError('ERR_AUTH_INVALID', {
      field: 'Authorization',
      reason: 'it is not of the form "Bearer <token>"',
    });
  }
  return token;
}

function apiKeyOf({ api_key }: CredentialHeaders): string | undefined {
  const raw = Array.isArray(api_key) ? api_key[0] : api_key;
  const token = raw === undefined ? '' : unquoted(raw);
  return token === '' ? undefined : token;
}

/** The shell pastes its token with the quotes of the JSON string it came in. */
const unquoted = (token: string): string => token.trim().replace(/^"(.*)"$/, '$1');
