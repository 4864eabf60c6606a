/**
 * After a refusal that comes before the whole body (413, 401, …) the connection is closed. A close with unread bytes
 * resets it, and the sender may lose the answer; so what still comes is read and dropped, for a short time and up to a
 * bound, and only then the socket goes.
 */
import type { Socket } from 'node:net';
import type { AgentApp } from '../routes/context.ts';

const LINGER_MS = 1_000;
const LINGER_BYTES = 32 * 1024 * 1024;

export function lingerAfterRefusal(app: AgentApp): void {
  app.addHook('onSend', (request, reply, _payload, done) => {
    if (reply.statusCode >= 400 && !request.raw.complete) {
      reply.header('connection', 'close');
      closeGently(request.raw.socket);
    }
    done();
  });
}

/** Node calls `destroySoon` when the answer is out: here it half-closes and lets the sender finish or give up. */
function closeGently(socket: Socket): void {
  const limit = socket.bytesRead + LINGER_BYTES;
  socket.destroySoon = () => {
    socket.end();
    socket.resume();
    const timer = setTimeout(() => socket.destroy(), LINGER_MS).unref();
    socket.on('data', () => {
      if (socket.bytesRead > limit) socket.destroy();
    });
    socket.once('close', () => clearTimeout(timer));
  };
}
