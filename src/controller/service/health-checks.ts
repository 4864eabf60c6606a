import type { Authenticator } from '../iam/authenticator.ts';
import type { Database } from '../store/database.ts';
import type { HealthCheck } from './health.ts';
import type { Peer } from './peer.ts';

/** Without its database a service can answer nothing. */
export const databaseCheck = (database: Database): HealthCheck => ({
  name: 'database',
  required: true,
  probe: () => database.probe(),
});

/** Keys that are known keep working while the issuer is away, so it is not required. */
export const issuerCheck = (authenticator: Authenticator): HealthCheck => ({
  name: 'issuer',
  required: false,
  probe: () => {
    const { status, reason } = authenticator.health();
    return status === 'ok' ? undefined : (reason ?? 'does not answer');
  },
});

/** Tells how the last call went; it makes none of its own. */
export const peerCheck = (peer: Peer): HealthCheck => ({
  name: peer.name,
  required: false,
  probe: () => peer.problem,
});
