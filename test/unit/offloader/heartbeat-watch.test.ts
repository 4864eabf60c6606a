import { createServer, type Server, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import type { GoneEvidence, WatchTarget } from '../../../src/offloader/grpc-agent/heartbeat-messages.ts';
import { Watch } from '../../../src/offloader/grpc-agent/heartbeat-watch.ts';
import {
  decodePing,
  encodePong,
  incarnationDigest,
  onBeats,
} from '../../../src/offloader/grpc-agent/heartbeat-wire.ts';

const sockets = new Set<Socket>();
let server: Server | undefined;

async function peer(take: (socket: Socket) => void): Promise<number> {
  const listening = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    take(socket);
  });
  server = listening;
  await new Promise<void>((resolve) => listening.listen(0, '127.0.0.1', resolve));
  const address = listening.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

async function closePeer(): Promise<void> {
  for (const socket of sockets) socket.destroy();
  sockets.clear();
  await new Promise<void>((resolve) => (server === undefined ? resolve() : server.close(() => resolve())));
  server = undefined;
}

function watch(port: number, more: Partial<WatchTarget> = {}): Promise<GoneEvidence> {
  const target: WatchTarget = {
    host: '127.0.0.1',
    port,
    linkId: '0'.repeat(32),
    incarnation: 'peer',
    heartbeatMs: 10,
    deadlineMs: 60,
    maxLagMs: 1000,
    sameHost: true,
    ...more,
  };
  return new Promise((resolve) => {
    new Watch(target, { gone: (_reason, evidence) => resolve(evidence), lag: () => undefined });
  });
}

const answer =
  (incarnation: string) =>
  (socket: Socket): void =>
    onBeats(socket, (beat) => {
      const counter = decodePing(beat)?.counter ?? 0;
      return socket.write(encodePong({ incarnation: incarnationDigest(incarnation), counter, lagMs: 0 }));
    });

describe('watching a peer', () => {
  afterEach(closePeer);

  it('takes the silence of one that accepts and never answers for silence, before its first heartbeat too', async () => {
    expect(await watch(await peer(() => undefined))).toBe('silence');
  });

  it('does not know of one that no connection reaches', async () => {
    const port = await peer(() => undefined);
    await closePeer();
    expect(await watch(port, { sameHost: false })).toBe('unreached');
    expect(await watch(port)).toBe('unreached');
  });

  it('has proof when another machine goes on refusing connections', async () => {
    const port = await peer((socket) => {
      answer('peer')(socket);
      setImmediate(() => void closePeer());
    });
    expect(await watch(port, { sameHost: false, deadlineMs: 60_000 })).toBe('proof');
  });

  it('has proof when its port is closed after it was open, or another process answers', async () => {
    const port = await peer((socket) => {
      answer('peer')(socket);
      setImmediate(() => void closePeer());
    });
    expect(await watch(port, { deadlineMs: 60_000 })).toBe('proof');
    expect(await watch(await peer(answer('its successor')), { deadlineMs: 60_000 })).toBe('proof');
  });
});
