import { createHash, timingSafeEqual } from 'node:crypto';
import { type ChannelCredentials, credentials as clientCredentials, experimental, type Metadata } from '@grpc/grpc-js';
import type { TlsSource } from '../../common/tls.ts';

export interface LinkSecurity {
  /** Absent: plain text, for loopback and for networks that are private anyway. */
  readonly tls?: TlsSource;
  /** Sent as `authorization: Bearer …` of every stream. */
  readonly token?: string;
}

/** A link that is opened again shows the certificate of that time. */
export function channelCredentials({ tls }: LinkSecurity): ChannelCredentials {
  if (tls === undefined) return clientCredentials.createInsecure();
  const { ca, cert, key } = tls.material;
  if (ca === undefined) return clientCredentials.createSsl(null, key, cert);
  const provider = new CurrentCertificates(tls);
  return experimental.createCertificateProviderChannelCredentials(provider, provider);
}

type CaListener = experimental.CaCertificateUpdateListener;
type IdentityListener = experimental.IdentityCertificateUpdateListener;

class CurrentCertificates implements experimental.CertificateProvider {
  readonly #tls: TlsSource;
  readonly #stops = new Map<CaListener | IdentityListener, () => void>();

  constructor(tls: TlsSource) {
    this.#tls = tls;
  }

  addCaCertificateListener(listener: CaListener): void {
    this.#follow(listener, () => {
      const { ca } = this.#tls.material;
      listener(ca === undefined ? null : { caCertificate: ca });
    });
  }

  addIdentityCertificateListener(listener: IdentityListener): void {
    this.#follow(listener, () => {
      const { cert, key } = this.#tls.material;
      listener({ certificate: cert, privateKey: key });
    });
  }

  removeCaCertificateListener(listener: CaListener): void {
    this.#unfollow(listener);
  }

  removeIdentityCertificateListener(listener: IdentityListener): void {
    this.#unfollow(listener);
  }

  #follow(listener: CaListener | IdentityListener, tell: () => void): void {
    this.#stops.set(listener, this.#tls.onChange(tell));
    // The channel wants it in a later turn.
    queueMicrotask(() => this.#stops.has(listener) && tell());
  }

  #unfollow(listener: CaListener | IdentityListener): void {
    this.#stops.get(listener)?.();
    this.#stops.delete(listener);
  }
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
