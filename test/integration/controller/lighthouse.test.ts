import { expect, it } from 'vitest';
import { silentLogger } from '../../../src/common/logger.ts';
import type { Role } from '../../../src/controller/iam/authenticator.ts';
import { createLighthouseService } from '../../../src/controller/lighthouse/main.ts';
import { hostOf } from '../../../src/controller/lighthouse/service.ts';
import { type Database, openDatabase } from '../../../src/controller/store/database.ts';
import { type DatabaseSource, onEveryDatabase } from '../../support/databases.ts';
import { bearer, byText } from '../../support/identities.ts';

const CONTROLLERS = '/api/v3/controller/';

interface Answer {
  readonly status: number;
  readonly body: unknown;
  readonly headers: Record<string, unknown>;
}

/** A lighthouse under a clock of the test's. */
async function createCase(database: Database, clock: { now: number }) {
  const service = await createLighthouseService(
    { database, authenticator: byText, logger: silentLogger },
    { leaseMs: 60_000, gatherMs: 1, now: () => clock.now },
  );
  const call = async (
    method: 'GET' | 'POST' | 'DELETE',
    url: string,
    payload?: object,
    who: readonly [string, Role] = ['ctl', 'controller'],
  ): Promise<Answer> => {
    const headers = bearer(...who);
    const answer = await service.app.inject({ method, url, headers, ...(payload === undefined ? {} : { payload }) });
    return { status: answer.statusCode, body: answer.body === '' ? '' : answer.json(), headers: answer.headers };
  };
  return { service, call };
}

const entry = (name: string, address = `${name}.icos-project.eu`) => ({ name, address });

onEveryDatabase('lighthouse', (source: DatabaseSource) => {
  it('lists nobody with 204, and whoever registered oldest first', async () => {
    await using database = await source.open();
    const clock = { now: 1000 };
    const { call, service } = await createCase(database, clock);
    await using _ = service;
    expect(await call('GET', CONTROLLERS)).toMatchObject({ status: 204, body: '' });
    for (const name of ['zeta', 'beta', 'alpha']) {
      expect(await call('POST', CONTROLLERS, entry(name))).toMatchObject({
        status: 201,
        body: 'New controller correctly added',
        headers: { 'x-lease-seconds': '60' },
      });
      if (name === 'zeta') clock.now += 10;
    }
    const expected = ['zeta', 'alpha', 'beta'].map((name) => entry(name));
    expect(await call('GET', '/api/v3/controller')).toMatchObject({ status: 200, body: expected });
  });

  it('keeps an entry while it is renewed and drops it when its lease ends', async () => {
    await using database = await source.open();
    const clock = { now: 1000 };
    const { call, service } = await createCase(database, clock);
    await using _ = service;
    await call('POST', CONTROLLERS, entry('dom1'));
    clock.now += 59_999;
    expect(await call('POST', CONTROLLERS, entry('dom1'))).toMatchObject({
      status: 202,
      body: 'Controller already exists, timer has been reset',
    });
    clock.now += 59_999;
    expect((await call('GET', CONTROLLERS)).status).toBe(200);
    clock.now += 1;
    expect((await call('GET', CONTROLLERS)).status).toBe(204);
    expect((await call('POST', CONTROLLERS, entry('dom1'))).status).toBe(201);
  });

  it('renames on renewal', async () => {
    await using database = await source.open();
    const { call, service } = await createCase(database, { now: 1000 });
    await using _ = service;
    await call('POST', CONTROLLERS, entry('old', 'dom1.eu:8080'));
    expect((await call('POST', CONTROLLERS, entry('new', 'dom1.eu:8080'))).status).toBe(202);
    expect((await call('GET', CONTROLLERS)).body).toEqual([entry('new', 'dom1.eu:8080')]);
  });

  it('lets nobody renew, take or remove the address of another until its lease ends', async () => {
    await using database = await source.open();
    const clock = { now: 1000 };
    const { call, service } = await createCase(database, clock);
    await using _ = service;
    await call('POST', CONTROLLERS, entry('dom1'));
    const other = ['mallory', 'controller'] as const;
    expect(await call('POST', CONTROLLERS, entry('dom1'), other)).toMatchObject({
      status: 409,
      body: { code: 'ERR_ADDRESS_TAKEN' },
    });
    expect((await call('DELETE', `${CONTROLLERS}dom1.icos-project.eu`, undefined, other)).status).toBe(409);
    clock.now += 60_000;
    expect((await call('POST', CONTROLLERS, entry('dom1'), other)).status).toBe(201);
  });

  it('deregisters for the owner and for administrators', async () => {
    await using database = await source.open();
    const { call, service } = await createCase(database, { now: 1000 });
    await using _ = service;
    await call('POST', CONTROLLERS, entry('a'));
    await call('POST', CONTROLLERS, entry('b', 'b.eu:80'));
    expect((await call('DELETE', `${CONTROLLERS}a.icos-project.eu`)).status).toBe(204);
    expect((await call('DELETE', `${CONTROLLERS}b.eu%3A80`, undefined, ['root', 'admin'])).status).toBe(204);
    expect((await call('GET', CONTROLLERS)).status).toBe(204);
    expect(await call('DELETE', `${CONTROLLERS}a.icos-project.eu`)).toMatchObject({
      status: 404,
      body: { code: 'ERR_CONTROLLER_UNKNOWN' },
    });
  });

  it('makes the first of a domain its controller and all others its agents', async () => {
    await using database = await source.open();
    const { call, service } = await createCase(database, { now: 1000 });
    await using _ = service;
    const answers = await Promise.all(
      Array.from({ length: 10 }, (_, index) =>
        call('POST', '/api/v3/domain/dom1.icos-project.eu', entry(`n${index}`, `10.0.0.${index}:8080`)),
      ),
    );
    const roles = answers.map(({ body }) => (body as { role: string }).role);
    expect(roles.filter((role) => role === 'controller')).toHaveLength(1);
    expect(roles.filter((role) => role === 'agent')).toHaveLength(9);
    const told = new Set(answers.map(({ body }) => (body as { controller: { address: string } }).controller.address));
    expect(told.size).toBe(1);
    expect((await call('GET', '/api/v3/domain/Dom1.icos-project.eu')).body).toMatchObject({
      controller: { address: [...told][0] },
    });
    expect((await call('GET', '/api/v3/domain/dom2.icos-project.eu')).status).toBe(404);
  });

  it('gives a domain to the next once its controller is gone', async () => {
    await using database = await source.open();
    const clock = { now: 1000 };
    const { call, service } = await createCase(database, clock);
    await using _ = service;
    const join = (name: string) =>
      call('POST', '/api/v3/domain/dom1.eu', entry(name, `${name}:1`), [name, 'controller']);
    expect((await join('first')).body).toMatchObject({ role: 'controller' });
    expect((await join('second')).body).toMatchObject({ role: 'agent', controller: { name: 'first' } });
    expect((await join('first')).body).toMatchObject({ role: 'controller' });
    clock.now += 60_000;
    expect((await join('second')).body).toMatchObject({ role: 'controller', controller: { name: 'second' } });
  });

  it('counts a plain registration under a host name as the controller of that domain', async () => {
    await using database = await source.open();
    const { call, service } = await createCase(database, { now: 1000 });
    await using _ = service;
    await call('POST', CONTROLLERS, entry('dom1', 'dom1.eu:8080'));
    expect((await call('POST', CONTROLLERS, entry('other', 'dom1.eu:9090'), ['x', 'controller'])).status).toBe(201);
    const joined = await call('POST', '/api/v3/domain/dom1.eu', entry('node', '10.0.0.1:8080'), ['n', 'controller']);
    expect(joined.body).toMatchObject({ role: 'agent', controller: { address: 'dom1.eu:8080' } });
  });

  it('shares its entries with other lighthouses on the same database', async () => {
    const url = await source.createUrl();
    await using first = await openDatabase({ url });
    await using second = await openDatabase({ url });
    const clock = { now: 1000 };
    const a = await createCase(first, clock);
    await using _a = a.service;
    const b = await createCase(second, clock);
    await using _b = b.service;
    const results = await Promise.all([a, b].map(({ call }) => call('POST', CONTROLLERS, entry('dom1'))));
    expect(results.map(({ status }) => status).sort()).toEqual([201, 202]);
    expect((await b.call('GET', CONTROLLERS)).body).toEqual([entry('dom1')]);
  });

  it('asks who is there before it lets anybody register, and checks what is registered', async () => {
    await using database = await source.open();
    const { call, service } = await createCase(database, { now: 1000 });
    await using _ = service;
    const anonymous = await service.app.inject({ method: 'POST', url: CONTROLLERS, payload: entry('a') });
    expect(anonymous.statusCode).toBe(401);
    expect((await call('POST', CONTROLLERS, entry('a'), ['ann', 'user'])).status).toBe(403);
    expect(await call('POST', CONTROLLERS, { name: 'a' })).toMatchObject({ status: 400, body: { field: 'address' } });
    expect((await call('POST', CONTROLLERS, { ...entry('a'), more: 1 })).status).toBe(400);
    expect((await call('POST', '/api/v3/domain/no_domain', entry('a'))).body).toMatchObject({ field: 'domain' });
  });
});

it.each([
  ['dom1.icos-project.eu', 'dom1.icos-project.eu'],
  ['Dom1.eu:8080', 'dom1.eu'],
  ['10.0.0.1:8080', null],
  ['[::1]:8080', null],
  ['::1', null],
])('the host name of %s is %s', (address, host) => {
  expect(hostOf(address)).toBe(host);
});
