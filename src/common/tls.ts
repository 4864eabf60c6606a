/** PEM material of one end of TLS. */
export interface TlsMaterial {
  /** Whose certificates the other side must have; absent: callers show none, and servers are checked by public roots. */
  readonly ca?: Buffer;
  readonly cert: Buffer;
  readonly key: Buffer;
}

/** Material that may be replaced while it is used: ask again for every connection. */
export interface TlsSource {
  readonly material: TlsMaterial;
  /** Returns how to stop listening. */
  onChange(listener: () => void): () => void;
}

/** Material that never changes. */
export const fixedTls = (material: TlsMaterial): TlsSource => ({ material, onChange: () => () => undefined });
