import { createHash } from 'node:crypto';

/** Keyed by secrets, of which only a digest is kept; the entry used longest ago goes first. */
export interface BoundedCache<T> {
  get(secret: string): T | undefined;
  set(secret: string, value: T): void;
  delete(secret: string): void;
}

export function createBoundedCache<T>(capacity: number): BoundedCache<T> {
  const entries = new Map<string, T>();
  const keyOf = (secret: string): string => createHash('sha256').update(secret).digest('base64');
  return {
    get(secret) {
      const key = keyOf(secret);
      const value = entries.get(key);
      if (value === undefined) return undefined;
      entries.delete(key);
      entries.set(key, value);
      return value;
    },
    set(secret, value) {
      const key = keyOf(secret);
      entries.delete(key);
      entries.set(key, value);
      const [oldest] = entries.keys();
      if (entries.size > capacity && oldest !== undefined) entries.delete(oldest);
    },
    delete(secret) {
      entries.delete(keyOf(secret));
    },
  };
}
