import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Database } from '../../../src/controller/store/database.ts';
import { application, createJobManagerCase } from '../../support/controller/job-manager-case.ts';
import { onEveryDatabase } from '../../support/databases.ts';

interface Entry {
  readonly at: string;
  readonly subject: string;
  readonly action: string;
  readonly target: string;
  readonly status: number;
  readonly requestId: string;
}
const ADMIN = { who: ['root', 'admin'] as const };

onEveryDatabase('the audit log', (source) => {
  let database: Database;
  let jobs: Awaited<ReturnType<typeof createJobManagerCase>>;
  beforeEach(async () => {
    database = await source.open();
    jobs = await createJobManagerCase(database);
  });
  afterEach(async () => {
    await jobs[Symbol.asyncDispose]();
    await database[Symbol.asyncDispose]();
  });
  const entries = async (query = ''): Promise<readonly Entry[]> =>
    (await jobs.call<Entry[]>('GET', `/jobmanager/audit${query}`, undefined, ADMIN)).body;

  it('has what people changed and what they were refused, by whom, and no content', async () => {
    const secret = application(['web'], { image: 'secret-image' });
    const group = await jobs.create(secret);
    await jobs.call('PUT', `/jobmanager/groups/undeploy/${group.ID}`, undefined, {
      headers: { 'x-request-id': 'mine' },
    });
    await jobs.call('POST', '/jobmanager/groups', secret, { who: ['driver', 'service'] });
    await jobs.call('GET', '/jobmanager/groups', undefined, { headers: { authorization: 'Bearer nonsense' } });
    await jobs.call('GET', '/jobmanager/groups');
    await expect.poll(async () => (await entries()).length).toBe(4);
    expect(await entries()).toMatchObject([
      { subject: 'ann', action: 'POST /jobmanager/groups', target: '/jobmanager/groups', status: 201 },
      {
        subject: 'ann',
        action: 'PUT /jobmanager/groups/undeploy/:group_uuid',
        target: `/jobmanager/groups/undeploy/${group.ID}`,
        status: 200,
        requestId: 'mine',
      },
      { subject: 'driver', action: 'POST /jobmanager/groups', status: 403 },
      { subject: '', action: 'GET /jobmanager/groups', status: 401 },
    ]);
    expect(JSON.stringify(await database.query.selectFrom('audit').selectAll().execute())).not.toMatch(
      /secret-image|nonsense/,
    );
  });

  it('is for administrators, by subject and page by page', async () => {
    for (let times = 0; times < 3; times += 1) await jobs.create(application(['web']));
    await jobs.create(application(['web']), ['bob', 'user']);
    await expect.poll(async () => (await entries()).length).toBe(4);
    expect((await jobs.call('GET', '/jobmanager/audit')).status).toBe(403);
    expect(await entries('?subject=bob')).toHaveLength(1);
    const first = await jobs.call<Entry[]>('GET', '/jobmanager/audit?limit=3', undefined, ADMIN);
    const next = /<([^>]*)>/.exec(String(first.headers['link']))?.[1] ?? '';
    const second = await jobs.call<Entry[]>('GET', next, undefined, ADMIN);
    // Being refused a moment ago may be in it by now.
    expect(new Set([...first.body, ...second.body].map(({ requestId }) => requestId)).size).toBeGreaterThanOrEqual(4);
    expect(await entries(`?since=${new Date(Date.now() + 60_000).toISOString()}`)).toEqual([]);
  });

  it('loses nothing that was waiting when the service stops', async () => {
    await jobs.create(application(['web']));
    await jobs[Symbol.asyncDispose]();
    expect(await database.query.selectFrom('audit').selectAll().execute()).toHaveLength(1);
    jobs = await createJobManagerCase(database);
  });
});
