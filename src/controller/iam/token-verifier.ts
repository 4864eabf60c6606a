import { errors, type JWTPayload, type JWTVerifyGetKey, jwtVerify } from 'jose';
import { RuntimeError } from '../../common/errors.ts';
import { createBoundedCache } from './bounded-cache.ts';
import { notAnAccessToken } from './claims.ts';
import type { Issuer } from './issuer.ts';
import type { OidcSettings } from './settings.ts';

/** Never HMAC: an issuer's shared secret is not a public key, and mixing the two up is the classic forgery. */
const ALGORITHMS = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA'];
const MAX_TOKEN_LENGTH = 16_384;
const CACHED_TOKENS = 10_000;

/** Claims of an access token; rejects with ERR_AUTH_INVALID, ERR_AUTH_EXPIRED or ERR_AUTH_UNAVAILABLE. */
export type TokenVerifier = (token: string, field: string) => Promise<JWTPayload>;

interface Verified {
  readonly claims: JWTPayload;
  readonly goodUntil: number;
}

export function createTokenVerifier(issuer: Issuer, keys: JWTVerifyGetKey, settings: OidcSettings): TokenVerifier {
  const verified = createBoundedCache<Verified>(CACHED_TOKENS);
  const audience = settings.audience ?? [settings.clientId];

  async function bySignature(token: string, field: string): Promise<Verified> {
    const { clockToleranceSeconds: clockTolerance } = settings;
    // The issuer is compared as discovered: some write it with a slash at its end, some without.
    const { issuer: name } = await issuer.discovery();
    try {
      const options = {
        issuer: name,
        audience,
        algorithms: ALGORITHMS,
        clockTolerance,
        requiredClaims: ['exp', 'sub'],
      };
      const { payload, protectedHeader } = await jwtVerify(token, keys, options);
      const problem = notAnAccessToken(payload, protectedHeader.typ);
      if (problem !== undefined) throw invalid(field, problem);
      return { claims: payload, goodUntil: payload.exp! * 1000 };
    } catch (thrown) {
      throw refusal(thrown, field);
    }
  }

  async function byIntrospection(token: string, field: string): Promise<Verified> {
    const { introspection_endpoint } = await issuer.discovery();
    if (introspection_endpoint === undefined) throw invalid(field, 'it is not a JSON Web Token');
    const answer = await issuer.post(introspection_endpoint, { token, token_type_hint: 'access_token' });
    if ('refusal' in answer) throw introspectionRefused(settings.issuer, answer.refusal.error);
    const claims = answer.body as JWTPayload & { active?: boolean };
    if (claims.active !== true) throw invalid(field, 'the issuer says that it is not active');
    if (typeof claims.sub !== 'string') throw invalid(field, 'it names no subject');
    if (typeof claims.exp === 'number' && claims.exp * 1000 < Date.now()) throw expired(field);
    if (!forUs(claims, audience)) throw invalid(field, `its audience is none of ${audience.join(', ')}`);
    return {
      claims,
      goodUntil: Math.min((claims.exp ?? Number.POSITIVE_INFINITY) * 1000, Date.now() + settings.introspectionMaxAgeMs),
    };
  }

  return async (token, field) => {
    if (token.length > MAX_TOKEN_LENGTH) throw invalid(field, `it is longer than ${MAX_TOKEN_LENGTH} characters`);
    const cached = verified.get(token);
    if (cached !== undefined && cached.goodUntil > Date.now()) return cached.claims;
    const result = await ((await isSigned(token)) ? bySignature : byIntrospection)(token, field);
    verified.set(token, result);
    return result.claims;
  };

  async function isSigned(token: string): Promise<boolean> {
    if (settings.verification !== 'auto') return settings.verification === 'jwks';
    if (token.split('.').length !== 3) return false;
    return (await issuer.discovery()).jwks_uri !== undefined;
  }
}

/** An introspection answer need not name an audience; then the issuer has spoken about a token shown to this client. */
function forUs(claims: JWTPayload, audience: readonly string[]): boolean {
  if (claims.aud === undefined) return true;
  return [claims.aud].flat().some((name) => audience.includes(name));
}

const invalid = (field: string, reason: string): RuntimeError =>
  new RuntimeError('ERR_AUTH_INVALID', { field, reason });
const expired = (field: string): RuntimeError => new RuntimeError('ERR_AUTH_EXPIRED', { field });
/** Our own credentials are wrong: the caller can do nothing about it. */
const introspectionRefused = (issuer: string, error: string): RuntimeError =>
  new RuntimeError('ERR_AUTH_UNAVAILABLE', { issuer, reason: `it refuses to introspect for this client (${error})` });

function refusal(thrown: unknown, field: string): unknown {
  if (thrown instanceof errors.JWTExpired) return expired(field);
  if (thrown instanceof errors.JWTClaimValidationFailed)
    return invalid(field, `its claim ${thrown.claim} is wrong or missing`);
  if (thrown instanceof errors.JWSSignatureVerificationFailed) return invalid(field, 'its signature is wrong');
  if (thrown instanceof errors.JWKSNoMatchingKey)
    return invalid(field, 'it is signed by a key that the issuer does not have');
  if (thrown instanceof errors.JOSEError)
    return invalid(field, 'it is not a JSON Web Token signed by a public-key algorithm');
  return thrown;
}
