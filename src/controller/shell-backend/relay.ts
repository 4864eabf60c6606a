import type { FastifyReply, FastifyRequest } from 'fastify';
import { identityOf } from '../service/access.ts';
import type { Peer, PeerAnswer, PeerCall } from '../service/peer.ts';

const FORWARDED = ['idempotency-key'] as const;

/** A request to another service in the name of whoever asked this one. */
export function callFor(request: FastifyRequest, call: Omit<PeerCall, 'token' | 'requestId'>): PeerCall {
  const headers = FORWARDED.flatMap((name) => {
    const value = request.headers[name];
    return typeof value === 'string' ? [[name, value] as const] : [];
  });
  return {
    ...call,
    token: identityOf(request).accessToken,
    requestId: request.id,
    headers: { ...Object.fromEntries(headers), ...call.headers },
  };
}

/** The parameters that are there. */
export const given = (query: Readonly<Record<string, string | undefined>>): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(query).filter((entry): entry is [string, string] => entry[1] !== undefined));

/** Gives the other service's answer as it is, but for what `change` makes of a good one. */
export function passOn(
  reply: FastifyReply,
  answer: PeerAnswer,
  change: (body: unknown) => unknown = same,
): FastifyReply {
  const isGood = answer.status >= 200 && answer.status < 300 && answer.text !== '';
  void reply.status(answer.status);
  if (answer.contentType !== '') void reply.type(answer.contentType);
  return isGood && change !== same ? reply.send(change(JSON.parse(answer.text))) : reply.send(answer.text);
}

const same = (body: unknown): unknown => body;

/** Streams of other services passed on to clients, ended together when this service stops. */
export class StreamRelay {
  readonly #open = new Set<AbortController>();

  async relay(request: FastifyRequest, reply: FastifyReply, peer: Peer, call: PeerCall): Promise<FastifyReply> {
    const abort = new AbortController();
    this.#open.add(abort);
    const end = (): void => {
      this.#open.delete(abort);
      abort.abort();
    };
    request.raw.once('close', end);
    reply.raw.once('close', end);
    const { status, contentType, body } = await peer.stream(call, abort.signal);
    // A client that goes away aborts the stream, which is no failure of anybody.
    body.once('error', () => reply.raw.destroy());
    return reply.status(status).type(contentType).header('cache-control', 'no-store').send(body);
  }

  closeAll(): void {
    for (const abort of this.#open) abort.abort();
  }
}
