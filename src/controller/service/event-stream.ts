import type { FastifyReply } from 'fastify';

const HEARTBEAT_MS = 15_000;
/** Bytes that may wait for a slow reader before it is cut off; it can come back and read the state anew. */
const MAX_BUFFERED = 1 << 20;

/** Server-sent events to one client. */
export interface EventStream {
  readonly closed: AbortSignal;
  send(event: string, data: unknown, id?: string): void;
  close(): void;
}

/** The streams a service has open, so that it can end them when it stops. */
export class EventStreams {
  readonly #open = new Set<EventStream>();

  /** Takes the reply over; nothing else may be sent on it. */
  open(reply: FastifyReply): EventStream {
    reply.hijack();
    const { raw } = reply;
    const ended = new AbortController();
    raw.writeHead(200, {
      ...(reply.getHeaders() as Record<string, string>),
      'content-type': 'text/event-stream',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
    });
    const write = (text: string): void => {
      if (ended.signal.aborted) return;
      raw.write(text);
      if (raw.writableLength > MAX_BUFFERED) stream.close();
    };
    const heartbeat = setInterval(() => write(':\n\n'), HEARTBEAT_MS);
    heartbeat.unref();
    const stream: EventStream = {
      closed: ended.signal,
      send: (event, data, id) =>
        write(`${id === undefined ? '' : `id: ${id}\n`}event: ${event}\ndata: ${JSON.stringify(data)}\n\n`),
      close: () => raw.end(),
    };
    this.#open.add(stream);
    raw.once('close', () => {
      clearInterval(heartbeat);
      this.#open.delete(stream);
      ended.abort();
    });
    raw.flushHeaders();
    return stream;
  }

  get size(): number {
    return this.#open.size;
  }

  closeAll(): void {
    for (const stream of this.#open) stream.close();
  }
}
