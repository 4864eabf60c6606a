/**
 * `holder.ts <reader> <bytes>`: a data port that holds one value, and beside it a bare server that writes as many bytes to
 * every connection.
 */
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createDataMover } from '../../src/runtime/data/data-mover.ts';
import { createObjectStore } from '../../src/runtime/data/object-store.ts';
import type { VersionId } from '../../src/runtime/model/ids.ts';

const CHUNK = 2 ** 20;
const [reader = '', size = '0'] = process.argv.slice(2);
const bytes = Number(size);
const version = 1 as VersionId;
const store = createObjectStore({ limitBytes: bytes + 2 ** 26 });
const reservation = store.reserve(bytes);
new Float64Array(reservation.slab, reservation.offset, bytes / 8).fill(Math.PI);
store.seal(version, reservation);
const filesDirectory = join(tmpdir(), 'metakernel-bench');
const mover = await createDataMover({ store, name: 'holder', incarnation: 'holder', filesDirectory });
const key = `holder/${version}`;
const source = { node: 'holder', host: '127.0.0.1', port: mover.port, key, ticket: mover.ticket(reader, [key]) };

const content = Buffer.alloc(bytes, 1);
const server = createServer({ noDelay: true }, (socket) => {
  socket.on('error', () => socket.destroy());
  let at = 0;
  const write = (): void => {
    while (at < bytes) {
      const chunk = content.subarray(at, at + CHUNK);
      at += chunk.length;
      if (!socket.write(chunk)) {
        socket.once('drain', write);
        return;
      }
    }
    socket.end();
  };
  write();
});
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  const bare = typeof address === 'object' && address !== null ? address.port : 0;
  console.log(JSON.stringify({ source, bare }));
});
process.once('SIGTERM', () => process.exit(0));
process.stdin.on('end', () => process.exit(0)).resume();
