import { createLocalJWKSet, errors, type JSONWebKeySet, type JWTVerifyGetKey } from 'jose';
import type { Issuer } from './issuer.ts';
import type { OidcSettings } from './settings.ts';

/**
 * The issuer's public keys. A token that names an unknown key makes us look again (rotation), not more often than the
 * cool-down. Keys that were fetched once stay good while the issuer is away.
 */
export function createSigningKeys(issuer: Issuer, settings: OidcSettings): JWTVerifyGetKey {
  let keys: ReturnType<typeof createLocalJWKSet> | undefined;
  let fetchedAt = Number.NEGATIVE_INFINITY;
  let triedAt = Number.NEGATIVE_INFINITY;
  let pending: Promise<void> | undefined;

  async function fetchKeys(): Promise<void> {
    triedAt = performance.now();
    const { jwks_uri } = await issuer.discovery();
    if (jwks_uri === undefined) return;
    keys = createLocalJWKSet((await issuer.getJson(jwks_uri)) as JSONWebKeySet);
    fetchedAt = performance.now();
  }

  const refresh = (): Promise<void> => {
    pending ??= fetchKeys().finally(() => {
      pending = undefined;
    });
    return pending;
  };

  return async (header, token) => {
    if (keys === undefined) await refresh();
    else if (performance.now() - fetchedAt > settings.keysMaxAgeMs && coolDownIsOver()) {
      // Not waited for: the keys at hand are good, and the issuer's health tells of a failure.
      refresh().catch(() => undefined);
    }
    if (keys === undefined) throw new errors.JWKSNoMatchingKey();
    try {
      return await keys(header, token);
    } catch (thrown) {
      if (!(thrown instanceof errors.JWKSNoMatchingKey) || !coolDownIsOver()) throw thrown;
      await refresh();
      return await keys(header, token);
    }
  };

  function coolDownIsOver(): boolean {
    return performance.now() - triedAt >= settings.keysCooldownMs;
  }
}
