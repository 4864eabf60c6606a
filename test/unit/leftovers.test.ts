import { createServer } from 'node:net';
import { Worker } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import { openPart, partClosed, partOpened, untilEmpty } from '../support/leftovers.ts';

describe('what a test leaves behind', () => {
  it.each([
    [
      'timers',
      () => Array.from({ length: 9 }, () => setInterval(() => undefined, 60_000)),
      (timers: NodeJS.Timeout[]) => timers.forEach(clearInterval),
    ],
    ['a port', () => createServer().listen(0), (server: ReturnType<typeof createServer>) => server.close()],
    [
      'a thread',
      () => new Worker('setInterval(() => 0, 60_000)', { eval: true }),
      (thread: Worker) => thread.terminate(),
    ],
  ] as const)('%s is found, and its end too', async (_, open, close) => {
    partOpened();
    const leak = open();
    await expect(partClosed(100)).rejects.toThrow('left behind');
    partOpened();
    (close as (leak: unknown) => unknown)(leak);
    await partClosed();
  });

  it('is looked for when the last part has closed', async () => {
    partOpened();
    const port = createServer().listen(0);
    partOpened();
    await partClosed(100);
    port.close();
    await partClosed();
  });

  it('and when a part could not be opened', async () => {
    let timer: NodeJS.Timeout | undefined;
    const failing = openPart(() => {
      timer = setTimeout(() => clearTimeout(timer), 20);
      return Promise.reject(new Error('no'));
    });
    await expect(failing).rejects.toThrow('no');
  });

  it('values of a store, with the name of who holds them', async () => {
    await untilEmpty('a', () => ({ versions: 0, pinned: 0 }));
    await expect(untilEmpty('b', () => ({ versions: 2, pinned: 1 }), 50)).rejects.toThrow(
      'b still holds 2 values, 1 of',
    );
  });
});
