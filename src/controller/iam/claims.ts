import type { JWTPayload } from 'jose';
import { type Identity, ROLES, type Role } from './authenticator.ts';
import type { OidcSettings } from './settings.ts';

/**
 * Why these claims are no access token, or undefined. An ID token is signed by the same key, often for the same audience,
 * so a token has to show what it is: by its header (RFC 9068), by Keycloak's `typ`, or by what only access tokens carry.
 */
export function notAnAccessToken(claims: JWTPayload, headerType: string | undefined): string | undefined {
  if (typeof claims.sub !== 'string' || claims.sub === '') return 'it names no subject';
  const declared = claims['typ'];
  if (declared !== undefined && declared !== 'Bearer') return `it is of type ${String(declared)}, not an access token`;
  if (declared === 'Bearer' || /^(application\/)?at\+jwt$/i.test(headerType ?? '')) return undefined;
  const shown = ['scope', 'scp', 'client_id'].some((name) => claims[name] !== undefined);
  return shown ? undefined : 'nothing in it says that it is an access token';
}

export function identityOf(claims: JWTPayload, settings: OidcSettings, accessToken: string): Identity {
  const client = ownClientOf(claims);
  const named = ROLES.filter((role) =>
    namesOf(role, settings).some((name) => claimedRoles(claims, settings).has(name)),
  );
  const granted: readonly Role[] = client === undefined ? settings.defaultRoles : serviceRole(client, settings);
  return {
    subject: claims.sub ?? '',
    username: usernameOf(claims, client),
    roles: new Set([...named, ...granted]),
    accessToken,
  };
}

const namesOf = (role: Role, settings: OidcSettings): readonly string[] => settings.roleNames[role] ?? [];

const serviceRole = (client: string, settings: OidcSettings): readonly Role[] =>
  settings.serviceClients.includes(client) ? ['service'] : [];

/**
 * The client a token is about when nobody stands behind it (client-credentials grant). Issuers either make the client
 * the subject or, Keycloak, an account that is named after it and carries the client's id in a claim of its own; a
 * person's token has neither, whatever name the person took.
 */
function ownClientOf(claims: JWTPayload): string | undefined {
  const client = claims['client_id'] ?? claims['clientId'];
  if (typeof client !== 'string') return undefined;
  if (claims.sub === client) return client;
  return claims['preferred_username'] === `service-account-${client.toLowerCase()}` ? client : undefined;
}

function usernameOf(claims: JWTPayload, client: string | undefined): string {
  const names = [claims['preferred_username'], claims['username'], client, claims['email'], claims.sub];
  return names.find((name): name is string => typeof name === 'string' && name !== '') ?? '';
}

function claimedRoles(claims: JWTPayload, settings: OidcSettings): ReadonlySet<string> {
  const lists = settings.roleClaims.map((path) => valueAt(claims, path, settings.clientId));
  return new Set(lists.flat().filter((role): role is string => typeof role === 'string'));
}

/** The client id may itself contain dots, so the path is split before the id goes in. */
function valueAt(claims: JWTPayload, path: string, clientId: string): unknown {
  let value: unknown = claims;
  for (const part of path.split('.')) {
    const key = part === '{client}' ? clientId : part;
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return [];
    value = (value as Record<string, unknown>)[key];
  }
  return value;
}
