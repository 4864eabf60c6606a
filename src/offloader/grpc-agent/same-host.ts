import { networkInterfaces } from 'node:os';

/** Whether an address is one of this machine's. Names other than `localhost` are not looked up: then the deadline decides. */
export function isSameHost(host: string): boolean {
  const bare = host.replace(/^\[|\]$/g, '').toLowerCase();
  if (bare === 'localhost' || bare === '::1' || bare.startsWith('127.')) return true;
  return Object.values(networkInterfaces()).some((list) => list?.some((one) => one.address === bare));
}
