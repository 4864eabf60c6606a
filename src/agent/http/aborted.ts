import type { FastifyReply } from 'fastify';

/** Aborts when nobody reads the reply any more. */
export function abortedWith(reply: FastifyReply): AbortSignal {
  const controller = new AbortController();
  if (reply.raw.destroyed) controller.abort();
  else reply.raw.once('close', () => controller.abort());
  return controller.signal;
}
