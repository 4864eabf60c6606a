import { createBoundedCache } from './bounded-cache.ts';
import type { Grants, Tokens } from './grants.ts';

const SESSIONS = 10_000;

/**
 * The shell shows one refresh token with every request. It is exchanged once per life of an access token, not once per
 * request; and where the issuer replaces a refresh token at each use, the successor is kept here so that the one in
 * the shell's file keeps working for as long as this process lives.
 */
export interface RefreshExchange {
  accessToken(refreshToken: string, field: string): Promise<string>;
  /** The token that the issuer knows now for the one that was shown. */
  forget(refreshToken: string): string;
}

export function createRefreshExchange(grants: Grants): RefreshExchange {
  const sessions = createBoundedCache<Tokens>(SESSIONS);
  const pending = new Map<string, Promise<Tokens>>();

  async function renew(shown: string, current: string, field: string): Promise<Tokens> {
    try {
      const tokens = await grants.refresh(current, field);
      const next = { ...tokens, refreshToken: tokens.refreshToken ?? current };
      sessions.set(shown, next);
      return next;
    } catch (thrown) {
      if ((thrown as { code?: unknown }).code === 'ERR_AUTH_INVALID') sessions.delete(shown);
      throw thrown;
    }
  }

  return {
    async accessToken(shown, field) {
      const known = sessions.get(shown);
      if (known !== undefined && known.renewAt > Date.now()) return known.accessToken;
      // A second use of a token that is replaced at each use would end the session, so requests share one exchange.
      const running = pending.get(shown) ?? renew(shown, known?.refreshToken ?? shown, field);
      pending.set(shown, running);
      try {
        return (await running).accessToken;
      } finally {
        pending.delete(shown);
      }
    },
    forget(shown) {
      const current = sessions.get(shown)?.refreshToken ?? shown;
      sessions.delete(shown);
      return current;
    },
  };
}
