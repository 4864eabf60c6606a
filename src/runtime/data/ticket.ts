/**
 * Tickets of the data port.
 *
 * A holder gives each issuer (an agent that it takes orders from) a key of its own over the control link: the link key,
 * an HMAC of the issuer's name under the holder's secret, so that the holder need not remember it. The issuer signs
 * tickets with it: who may read which keys until when. The signature itself is never sent on the data port: the reader
 * proves that it has it by an HMAC over the holder's nonce and the request, so that what is overheard cannot be used for
 * another request or connection, and both sides derive from it the key that seals the bytes.
 */
import { createHmac, createSecretKey, type KeyObject, timingSafeEqual } from 'node:crypto';
import type { DataKey } from '../ports.ts';

export interface TicketClaims {
  readonly issuer: string;
  readonly reader: string;
  readonly keys: readonly DataKey[];
  /** Wall-clock milliseconds. */
  readonly expiry: number;
}

export const TICKET_TTL_MS = 10 * 60_000;
/** How much later than here the issuer's clock may be early. */
export const CLOCK_SKEW_MS = 30_000;

export const REFUSALS = ['malformed', 'signature', 'revoked', 'expired', 'reader', 'key'] as const;
export type Refusal = (typeof REFUSALS)[number];

/** What a request shows of its ticket. */
export interface Presented {
  /** The signed text. */
  readonly ticket: string;
  readonly proof: string;
  /** Running number of the request on its connection. */
  readonly request: number;
  readonly reader: string;
  readonly key: DataKey;
  readonly offset: number;
}

const hmac = (key: string | Uint8Array, text: string | Uint8Array): Buffer =>
  createHmac('sha256', key).update(text).digest();

export const linkKeyOf = (secret: Uint8Array, issuer: string): string =>
  hmac(secret, `metakernel link key\n${issuer}`).toString('base64url');

export function signTicket(linkKey: string, claims: TicketClaims): string {
  const text = Buffer.from(JSON.stringify(claims)).toString('base64url');
  return `${text}.${hmac(linkKey, text).toString('base64url')}`;
}

/** What the reader does with a ticket: the text to show, the signature to keep. Undefined: it is no ticket. */
export function splitTicket(ticket: string): { readonly text: string; readonly signature: Uint8Array } | undefined {
  const dot = ticket.indexOf('.');
  const signature = Buffer.from(ticket.slice(dot + 1), 'base64url');
  return dot < 1 || signature.length !== 32 ? undefined : { text: ticket.slice(0, dot), signature };
}

export function proofOf(signature: Uint8Array, nonce: Uint8Array, shown: Omit<Presented, 'proof' | 'ticket'>): string {
  const line = JSON.stringify(['pull', shown.request, shown.reader, shown.key, shown.offset]);
  return hmac(signature, Buffer.concat([nonce, Buffer.from(line)])).toString('base64url');
}

/** Key that the bytes of one answer are sealed with. */
export function sealKeyOf(signature: Uint8Array, nonce: Uint8Array, request: number): KeyObject {
  return createSecretKey(hmac(signature, Buffer.concat([nonce, Buffer.from(`seal\n${request}`)])).subarray(0, 16));
}

/** The holder's side: checks what requests show. */
export class TicketOffice {
  readonly #secret: Uint8Array;
  readonly #linkKeys = new Map<string, string>();
  readonly #revoked = new Set<string>();

  constructor(secret: Uint8Array) {
    this.#secret = secret;
  }

  linkKey(issuer: string): string {
    let key = this.#linkKeys.get(issuer);
    if (key === undefined) {
      key = linkKeyOf(this.#secret, issuer);
      this.#linkKeys.set(issuer, key);
    }
    return key;
  }

  /** Tickets of this issuer are worth nothing from now on. */
  revoke(issuer: string): void {
    this.#revoked.add(issuer);
    this.#linkKeys.delete(issuer);
  }

  /** The signature of the ticket, for the seal key, or why it is refused. */
  check(shown: Presented, nonce: Uint8Array, now: number): Uint8Array | Refusal {
    const claims = parseClaims(shown.ticket);
    if (claims === undefined) return 'malformed';
    const signature = hmac(linkKeyOf(this.#secret, claims.issuer), shown.ticket);
    if (!equal(proofOf(signature, nonce, shown), shown.proof)) return 'signature';
    if (this.#revoked.has(claims.issuer)) return 'revoked';
    if (claims.expiry + CLOCK_SKEW_MS < now) return 'expired';
    if (claims.reader !== shown.reader) return 'reader';
    return claims.keys.includes(shown.key) ? signature : 'key';
  }
}

function equal(expected: string, given: string): boolean {
  const [a, b] = [Buffer.from(expected), Buffer.from(given)];
  return a.length === b.length && timingSafeEqual(a, b);
}

function parseClaims(text: string): TicketClaims | undefined {
  try {
    const claims = JSON.parse(Buffer.from(text, 'base64url').toString('utf8')) as Partial<Record<string, unknown>>;
    const { issuer, reader, keys, expiry } = claims;
    const valid =
      typeof issuer === 'string' &&
      typeof reader === 'string' &&
      typeof expiry === 'number' &&
      Array.isArray(keys) &&
      keys.every((key) => typeof key === 'string');
    return valid ? { issuer, reader, keys, expiry } : undefined;
  } catch {
    return undefined;
  }
}
