import { expect, it } from 'vitest';
import { createObjectStore } from '../../src/runtime/data/object-store.ts';
import type { VersionId } from '../../src/runtime/model/ids.ts';
import { Random } from '../../src/simulator/index.ts';
import { bytesOf, versionId, viewOf } from '../conformance/object-store.ts';
import { tempDir } from '../support/temp-dir.ts';

const [MIB, GIB] = [2 ** 20, 2 ** 30];
const TOTAL = Number(process.env['MK_CHURN_GB'] ?? 100) * GIB;
const SEED = 7;
/** Live values go up and down between these: half of the time they do not fit into memory. */
const [LEAST, MOST] = [0.5 * GIB, 1.5 * GIB];
const LOOK_EVERY = 50;

interface Live {
  readonly version: VersionId;
  readonly bytes: number;
  readonly mark: number;
}

/** Architecture 4: 100 GB go through a store of 1 GB in less than 1.5 GB of memory, and all are what was written. */
it(`keeps within its limit, seed ${SEED}`, async () => {
  const random = new Random(SEED);
  using folder = tempDir('store-churn');
  await using store = createObjectStore({ limitBytes: GIB, spillDirectory: folder.path });
  const live: Live[] = [];
  let [written, liveBytes, spilled, rss, grows] = [0, 0, 0, 0, true];

  const put = (index: number): void => {
    // From 256 KiB to 64 MiB, small ones as often as large ones.
    const bytes = Math.floor(2 ** (18 + 8 * random.fraction()));
    const reservation = store.reserve(bytes);
    const mark = index & 0xff;
    viewOf(reservation).fill(mark);
    const version = versionId(index % 1_000_000, Math.floor(index / 1_000_000));
    store.seal(version, reservation);
    live.push({ version, bytes, mark });
    written += bytes;
    liveBytes += bytes;
  };
  const take = (): void => {
    const [one] = live.splice(random.below(live.length), 1);
    if (one === undefined) return;
    const bytes = bytesOf(store.acquire(one.version));
    const places = [0, bytes.length >> 1, bytes.length - 1].map((place) => bytes[place]);
    if (bytes.length !== one.bytes || places.some((byte) => byte !== one.mark))
      throw new Error(
        `a value of ${one.bytes} bytes came back as ${bytes.length} bytes, ${places.join()} for ${one.mark}`,
      );
    store.release(one.version);
    store.free(one.version);
    liveBytes -= one.bytes;
  };

  for (let index = 1; written < TOTAL; index++) {
    put(index);
    grows = grows ? liveBytes < MOST : liveBytes < LEAST;
    while (!grows && liveBytes > LEAST) take();
    if (index % LOOK_EVERY !== 0) continue;
    spilled = Math.max(spilled, store.stats().spilledBytes);
    rss = Math.max(rss, process.memoryUsage.rss());
    // Files that are freed are given back in turns of the event loop.
    await new Promise(setImmediate);
  }
  while (live.length > 0) take();
  console.log(
    `${Math.round(written / GIB)} GiB, at most ${Math.round(spilled / MIB)} MiB on disk, RSS ${Math.round(rss / MIB)} MiB`,
  );
  expect(spilled).toBeGreaterThan(0);
  expect(rss).toBeLessThan(1.5 * GIB);
  expect(store.stats()).toMatchObject({ versions: 0, pinned: 0, regionBytes: 0 });
}, 600_000);
