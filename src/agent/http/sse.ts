/** Server-sent events over a hijacked reply. */
import type { ServerResponse } from 'node:http';
import type { FastifyReply } from 'fastify';

const HEARTBEAT_MS = 15_000;
/** A reader this far behind is cut off: it comes back with Last-Event-ID. */
const MAX_BUFFERED_BYTES = 4 * 1024 * 1024;

export interface EventSink {
  /** Returns false when the stream is over. */
  send(id: string | undefined, event: string, data: unknown): boolean;
  end(): void;
}

/** `onClose` runs once, whoever ended the stream. */
export function openEventStream(reply: FastifyReply, onClose: () => void): EventSink {
  reply.hijack();
  const { raw } = reply;
  raw.writeHead(200, {
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store',
    'x-accel-buffering': 'no',
  });
  raw.write('retry: 1000\n\n');
  const heartbeat = setInterval(() => raw.write(': alive\n\n'), HEARTBEAT_MS);
  heartbeat.unref();
  raw.once('close', () => {
    clearInterval(heartbeat);
    onClose();
  });
  return {
    send(id, event, data) {
      if (raw.writableEnded || raw.destroyed) return false;
      gather(raw);
      raw.write(`${id === undefined ? '' : `id: ${id}\n`}event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
      if (raw.writableLength > MAX_BUFFERED_BYTES) raw.destroy();
      return !raw.destroyed;
    },
    end: () => {
      clearInterval(heartbeat);
      release(raw);
      raw.end();
    },
  };
}

/** What is told in one turn goes out in one write. */
function gather(raw: ServerResponse): void {
  if (raw.writableCorked > 0) return;
  raw.cork();
  process.nextTick(() => release(raw));
}

/** Before the end: Node.js sends the mark of the end of a corked answer ahead of what it has gathered. */
function release(raw: ServerResponse): void {
  if (raw.writableCorked > 0) raw.uncork();
}
