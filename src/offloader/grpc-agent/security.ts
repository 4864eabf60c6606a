import { createHash, timingSafeEqual } from 'node:crypto';
import {
  type ChannelCredentials,
  credentials as clientCredentials,
  type Metadata,
  ServerCredentials,
} from '@grpc/grpc-js';

/** PEM material of mutual TLS: both sides show a certificate that `ca` has signed. */
export interface TlsMaterial {
  readonly ca: Buffer;
  readonly cert: Buffer;
  readonly key: Buffer;
}

export interface LinkSecurity {
  /** Absent: plain text, for loopback and for networks that are private anyway. */
  readonly tls?: TlsMaterial;
  /** Sent and demanded as `authorization: Bearer …` of every stream. */
  readonly token?: string;
}

export function channelCredentials({ tls }: LinkSecurity): ChannelCredentials {
  return tls === undefined
    ? clientCredentials.createInsecure()
    : clientCredentials.createSsl(tls.ca, tls.key, tls.cert);
}

export function serverCredentials({ tls }: LinkSecurity): ServerCredentials {
  if (tls === undefined) return ServerCredentials.createInsecure();
  return ServerCredentials.createSsl(tls.ca, [{ private_key: tls.key, cert_chain: tls.cert }], true);
}

const BEARER = 'Bearer ';

export function authorize(metadata: Metadata, { token }: LinkSecurity): Metadata {
  if (token !== undefined) metadata.set('authorization', BEARER + token);
  return metadata;
}

/** Compares digests, so that neither the content nor the length of the token shows in the time it takes. */
export function isAuthorized(metadata: Metadata, { token }: LinkSecurity): boolean {
  if (token === undefined) return true;
  const given = metadata.get('authorization')[0];
  if (typeof given !== 'string' || !given.startsWith(BEARER)) return false;
  return timingSafeEqual(digest(given.slice(BEARER.length)), digest(token));
}

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
