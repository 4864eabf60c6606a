/**
 * 256 MiB of float64 from the store of one process to that of another over the data port, tickets and checksums included.
 * Baseline: as many bytes over a bare net.Socket in 1 MiB writes, read into one buffer.
 */
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createDataMover } from '../src/runtime/data/data-mover.ts';
import { createObjectStore } from '../src/runtime/data/object-store.ts';
import type { VersionId } from '../src/runtime/model/ids.ts';
import type { DataSource } from '../src/runtime/ports.ts';
import { startProgram } from './support/program.ts';
import { benchmark } from './support/report.ts';

const BYTES = 256 * 2 ** 20;
const READ_BYTES = 2 ** 20;

await using holder = await startProgram('holder.ts', ['reader', String(BYTES)]);
const { source, bare } = JSON.parse(holder.url) as { source: DataSource; bare: number };
await using store = createObjectStore({ limitBytes: BYTES + 2 ** 26 });
const filesDirectory = join(tmpdir(), 'metakernel-bench');
await using mover = await createDataMover({ store, name: 'reader', incarnation: 'reader', filesDirectory });
const into = new Uint8Array(BYTES);
let version = 0;

const rate = (started: number): number => BYTES / 1e6 / (performance.now() - started);

function pull(): Promise<number> {
  const wanted = ++version as VersionId;
  const started = performance.now();
  return new Promise((resolve, reject) => {
    mover.pull(wanted, 'value', [source], (result) => {
      const speed = rate(started);
      store.free(wanted);
      if ('error' in result) reject(new Error(result.error.message));
      else resolve(speed);
    });
  });
}

function read(): Promise<number> {
  const started = performance.now();
  return new Promise((resolve, reject) => {
    let at = 0;
    const socket = connect({
      host: '127.0.0.1',
      port: bare,
      onread: {
        buffer: () => into.subarray(at, at + READ_BYTES),
        callback: (count) => {
          at += count;
          if (at < BYTES) return true;
          resolve(rate(started));
          socket.destroy();
          return false;
        },
      },
    });
    socket.on('error', reject);
  });
}

await benchmark({
  name: 'transfer',
  unit: 'GB/s',
  baselineName: 'net.Socket',
  measure: pull,
  baseline: read,
  samples: 15,
  warmUps: 3,
  details: () => ({ bytes: BYTES }),
});
