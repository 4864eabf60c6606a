/**
 * What every service of the controller tier knows about who is asking. Services import this file and get an
 * `Authenticator` handed in by the composition root; how tokens are checked is the business of this folder alone.
 */
import { RuntimeError } from '../../common/errors.ts';

/**
 * - `admin` sees and changes everything;
 * - `user` owns what it creates and sees nothing else;
 * - `service` is another part of the tier or a deployment driver: it acts on everybody's jobs;
 * - `controller` may announce itself at the lighthouse.
 */
export const ROLES = ['admin', 'user', 'service', 'controller'] as const;
export type Role = (typeof ROLES)[number];

/** What a route asks for. Ownership of a single deployment comes on top (`mayAccess`). */
export const PERMISSIONS = {
  'deployments:read': ['user', 'service', 'admin'],
  'deployments:write': ['user', 'admin'],
  'jobs:execute': ['service', 'admin'],
  'jobs:remediate': ['service', 'admin'],
  'controllers:register': ['controller', 'service', 'admin'],
  'taxonomy:read': ['user', 'service', 'controller', 'admin'],
  'nodes:announce': ['service', 'controller', 'admin'],
  'placement:ask': ['user', 'service', 'admin'],
  'audit:read': ['admin'],
} as const satisfies Record<string, readonly Role[]>;
export type Permission = keyof typeof PERMISSIONS;

export interface Identity {
  /** The issuer's stable id (`sub`): the owner column of whatever this identity creates. */
  readonly subject: string;
  /** For people: tables and the audit log. */
  readonly username: string;
  readonly roles: ReadonlySet<Role>;
  /** Forwarded as `Authorization: Bearer` when a service calls another one for this caller; absent without IAM. */
  readonly accessToken: string | undefined;
}

/** The two headers that may carry a credential, as Node hands them over (names in lower case). */
export interface CredentialHeaders {
  readonly authorization?: string | undefined;
  /** The shell's refresh token, bare or in double quotes. */
  readonly api_key?: string | string[] | undefined;
}

/** Whether the issuer answers. `degraded` does not mean that tokens are refused: known keys keep working. */
export interface IssuerHealth {
  readonly status: 'ok' | 'degraded';
  readonly reason?: string;
}

export interface Authenticator {
  /**
   * Rejects with ERR_AUTH_REQUIRED, ERR_AUTH_INVALID or ERR_AUTH_EXPIRED (401), or ERR_AUTH_UNAVAILABLE (503) when
   * the issuer is needed and does not answer. Never resolves for a credential that was not checked.
   */
  verify(headers: CredentialHeaders): Promise<Identity>;
  /** `GET /user/login`: the refresh token the shell stores. ERR_AUTH_INVALID for wrong credentials. */
  login(username: string, password: string): Promise<string>;
  /** Ends the session behind a refresh token at the issuer; an unknown token is no error. */
  logout(refreshToken: string): Promise<void>;
  /** A token of this service itself, for calls nobody asked for (outbox, drivers); undefined without IAM. */
  serviceToken(): Promise<string | undefined>;
  health(): IssuerHealth;
}

/** Throws ERR_FORBIDDEN (403) unless one of the identity's roles grants the permission. */
export function requirePermission(identity: Identity, permission: Permission): void {
  const granting: readonly Role[] = PERMISSIONS[permission];
  if (granting.some((role) => identity.roles.has(role))) return;
  throw new RuntimeError('ERR_FORBIDDEN', { username: identity.username, permission, roles: granting.join(', ') });
}

/** Whether the identity may see and change what `owner` (a subject) created; nobody's things are the admins'. */
export function mayAccess(identity: Identity, owner: string | null | undefined): boolean {
  return identity.roles.has('admin') || identity.roles.has('service') || identity.subject === owner;
}
