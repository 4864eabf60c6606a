import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { silentLogger } from '../../../src/common/logger.ts';
import { createAnnouncer } from '../../../src/controller/lighthouse/announcer.ts';
import { createLighthouseService } from '../../../src/controller/lighthouse/main.ts';
import { type Listening, listen } from '../../../src/controller/service/listening.ts';
import type { Database } from '../../../src/controller/store/database.ts';
import { openTierDatabase } from '../../support/controller/tier-database.ts';
import { byText } from '../../support/identities.ts';

const entry = { name: 'dom1', address: 'dom1.icos-project.eu:8080' };

describe('a controller that announces itself', () => {
  let database: Database;
  const open: AsyncDisposable[] = [];

  beforeEach(async () => {
    database = await openTierDatabase();
  });
  afterEach(async () => {
    for (const part of open.splice(0).reverse()) await part[Symbol.asyncDispose]();
    await database[Symbol.asyncDispose]();
  });

  const lighthouse = async (port = 0, leaseMs = 300): Promise<Listening> => {
    const service = await createLighthouseService(
      { database, authenticator: byText, logger: silentLogger },
      { leaseMs },
    );
    return listen(service, { host: '127.0.0.1', port });
  };
  const announce = (url: string) => {
    const options = { lighthouseUrl: url, entry, authenticator: byText, logger: silentLogger };
    const announcer = createAnnouncer({ ...options, renewMs: 50, retryMs: 20 });
    announcer.start();
    return announcer;
  };
  const listed = async ({ url }: Listening): Promise<number> => (await fetch(`${url}/api/v3/controller`)).status;

  it('stays in the list for longer than one lease, and leaves it when it stops', async () => {
    const server = await lighthouse();
    open.push(server);
    const announcer = announce(server.url);
    await expect.poll(() => listed(server)).toBe(200);
    expect(await announcer.check.probe()).toBeUndefined();
    const [first] = await database.query.selectFrom('controllers').selectAll().execute();
    const later = async () => (await database.query.selectFrom('controllers').selectAll().execute())[0];
    // The lease has moved by more than its own length: the entry was renewed without a gap.
    await expect.poll(async () => (await later())!.expires_at - first!.expires_at).toBeGreaterThan(300);
    expect((await later())?.registered_at).toBe(first?.registered_at);
    await announcer[Symbol.asyncDispose]();
    expect(await listed(server)).toBe(204);
  });

  it('says that it is not registered while the lighthouse is away, and registers when it is back', async () => {
    const first = await lighthouse();
    const announcer = announce(first.url);
    open.push(announcer);
    await expect.poll(() => announcer.check.probe()).toBeUndefined();
    await first[Symbol.asyncDispose]();
    await expect.poll(() => announcer.check.probe()).toContain('lighthouse does not answer');
    const second = await lighthouse(first.port);
    open.push(second);
    await expect.poll(() => announcer.check.probe()).toBeUndefined();
    expect(await listed(second)).toBe(200);
  });
});
