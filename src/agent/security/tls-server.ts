/** What the TLS servers of an agent have in common. */
import { randomBytes } from 'node:crypto';
import type { Server, TlsOptions } from 'node:tls';
import type { TlsSource } from '../../common/tls.ts';

const HANDSHAKE_MS = 10_000;
const TICKET_KEY_BYTES = 48;

/**
 * With an authority, callers are asked for a certificate and their handshake succeeds even without a good one: whoever
 * takes the connection looks at it, and so can name what it refuses.
 */
export const serverOptions = ({ material }: TlsSource): TlsOptions => ({
  ...material,
  minVersion: 'TLSv1.2',
  requestCert: material.ca !== undefined,
  rejectUnauthorized: false,
  handshakeTimeout: HANDSHAKE_MS,
});

/** Certificates that change hold for new connections; sessions of before are not resumed. Returns how to stop. */
export function renewOnChange(server: Server, tls: TlsSource): () => void {
  return tls.onChange(() => {
    server.setSecureContext({ ...tls.material, minVersion: 'TLSv1.2' });
    server.setTicketKeys(randomBytes(TICKET_KEY_BYTES));
  });
}
