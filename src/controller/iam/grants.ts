import { z } from 'zod';
import { RuntimeError } from '../../common/errors.ts';
import type { Issuer } from './issuer.ts';
import type { OidcSettings } from './settings.ts';

const tokenAnswer = z.looseObject({
  access_token: z.string().min(1),
  refresh_token: z.string().min(1).optional(),
  expires_in: z.number().positive().default(60),
});

export interface Tokens {
  readonly accessToken: string;
  readonly refreshToken: string | undefined;
  /** On the wall clock, in milliseconds; a margin before the token's own end. */
  readonly renewAt: number;
}

/** The three grants the tier uses at the issuer's token endpoint (spec B1 to B3), and the end of a session. */
export interface Grants {
  password(username: string, password: string): Promise<Tokens>;
  refresh(refreshToken: string, field: string): Promise<Tokens>;
  clientCredentials(): Promise<Tokens>;
  revoke(refreshToken: string): Promise<void>;
}

/** Renewed this long before its end, or at half its life when that is short. */
const MARGIN_MS = 15_000;

export function createGrants(issuer: Issuer, settings: OidcSettings): Grants {
  async function ask(form: Readonly<Record<string, string>>, field: string): Promise<Tokens> {
    const { token_endpoint } = await issuer.discovery();
    const answer = await issuer.post(token_endpoint, form);
    if ('refusal' in answer) throw refused(answer.refusal.error, field, settings.issuer);
    const parsed = tokenAnswer.safeParse(answer.body);
    if (!parsed.success) {
      throw new RuntimeError('ERR_AUTH_UNAVAILABLE', {
        issuer: settings.issuer,
        reason: 'its token answer is invalid',
      });
    }
    const { access_token, refresh_token, expires_in } = parsed.data;
    const lifeMs = expires_in * 1000;
    return {
      accessToken: access_token,
      refreshToken: refresh_token,
      renewAt: Date.now() + lifeMs - Math.min(MARGIN_MS, lifeMs / 2),
    };
  }

  return {
    password: (username, password) =>
      ask({ grant_type: 'password', username, password, scope: settings.scope }, 'username, password'),
    refresh: (refreshToken, field) => ask({ grant_type: 'refresh_token', refresh_token: refreshToken }, field),
    clientCredentials: () => ask({ grant_type: 'client_credentials' }, 'client credentials'),
    async revoke(refreshToken) {
      const { revocation_endpoint, end_session_endpoint } = await issuer.discovery();
      if (revocation_endpoint !== undefined) {
        await issuer.post(revocation_endpoint, { token: refreshToken, token_type_hint: 'refresh_token' });
      } else if (end_session_endpoint !== undefined) {
        await issuer.post(end_session_endpoint, { refresh_token: refreshToken });
      }
    },
  };
}

/** Who is at fault: the caller's credential, or this client's registration at the issuer. */
function refused(error: string, field: string, issuer: string): RuntimeError {
  if (error === 'invalid_grant') {
    return new RuntimeError('ERR_AUTH_INVALID', { field, reason: 'the issuer refuses it, or the session is over' });
  }
  return new RuntimeError('ERR_AUTH_UNAVAILABLE', { issuer, reason: `it refuses this client (${error})` });
}
