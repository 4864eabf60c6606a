import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, readlinkSync, symlinkSync, writeFileSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { dataKey } from '../../src/runtime/data/data-key.ts';
import { createDataMover, type DataMoverLimits, type NodeDataMover } from '../../src/runtime/data/data-mover.ts';
import { createObjectStore, type SlabStore } from '../../src/runtime/data/object-store.ts';
import { signTicket } from '../../src/runtime/data/ticket.ts';
import type { DatumKind } from '../../src/runtime/model/access.ts';
import type { DataSource, PullDone } from '../../src/runtime/ports.ts';
import { bytesOf, putFilled, versionId } from '../conformance/object-store.ts';
import { tempDir } from '../support/temp-dir.ts';

const MIB = 2 ** 20;
type Result = Parameters<PullDone>[0];

interface Node {
  readonly name: string;
  readonly store: SlabStore;
  readonly mover: NodeDataMover;
}

describe('data mover', () => {
  let dir: ReturnType<typeof tempDir>;
  const nodes: Node[] = [];
  const servers: Server[] = [];

  beforeEach(() => {
    dir = tempDir('mover');
  });
  afterEach(async () => {
    for (const server of servers.splice(0)) server.close();
    for (const { mover, store } of nodes.splice(0)) {
      await mover[Symbol.asyncDispose]();
      expect(mover.stats()).toMatchObject({ connectionsIn: 0, connectionsOut: 0, pullsUnderWay: 0 });
      expect(store.stats().pinned).toBe(0);
      await store[Symbol.asyncDispose]();
    }
    expect(readdirSync(join(dir.path, 'files'))).toEqual([]);
    dir[Symbol.dispose]();
  });

  async function node(name: string, limits: Partial<DataMoverLimits> = {}, limitBytes = 64 * MIB): Promise<Node> {
    const store = createObjectStore({ limitBytes, spillDirectory: join(dir.path, 'spill') });
    const filesDirectory = join(dir.path, 'files');
    const shared = [join(dir.path, 'shared')];
    const mover = await createDataMover({
      store,
      name,
      incarnation: `${name}#1`,
      filesDirectory,
      sharedDirectories: shared,
      limits,
    });
    nodes.push({ name, store, mover });
    return { name, store, mover };
  }

  const source = (holder: Node, reader: Node, index: number, extra: Partial<DataSource> = {}): DataSource => {
    const key = dataKey(`${holder.name}#1`, versionId(index));
    const ticket = holder.mover.ticket(reader.name, [key]);
    return { node: holder.name, host: '127.0.0.1', port: holder.mover.port, key, ticket, ...extra };
  };

  const pull = (reader: Node, index: number, sources: readonly DataSource[], kind: DatumKind = 'value') =>
    new Promise<Result>((done) => reader.mover.pull(versionId(index), kind, sources, done));

  /** Between a reader and a holder; `change` sees what the holder sends. */
  async function proxy(port: number, change: (bytes: Buffer, total: number, reader: Socket) => void): Promise<number> {
    const server = createServer((reader) => {
      const holder = connect(port, '127.0.0.1');
      let total = 0;
      holder.on('data', (bytes: Buffer) => {
        change(bytes, total, reader);
        total += bytes.length;
        if (!reader.destroyed) reader.write(bytes);
      });
      reader.on('data', (bytes: Buffer) => holder.write(bytes));
      for (const [one, other] of [
        [reader, holder],
        [holder, reader],
      ] as const) {
        one.on('error', () => undefined);
        one.on('close', () => other.destroy());
      }
    });
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  }

  it('pulls values of every size, byte for byte', async () => {
    const [a, b] = [await node('a'), await node('b')];
    for (const [index, bytes] of [0, 1, 1000, 65_536, 65_537, MIB, 5 * MIB + 7].entries()) {
      const reservation = a.store.reserve(bytes);
      const view = new Uint8Array(reservation.slab, reservation.offset, bytes);
      for (let at = 0; at < bytes; at += 97) view[at] = at % 251;
      a.store.seal(versionId(index), reservation);
      const sent = createHash('sha256').update(view).digest('hex');
      expect(await pull(b, index, [source(a, b, index)])).toEqual({ bytes });
      const got = createHash('sha256').update(bytesOf(b.store.acquire(versionId(index))));
      expect(got.digest('hex')).toBe(sent);
      b.store.release(versionId(index));
    }
  });

  it('merges pulls of one version and runs each callback once', async () => {
    const [a, b] = [await node('a'), await node('b')];
    putFilled(a.store, versionId(1), 4 * MIB, 7);
    const results = await Promise.all([1, 2, 3].map(() => pull(b, 1, [source(a, b, 1)])));
    expect(results).toEqual([{ bytes: 4 * MIB }, { bytes: 4 * MIB }, { bytes: 4 * MIB }]);
    expect(b.mover.stats()).toMatchObject({ pulls: 1, bytesIn: 4 * MIB });
  });

  it('answers to foreign names until the version is freed', async () => {
    const [a, b] = [await node('a'), await node('b')];
    a.store.putInline(versionId(1), Uint8Array.of(1, 2, 3));
    a.mover.alias('x#9/77', versionId(1));
    const named = { key: 'x#9/77', ticket: a.mover.ticket('b', ['x#9/77']) };
    expect(await pull(b, 5, [source(a, b, 1, named)])).toEqual({ bytes: 3 });
    a.store.free(versionId(1));
    expect(a.mover.resolve('x#9/77')).toBeUndefined();
    expect(await pull(b, 6, [source(a, b, 1, named)])).toMatchObject({ error: { code: 'ERR_TRANSFER_FAILED' } });
  });

  it('refuses tickets that are forged, expired, for others or for other keys, and counts them', async () => {
    const [a, b] = [await node('a'), await node('b')];
    a.store.putInline(versionId(1), Uint8Array.of(1));
    a.store.putInline(versionId(2), Uint8Array.of(2));
    const good = source(a, b, 1);
    const claims = { issuer: 'c#1', reader: 'b', keys: [good.key], expiry: Date.now() + 60_000 };
    const linkKey = a.mover.linkKey('c#1');
    const tickets = [
      'nonsense',
      signTicket(b.mover.linkKey('c#1'), claims),
      signTicket(linkKey, { ...claims, expiry: Date.now() - 60_000 }),
      signTicket(linkKey, { ...claims, reader: 'z' }),
      a.mover.ticket('b', [dataKey('a#1', versionId(2))]),
    ];
    for (const ticket of tickets)
      expect(await pull(b, 1, [{ ...good, ticket }])).toMatchObject({ error: { code: 'ERR_TRANSFER_FAILED' } });
    expect(a.mover.stats().refused).toMatchObject({ signature: 1, expired: 1, reader: 1, key: 1 });
    expect(await pull(b, 1, [{ ...good, ticket: signTicket(linkKey, claims) }])).toEqual({ bytes: 1 });
    a.mover.revoke('c#1');
    b.store.free(versionId(1));
    expect(await pull(b, 1, [{ ...good, ticket: signTicket(linkKey, claims) }])).toHaveProperty('error');
    expect(a.mover.stats().refused.revoked).toBe(1);
  });

  it('never lets corrupt bytes in: another holder is asked for the rest', async () => {
    const [a, b, c] = [await node('a'), await node('b'), await node('c')];
    for (const holder of [a, b]) putFilled(holder.store, versionId(1), 8 * MIB, 42);
    const port = await proxy(a.mover.port, (bytes, total) => {
      const at = 5 * MIB - total;
      if (at >= 0 && at < bytes.length) bytes[at] = (bytes[at] ?? 0) ^ 1;
    });
    expect(await pull(c, 1, [source(a, c, 1, { port }), source(b, c, 1)])).toEqual({ bytes: 8 * MIB });
    expect(bytesOf(c.store.acquire(versionId(1))).every((byte) => byte === 42)).toBe(true);
    c.store.release(versionId(1));
    expect(c.mover.stats().corrupt).toBeGreaterThan(0);
  });

  it('goes on at the last good byte when a connection breaks', async () => {
    const [a, b] = [await node('a'), await node('b')];
    putFilled(a.store, versionId(1), 8 * MIB, 9);
    const port = await proxy(a.mover.port, (bytes, total, reader) => {
      if (total + bytes.length > 5 * MIB) reader.destroy();
    });
    expect(await pull(b, 1, [source(a, b, 1, { port })])).toEqual({ bytes: 8 * MIB });
    expect(b.mover.stats().resumed).toBeGreaterThan(0);
    expect(b.mover.stats().bytesIn).toBe(8 * MIB);
    expect(bytesOf(b.store.acquire(versionId(1))).every((byte) => byte === 9)).toBe(true);
    b.store.release(versionId(1));
  });

  it('cancels: the waiter is told and nothing stays reserved', async () => {
    const [a, b] = [await node('a'), await node('b')];
    putFilled(a.store, versionId(1), 32 * MIB, 9);
    const result = pull(b, 1, [source(a, b, 1)]);
    await vi.waitFor(() => expect(b.mover.stats().bytesIn).toBeGreaterThan(0), { interval: 1 });
    b.mover.cancelPull(versionId(1));
    expect(await result).toMatchObject({ error: { code: 'ERR_TRANSFER_CANCELLED' } });
    expect(b.store.has(versionId(1))).toBe(false);
    expect(b.store.stats().regionBytes).toBe(0);
  });

  it('takes the next source when one is gone, and says so when none is left', async () => {
    const [a, b] = [await node('a'), await node('b')];
    a.store.putInline(versionId(1), Uint8Array.of(1));
    const dead = source(a, b, 1, { port: 1 });
    expect(await pull(b, 1, [dead, source(a, b, 1)])).toEqual({ bytes: 1 });
    expect(await pull(b, 2, [dead])).toMatchObject({ error: { code: 'ERR_TRANSFER_FAILED' } });
    expect(await pull(b, 3, [])).toMatchObject({ error: { code: 'ERR_TRANSFER_FAILED' } });
  });

  it('fails with ERR_STORE_FULL when there is no room for the value', async () => {
    const [a, b] = [await node('a'), await node('b', { roomWaitMs: 1 }, 2 * MIB)];
    putFilled(a.store, versionId(1), 4 * MIB, 9);
    expect(await pull(b, 1, [source(a, b, 1)])).toMatchObject({ error: { code: 'ERR_STORE_FULL' } });
  });

  it('sends spilled values from the disk', async () => {
    const [a, b] = [await node('a', {}, 8 * MIB), await node('b')];
    for (let index = 0; index < 4; index += 1) putFilled(a.store, versionId(index), 3 * MIB, index + 1);
    for (let index = 0; index < 4; index += 1) {
      expect(await pull(b, index, [source(a, b, index)])).toEqual({ bytes: 3 * MIB });
      expect(bytesOf(b.store.acquire(versionId(index))).every((byte) => byte === index + 1)).toBe(true);
      b.store.release(versionId(index));
    }
  });

  it('moves files and directories, with their modes and links', async () => {
    const [a, b] = [await node('a'), await node('b')];
    const at = (path: string): string => join(dir.path, path);
    mkdirSync(at('tree/sub/empty'), { recursive: true });
    writeFileSync(at('tree/one'), Buffer.alloc(3 * MIB, 1));
    writeFileSync(at('tree/none'), '');
    writeFileSync(at('tree/sub/run.sh'), '#!/bin/sh\n', { mode: 0o755 });
    symlinkSync('../one', at('tree/sub/link'));
    a.store.putFile(versionId(1), at('tree/one'), 3 * MIB, false);
    a.store.putFile(versionId(2), at('tree'), 3 * MIB, false);
    expect(await pull(b, 1, [source(a, b, 1)], 'file')).toEqual({ bytes: 3 * MIB });
    expect(await pull(b, 2, [source(a, b, 2)], 'directory')).toHaveProperty('bytes');
    const [file, tree] = [b.store.acquire(versionId(1)), b.store.acquire(versionId(2))];
    if (file?.in !== 'file' || tree?.in !== 'file') throw new Error('no files');
    expect(readFileSync(file.path).every((byte) => byte === 1)).toBe(true);
    expect(readdirSync(tree.path, { recursive: true }).sort()).toEqual(
      ['none', 'one', 'sub', 'sub/empty', 'sub/link', 'sub/run.sh'].sort(),
    );
    expect(readlinkSync(join(tree.path, 'sub/link'))).toBe('../one');
    for (const version of [versionId(1), versionId(2)]) {
      b.store.release(version);
      b.store.free(version);
    }
  });

  it('takes many small values over few connections', async () => {
    const [a, b] = [await node('a'), await node('b')];
    const count = 2_000;
    for (let index = 0; index < count; index += 1) a.store.putInline(versionId(index), Uint8Array.of(index % 256));
    const all = Array.from({ length: count }, (_, index) => pull(b, index, [source(a, b, index)]));
    expect((await Promise.all(all)).every((result) => 'bytes' in result && result.bytes === 1)).toBe(true);
    expect(b.mover.stats().connectionsOut).toBeLessThanOrEqual(4);
  });
});
