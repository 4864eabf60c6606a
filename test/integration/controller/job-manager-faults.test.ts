import { expect, it } from 'vitest';
import { RuntimeError } from '../../../src/common/errors.ts';
import { type Logger, silentLogger } from '../../../src/common/logger.ts';
import type { JobGroupBody } from '../../../src/contracts/icos/job.ts';
import type { Authenticator } from '../../../src/controller/iam/authenticator.ts';
import { createJobManagerService } from '../../../src/controller/job-manager/main.ts';
import { openDatabase } from '../../../src/controller/store/database.ts';
import { application, createJobManagerCase, DRIVER, HUB_A } from '../../support/controller/job-manager-case.ts';
import { onEveryDatabase, onPostgres } from '../../support/databases.ts';
import { bearer, byText } from '../../support/identities.ts';

const GROUPS = '/jobmanager/groups';

onPostgres('a job manager that loses its database', (source) => {
  it('says so, answers 503, and goes on where it was when the database is back', async () => {
    await using database = await openDatabase({ url: await source.createUrl(), connectTimeoutMs: 500 });
    await using tier = await createJobManagerCase(database);
    tier.service.start();
    tier.matchmaker.place = () => [];
    const group = await tier.create(application(['a']));
    await source.server().crash();
    expect(await tier.call('POST', GROUPS, application(['b']))).toMatchObject({
      status: 503,
      body: { code: 'ERR_DATABASE_UNAVAILABLE', retryable: true },
    });
    expect(await tier.call('GET', '/healthz')).toMatchObject({ status: 200, body: { status: 'degraded' } });
    expect((await tier.call('GET', '/readyz')).status).toBe(503);
    expect((await tier.call('GET', '/jobmanager/healthz')).status).toBe(503);
    await source.server().restart();
    expect((await tier.call('GET', '/readyz')).status).toBe(200);
    expect((await tier.call('GET', `${GROUPS}/${group.ID}`)).body).toEqual(group);
    // Its own work goes on too: the job is matched as soon as that is possible.
    tier.matchmaker.place = () => ({ cluster_name: 'c', node_name: 'n', orchestrator: 'ocm' });
    tier.clock.now += 15_000;
    await expect.poll(async () => (await tier.executable(HUB_A)).length).toBe(1);
    expect((await tier.call<JobGroupBody[]>('GET', GROUPS)).body).toHaveLength(1);
  });
});

onEveryDatabase('a job manager that is started anew', (source) => {
  it('knows everything that it answered for', async () => {
    const url = await source.createUrl();
    const before = await openDatabase({ url });
    const first = await createJobManagerCase(before);
    const group = await first.create(application(['a', 'b']));
    await first.promote(group.jobs![0]!.ID, HUB_A);
    const known = (await first.call('GET', `${GROUPS}/${group.ID}`)).body;
    await first[Symbol.asyncDispose]();
    await before[Symbol.asyncDispose]();
    await using after = await openDatabase({ url });
    await using second = await createJobManagerCase(after);
    expect((await second.call('GET', `${GROUPS}/${group.ID}`)).body).toEqual(known);
    expect((await second.executable(HUB_A)).map(({ ID }) => ID)).toEqual([group.jobs![1]!.ID]);
  });
});

onEveryDatabase('the log of a job manager', (source) => {
  it('holds no credential and no body, whatever goes wrong', async () => {
    const lines: string[] = [];
    const write = (fields: object, message: string) => void lines.push(JSON.stringify([fields, message]));
    const logger: Logger = { debug: write, info: write, warn: write, error: write, child: () => logger };
    await using database = await source.open();
    const secret = 'hunter2-secret';
    // The name of who did something is told; the credential that proved it is not, and here has nothing of the name.
    const ann = await byText.verify(bearer('ann', 'user'));
    const authenticator: Authenticator = {
      ...byText,
      verify: (headers) =>
        headers.authorization === `Bearer ${secret}` ? Promise.resolve(ann) : byText.verify(headers),
    };
    const service = await createJobManagerService({
      database,
      authenticator,
      logger,
      matchmakerUrl: 'http://127.0.0.1:1',
    });
    service.start();
    const requests = [
      { method: 'POST', url: `${GROUPS}?token=${secret}`, payload: `name: ${secret}: [` },
      { method: 'POST', url: GROUPS, payload: application(['a'], { image: secret }) },
      { method: 'PUT', url: '/jobmanager/jobs', payload: { ID: secret } },
      { method: 'GET', url: `/${secret}` },
    ] as const;
    for (const request of requests) {
      for (const authorization of [`Bearer ${secret}`, `Bearer other-${secret}`, `Basic ${secret}`]) {
        await service.app.inject({
          ...request,
          headers: { authorization, 'content-type': 'application/x-yaml', api_key: secret },
        });
      }
    }
    await service.app.close();
    await service[Symbol.asyncDispose]();
    expect(lines.join('\n')).toContain('"subject":"ann"');
    expect(lines.join('\n')).not.toContain(secret);
  });
});

onEveryDatabase('a job manager with the statuses of the release', (source) => {
  const expired: Authenticator = {
    ...byText,
    verify: (headers) =>
      headers.authorization === 'Bearer old'
        ? Promise.reject(new RuntimeError('ERR_AUTH_EXPIRED', { field: 'authorization' }))
        : byText.verify(headers),
  };

  it('answers 500 to an expired token and 400 where others answer 404 or 409', async () => {
    await using database = await source.open();
    const create = (originalStatuses: boolean) =>
      createJobManagerService(
        { database, authenticator: expired, logger: silentLogger, matchmakerUrl: 'http://127.0.0.1:1' },
        { originalStatuses },
      );
    const statuses = async (originalStatuses: boolean) => {
      const service = await create(originalStatuses);
      const get = async (authorization: string, url: string) =>
        (await service.app.inject({ url, headers: { authorization } })).statusCode;
      const found = [
        await get('Bearer old', GROUPS),
        await get('Bearer ann:user', `${GROUPS}/${HUB_A}`),
        await get('', GROUPS),
      ];
      await service.app.close();
      await service[Symbol.asyncDispose]();
      return found;
    };
    expect(await statuses(true)).toEqual([500, 400, 401]);
    expect(await statuses(false)).toEqual([401, 404, 401]);
  });

  it('says who may not', async () => {
    await using database = await source.open();
    await using tier = await createJobManagerCase(database);
    const answer = await tier.call('POST', GROUPS, application(['a']), { who: DRIVER });
    expect(answer).toMatchObject({ status: 403, body: { code: 'ERR_FORBIDDEN' } });
  });
});
