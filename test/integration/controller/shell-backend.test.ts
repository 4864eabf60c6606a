import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { silentLogger } from '../../../src/common/logger.ts';
import { addLighthouse, lighthouseChecks } from '../../../src/controller/lighthouse/main.ts';
import { type Listening, listen, type Service } from '../../../src/controller/service/listening.ts';
import { createShellBackendService } from '../../../src/controller/shell-backend/main.ts';
import type { Database } from '../../../src/controller/store/database.ts';
import { type AnsweringServer, createAnsweringServer } from '../../support/controller/answering-server.ts';
import {
  application,
  createJobManagerCase,
  HUB_A,
  type JobManagerCase,
} from '../../support/controller/job-manager-case.ts';
import { openTierDatabase } from '../../support/controller/tier-database.ts';
import { readEvents } from '../../support/event-reader.ts';
import { byText } from '../../support/identities.ts';

const TAXONOMY = {
  timestamp: { oldestTimestamp: 1, timeSinceOldest: 2 },
  cluster: {
    'icos-cluster-b': {
      type: 'ocm',
      name: 'icos-cluster-b',
      serviceLevelAgreement: {},
      API: {},
      node: { icosedge: { name: 'icosedge', location: {}, staticMetrics: { cpuCores: 4 }, dynamicMetrics: {} } },
    },
  },
};

interface Answer {
  readonly status: number;
  readonly text: string;
  readonly headers: Headers;
  json<T>(): T;
}

describe('shell backend', () => {
  let database: Database;
  let jobs: JobManagerCase;
  let jobManager: Listening;
  let aggregator: AnsweringServer;
  let shell: Listening;

  beforeAll(async () => {
    database = await openTierDatabase();
    jobs = await createJobManagerCase(database);
    jobManager = await listen(jobs.service, { host: '127.0.0.1', port: 0 });
    aggregator = await createAnsweringServer(() => ({ status: 200, body: TAXONOMY }));
    shell = await startShell();
  });
  afterAll(async () => {
    await shell[Symbol.asyncDispose]();
    await jobManager[Symbol.asyncDispose]();
    await jobs.matchmaker[Symbol.asyncDispose]();
    await aggregator[Symbol.asyncDispose]();
    await database[Symbol.asyncDispose]();
  });

  const startShell = async (urls: { jobManagerUrl?: string; lighthouseUrl?: string } = {}): Promise<Listening> => {
    const dependencies = { database, authenticator: byText, logger: silentLogger };
    const service: Service = await createShellBackendService({
      ...dependencies,
      jobManagerUrl: jobManager.url,
      aggregatorUrl: aggregator.url,
      ...(urls.lighthouseUrl === undefined
        ? { guest: { checks: lighthouseChecks(dependencies), add: (base) => addLighthouse(base, dependencies) } }
        : {}),
      ...urls,
    });
    return listen(service, { host: '127.0.0.1', port: 0 });
  };

  /** As the ICOS shell asks: the refresh token as `api_key`, in quotes. */
  const ask = async (
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
    at = shell,
  ): Promise<Answer> => {
    const answer = await fetch(`${at.url}/api/v3${path}`, {
      method,
      headers: {
        api_key: 'ann:user',
        ...(body === undefined || typeof body === 'string' ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await answer.text();
    return { status: answer.status, text, headers: answer.headers, json: () => JSON.parse(text) };
  };
  const create = async (name: string) => {
    const answer = await ask('POST', '/deployment/', { content: application(['ffmpeg'], { name }) });
    expect(answer.status).toBe(201);
    return answer.json<{ ID: string; id: number; status: string; jobs: { ID: string }[] }>();
  };

  it('is healthy without a word', async () => {
    const answer = await ask('GET', '/healthcheck');
    expect([answer.status, answer.text]).toEqual([200, '']);
  });

  it('creates, lists, shows, stops and deletes a deployment', async () => {
    const made = await create('through-the-shell');
    expect(made).toMatchObject({ name: 'through-the-shell', appName: 'through-the-shell', status: 'pending' });
    const listed = (await ask('GET', '/deployment/')).json<{ ID: string }[]>();
    expect(listed.map(({ ID }) => ID)).toContain(made.ID);
    for (const id of [made.ID, String(made.id)]) {
      expect((await ask('GET', `/deployment/${id}`)).json()).toMatchObject({ ID: made.ID, id: made.id });
    }
    await jobs.promote(made.jobs[0]!.ID, HUB_A);
    await jobs.report({ ...(await jobs.jobs(made.ID))[0]! }, { state: 3 });
    expect((await ask('GET', `/deployment/${made.id}`)).json()).toMatchObject({ status: 'running' });
    expect((await ask('DELETE', `/deployment/${made.ID}`)).status).toBe(409);
    expect((await ask('DELETE', `/deployment/${made.ID}/stop`)).json()).toMatchObject({
      jobs: [{ type: 6, state: 1 }],
    });
    const [todo] = await jobs.executable(HUB_A);
    await jobs.report(todo!, { state: 3 });
    expect((await ask('DELETE', `/deployment/${made.ID}`)).status).toBe(200);
    expect((await ask('GET', `/deployment/${made.ID}`)).status).toBe(404);
    expect((await ask('GET', `/deployment/${made.id}`)).status).toBe(404);
  });

  it.each([
    ['as text in `content`', (text: string) => ({ content: text })],
    [
      'as the JSON object that the original shell sends',
      () => ({
        name: 'to-update',
        components: [{ name: 'fresh', manifests: [{ name: 'm' }] }],
        manifests: [{ name: 'm', manifest: { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'm' } } }],
      }),
    ],
  ])('updates a deployment by a descriptor %s', async (_, body) => {
    const made = await create('to-update');
    const answer = await ask('PUT', `/deployment/${made.ID}`, body(application(['fresh'], { name: 'to-update' })));
    expect(answer.status).toBe(200);
    const components = answer.json<{ jobs: { component: string; type: number }[] }>().jobs;
    expect(components.map(({ component, type }) => [component, type])).toEqual([
      ['ffmpeg', 6],
      ['fresh', 5],
    ]);
  });

  it('passes the idempotency key and pages on', async () => {
    const post = () =>
      ask('POST', '/deployment/', { content: application(['a'], { name: 'once' }) }, { 'idempotency-key': 'k' });
    const [first, second] = [await post(), await post()];
    expect(first.json<{ ID: string }>().ID).toBe(second.json<{ ID: string }>().ID);
    await create('another');
    const page = await ask('GET', '/deployment/?limit=1');
    expect(page.json<unknown[]>()).toHaveLength(1);
    expect(page.headers.get('link')).toMatch(/^<\/api\/v3\/deployment\?limit=1&cursor=[\w-]+>; rel="next"$/);
  });

  it.each([
    ['no content', {}, 400, 'ERR_REQUEST_INVALID'],
    ['content that is no text', { content: 5 }, 400, 'ERR_REQUEST_INVALID'],
    ['an invalid descriptor', { content: 'components: 1' }, 422, 'ERR_DESCRIPTOR_INVALID'],
    ['a descriptor of 3 MiB', { content: 'x'.repeat(3 << 20) }, 413, 'ERR_REQUEST_TOO_LARGE'],
  ])('refuses %s', async (_, body, status, code) => {
    const answer = await ask('POST', '/deployment/', body);
    expect(answer.status).toBe(status);
    expect(answer.json()).toMatchObject({ code });
  });

  it('refuses ids that are none, and hides what belongs to others', async () => {
    const made = await create('of-ann');
    expect((await ask('GET', '/deployment/x')).json()).toMatchObject({
      code: 'ERR_REQUEST_INVALID',
      field: 'deploymentId',
    });
    for (const id of [made.ID, String(made.id)]) {
      const other = await ask('GET', `/deployment/${id}`, undefined, { api_key: 'bob:user' });
      expect([other.status, other.json<{ code: string }>().code]).toEqual([404, 'ERR_GROUP_UNKNOWN']);
    }
    expect((await ask('GET', '/deployment/', undefined, { api_key: '' })).status).toBe(401);
  });

  it('takes a bearer token as well', async () => {
    const answer = await ask('GET', '/deployment/', undefined, { api_key: '', authorization: 'Bearer ann:user' });
    expect(answer.status).toBe(200);
  });

  it('shows the taxonomy, and the seed’s resources one by one', async () => {
    expect((await ask('GET', '/resource/')).json()).toEqual(TAXONOMY);
    const list = (await ask('GET', '/resource/?view=list')).json<{ id: number; name: string; parentId: number }[]>();
    expect(list).toMatchObject([
      { name: 'icos-cluster-b', type: 'controller', parentId: 0, status: 'online' },
      { name: 'icosedge', type: 'node', parentId: list[0]?.id, status: 'online' },
    ]);
    expect((await ask('GET', `/resource/${list[1]?.id}`)).json()).toEqual(list[1]);
    expect((await ask('GET', '/resource/5')).json()).toMatchObject({ code: 'ERR_CLUSTER_RESOURCE_UNKNOWN' });
    expect((await ask('GET', '/resource/x')).status).toBe(400);
    expect(aggregator.seen.every(({ headers }) => headers.authorization === 'Bearer ann:user')).toBe(true);
  });

  it('logs in by query and by body, and out', async () => {
    const byQuery = await ask('GET', '/user/login?username=ann&password=p', undefined, { api_key: '' });
    expect([byQuery.status, byQuery.text]).toEqual([200, '"ann:user"']);
    expect(byQuery.headers.get('cache-control')).toBe('no-store');
    expect((await ask('POST', '/user/login', { username: 'ann', password: 'p' })).json()).toBe('ann:user');
    expect((await ask('GET', '/user/login?username=ann')).json()).toMatchObject({ field: 'password' });
    expect((await ask('GET', '/user/logout')).status).toBe(200);
    expect((await ask('GET', '/user/logout', undefined, { api_key: '' })).json()).toMatchObject({ field: 'api_key' });
  });

  it('streams a deployment to who watches it', async () => {
    const made = await create('watched');
    await using events = await readEvents(`${shell.url}/api/v3/deployment/${made.ID}?watch=true`, {
      api_key: 'ann:user',
    });
    expect(events.contentType).toBe('text/event-stream');
    expect(await events.next()).toMatchObject({ event: 'group', data: { ID: made.ID } });
    expect(await events.next()).toMatchObject({ event: 'ready' });
    await ask('DELETE', `/deployment/${made.ID}/stop`);
    expect(await events.next()).toMatchObject({ event: 'group', data: { jobs: [{ type: 6, state: 3 }] } });
  });

  it('ends its streams when it stops', async () => {
    const other = await startShell();
    const made = await create('cut');
    await using events = await readEvents(`${other.url}/api/v3/deployment/${made.ID}?watch=true`, {
      api_key: 'ann:user',
    });
    await events.next();
    await events.next();
    await other[Symbol.asyncDispose]();
    expect(await events.next()).toBeUndefined();
  });

  it('is the lighthouse too when it is told to, and asks it when it is elsewhere', async () => {
    const entry = { name: 'dom1', address: 'dom1.icos-project.eu' };
    const register = (at: Listening) => ask('POST', '/controller/', entry, { api_key: 'ctl:controller' }, at);
    expect((await register(shell)).json()).toBe('New controller correctly added');
    await using remote = await startShell({ lighthouseUrl: shell.url });
    expect((await ask('GET', '/controller/', undefined, {}, remote)).json()).toEqual([entry]);
    const again = await register(remote);
    expect([again.status, again.json()]).toEqual([202, 'Controller already exists, timer has been reset']);
  });

  it('says what does not answer, and that it is degraded', async () => {
    await using lonely = await startShell({ jobManagerUrl: 'http://127.0.0.1:1' });
    const answer = await ask('GET', '/deployment/', undefined, {}, lonely);
    expect(answer.status).toBe(503);
    expect(answer.json()).toMatchObject({ code: 'ERR_PEER_UNAVAILABLE', retryable: true });
    expect(answer.headers.get('retry-after')).toBe('2');
    const health = await (await fetch(`${lonely.url}/healthz`)).json();
    expect(health).toMatchObject({ status: 'degraded' });
    expect((await fetch(`${lonely.url}/readyz`)).status).toBe(200);
  });
});
