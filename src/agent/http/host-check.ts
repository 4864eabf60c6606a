import { hostname, networkInterfaces } from 'node:os';
import { isLoopback } from './loopback.ts';

/**
 * Whether a `Host` header names this agent. A web page whose own name was re-bound to our address sends its name, and is
 * refused.
 */
export type HostCheck = (header: string | undefined) => boolean;

export interface HostNames {
  readonly name: string;
  readonly bindHost: string;
  /** `*` allows any. */
  readonly allowedHosts: readonly string[];
}

export function createHostCheck({ name, bindHost, allowedHosts }: HostNames): HostCheck {
  if (allowedHosts.includes('*')) return () => true;
  const own = ['localhost', hostname(), name, bindHost, ...allowedHosts].map((host) => host.toLowerCase());
  const known = new Set([...own, ...localAddresses()]);
  return (header) => {
    const host = hostOf(header);
    return host !== undefined && (known.has(host) || isLoopback(host));
  };
}

/** Addresses at start; those that come later (a VPN) are named with --allowed-host. */
function localAddresses(): string[] {
  return Object.values(networkInterfaces()).flatMap((list) =>
    (list ?? []).map((entry) => entry.address.toLowerCase().replace(/%.*$/, '')),
  );
}

/** Without port and brackets. */
function hostOf(header: string | undefined): string | undefined {
  const match = /^(?:\[([0-9a-f:.]+)\]|([^\s:[\]/@]+))(?::\d{1,5})?$/i.exec(header ?? '');
  return (match?.[1] ?? match?.[2])?.toLowerCase().replace(/\.$/, '');
}
