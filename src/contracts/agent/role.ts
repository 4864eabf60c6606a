/** What a caller may do: read what is there, run applications, change the agent. Each includes those before it. */
export const ROLES = ['read', 'run', 'admin'] as const;
export type Role = (typeof ROLES)[number];

export const mayAct = (has: Role, needs: Role): boolean => ROLES.indexOf(has) >= ROLES.indexOf(needs);

/** The one that may do less. */
export const lesserRole = (one: Role, other: Role): Role => (mayAct(one, other) ? other : one);

export const parseRole = (text: string): Role | undefined => ROLES.find((role) => role === text);

/** A certificate carries its role as a URI among its alternative names. */
const ROLE_URI = 'urn:metakernel:role:';

export const roleUri = (role: Role): string => ROLE_URI + role;

/**
 * Role in the alternative names of a certificate, as Node.js writes them. Names with commas or quotes are written as
 * JSON strings, so that none of them can pass for a role. Of several roles the least counts.
 */
export function roleInNames(subjectAltName: string | undefined): Role | undefined {
  const plain = (subjectAltName ?? '').replace(/"(?:[^"\\]|\\.)*"/g, '""');
  const named = plain
    .split(', ')
    .filter((name) => name.startsWith(`URI:${ROLE_URI}`))
    .map((name) => parseRole(name.slice(`URI:${ROLE_URI}`.length)));
  return ROLES.find((role) => named.includes(role));
}
