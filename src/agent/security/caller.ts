import type { Socket } from 'node:net';
import { type PeerCertificate, TLSSocket } from 'node:tls';
import { type Role, roleInNames } from '../../contracts/agent/role.ts';

/** What a caller's certificate says. */
export interface CallerCertificate {
  /** Common name of its subject. */
  readonly name: string;
  readonly role?: Role;
  /** Why it is not good here; absent: our authority has signed it and it is in its time. */
  readonly problem?: string;
}

/** Whoever is at the other end. */
export interface Caller {
  readonly name: string;
  /** Absent: nobody that is known here. */
  readonly role?: Role;
}

const NAME_LENGTH = 200;

export function certificateIn(peer: PeerCertificate | undefined, problem?: string): CallerCertificate | undefined {
  if (peer?.raw === undefined) return undefined;
  const { subject, subjectaltname } = peer;
  const role = roleInNames(subjectaltname);
  const name = [subject?.CN].flat()[0] ?? subjectaltname ?? 'without a name';
  return {
    name: name.slice(0, NAME_LENGTH),
    ...(role === undefined ? {} : { role }),
    ...(problem === undefined ? {} : { problem }),
  };
}

/** Of the connection of a server that asks for certificates; undefined without one. Remembered: requests ask again. */
export function certificateOf(socket: Socket): CallerCertificate | undefined {
  if (!(socket instanceof TLSSocket)) return undefined;
  const known = seen.get(socket);
  if (known !== undefined) return known.certificate;
  // The types say Error; it is its code.
  const { authorized, authorizationError } = socket as { authorized: boolean; authorizationError: unknown };
  const certificate = certificateIn(
    socket.getPeerCertificate(),
    authorized ? undefined : String(authorizationError ?? 'it was not verified'),
  );
  seen.set(socket, { certificate });
  return certificate;
}

const seen = new WeakMap<TLSSocket, { readonly certificate: CallerCertificate | undefined }>();
