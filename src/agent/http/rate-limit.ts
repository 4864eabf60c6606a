/** Requests of one address in fixed windows. Addresses are forgotten with their window, so memory follows the traffic. */
export interface RateLimit {
  /** False when the address has used up its window. */
  take(address: string, now: number): boolean;
}

const MAX_ADDRESSES = 100_000;

export function createRateLimit(limit: number, windowMs: number): RateLimit {
  let counts = new Map<string, number>();
  let windowEnd = 0;
  return {
    take(address, now) {
      if (limit === 0) return true;
      if (now >= windowEnd || counts.size > MAX_ADDRESSES) {
        counts = new Map();
        windowEnd = now + windowMs;
      }
      const count = (counts.get(address) ?? 0) + 1;
      counts.set(address, count);
      return count <= limit;
    },
  };
}
