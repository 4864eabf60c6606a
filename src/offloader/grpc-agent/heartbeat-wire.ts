import { createHash } from 'node:crypto';
import type { Socket } from 'node:net';

/** Pings and pongs: 32 bytes each, so that a reader needs no state but the bytes of one. */
export const BEAT_BYTES = 32;
const PING_MAGIC = 0x4d4b4850;
const PONG_MAGIC = 0x4d4b484f;
const LINK_BYTES = 16;
const DIGEST_BYTES = 8;

export interface Ping {
  /** 32 hex digits. */
  readonly linkId: string;
  readonly counter: number;
}

export interface Pong {
  /** 16 hex digits: `incarnationDigest`. */
  readonly incarnation: string;
  readonly counter: number;
  /** How late the event loop of the answering process is. */
  readonly lagMs: number;
}

export const incarnationDigest = (incarnation: string): string =>
  createHash('sha256')
    .update(incarnation)
    .digest('hex')
    .slice(0, DIGEST_BYTES * 2);

export function encodePing(ping: Ping): Buffer {
  const bytes = Buffer.alloc(BEAT_BYTES);
  bytes.writeUInt32BE(PING_MAGIC, 0);
  bytes.write(ping.linkId, 4, LINK_BYTES, 'hex');
  bytes.writeUInt32BE(ping.counter >>> 0, 20);
  return bytes;
}

/** Undefined: not a ping. */
export function decodePing(bytes: Buffer): Ping | undefined {
  if (bytes.readUInt32BE(0) !== PING_MAGIC) return undefined;
  return { linkId: bytes.toString('hex', 4, 4 + LINK_BYTES), counter: bytes.readUInt32BE(20) };
}

export function encodePong(pong: Pong): Buffer {
  const bytes = Buffer.alloc(BEAT_BYTES);
  bytes.writeUInt32BE(PONG_MAGIC, 0);
  bytes.write(pong.incarnation, 4, DIGEST_BYTES, 'hex');
  bytes.writeUInt32BE(pong.counter >>> 0, 12);
  bytes.writeDoubleBE(pong.lagMs, 16);
  return bytes;
}

/** Undefined: not a pong. */
export function decodePong(bytes: Buffer): Pong | undefined {
  if (bytes.readUInt32BE(0) !== PONG_MAGIC) return undefined;
  return {
    incarnation: bytes.toString('hex', 4, 4 + DIGEST_BYTES),
    counter: bytes.readUInt32BE(12),
    lagMs: bytes.readDoubleBE(16),
  };
}

/** Cuts a socket's bytes into beats. `take` returning false ends the connection. */
export function onBeats(socket: Socket, take: (beat: Buffer) => boolean): void {
  let rest: Buffer = Buffer.alloc(0);
  socket.on('data', (chunk: Buffer) => {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    while (rest.length >= BEAT_BYTES) {
      const beat = rest.subarray(0, BEAT_BYTES);
      rest = rest.subarray(BEAT_BYTES);
      if (take(beat)) continue;
      socket.destroy();
      return;
    }
  });
}
