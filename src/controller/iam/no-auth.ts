import { RuntimeError } from '../../common/errors.ts';
import type { Authenticator, Identity } from './authenticator.ts';

const LOOPBACK = /^(127(\.\d{1,3}){3}|::1|\[::1\]|localhost)$/;

export const isLoopback = (host: string): boolean => LOOPBACK.test(host);

const localAdmin: Identity = {
  subject: 'local',
  username: 'local',
  roles: new Set(['admin', 'user', 'service', 'controller']),
  accessToken: undefined,
};

/** The ICOS shell cuts the last 50 characters off the token it shows and fails on a shorter one. */
const PLACEHOLDER_TOKEN = 'no-authentication-is-configured-on-this-controller-tier';

/** `--auth none`: everybody is the local administrator. Refuses to exist for an address others can reach. */
export function createNoAuth(hosts: readonly string[]): Authenticator {
  const exposed = hosts.find((host) => !isLoopback(host));
  if (exposed !== undefined) {
    throw new RuntimeError('ERR_CONFIG_INVALID', {
      key: 'auth',
      reason: `"none" is allowed on loopback only, and ${exposed} is not; give an OIDC issuer`,
    });
  }
  return {
    verify: () => Promise.resolve(localAdmin),
    login: () => Promise.resolve(PLACEHOLDER_TOKEN),
    logout: () => Promise.resolve(),
    serviceToken: () => Promise.resolve(undefined),
    health: () => ({ status: 'ok' }),
  };
}
