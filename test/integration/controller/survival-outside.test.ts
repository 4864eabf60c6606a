import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { JobGroupBody } from '../../../src/contracts/icos/job.ts';
import { agentPool, processesIn } from '../../support/controller/agent-pool.ts';
import { fleetMetrics } from '../../support/controller/fleet-metrics.ts';
import { CLIENT, startIssuer, type TestIssuer } from '../../support/controller/oidc-issuer.ts';
import { RunningControllerProcess } from '../../support/controller/running-controller.ts';
import { type PostgresServer, postgresProblem, startPostgres } from '../../support/postgres.ts';
import {
  type Exporter,
  type PrometheusServer,
  prometheusProblem,
  startExporter,
  startPrometheus,
} from '../../support/prometheus.ts';
import { tempDir } from '../../support/temp-dir.ts';

const [CREATE, DELETE, FINISHED] = [5, 6, 3];
const WAIT = { timeout: 60_000, interval: 200 };
/** The nodes that Prometheus tells of are of another kind than this machine: nothing runs jobs there. */
const [OWN, OTHER] = process.arch === 'arm64' ? ['aarch64', 'x86_64'] : ['x86_64', 'aarch64'];
const FLEET = fleetMetrics({ clusters: 1, nodesPerCluster: 2, podsPerNode: 1 }).replaceAll('x86_64', OTHER);
const problem = postgresProblem() ?? prometheusProblem();
if (problem !== undefined) console.warn(`skipped: the tier over PostgreSQL, Prometheus and an issuer: ${problem}`);

/** The whole tier on what it is run with in earnest; each of the three goes while an application runs, and comes back. */
describe.skipIf(problem !== undefined)(
  'the tier over PostgreSQL, Prometheus and an issuer survives the loss of',
  () => {
    const folder = tempDir('survival-outside');
    const state = join(folder.path, 'state');
    let postgres: PostgresServer;
    let exporter: Exporter;
    let prometheus: PrometheusServer;
    let issuer: TestIssuer;
    let tier: RunningControllerProcess;
    let refreshToken = '';

    beforeAll(async () => {
      [postgres, issuer, exporter] = await Promise.all([startPostgres(), startIssuer(), startExporter(FLEET)]);
      prometheus = await startPrometheus({ targets: [exporter.address] });
      await prometheus.until('count(node_uname_info)', (count) => count === 2);
      tier = await RunningControllerProcess.start([
        `--state-dir=${state}`,
        `--database=${await postgres.createDatabase()}`,
        `--prometheus-url=${prometheus.url}`,
        `--issuer=${issuer.url}`,
        `--client-id=${CLIENT.id}`,
        `--client-secret=${CLIENT.secret}`,
        '--driver=process',
        '--domain=dom1',
        '--name=here',
        '--log-level=error',
      ]);
      const tokens = await issuer.token({ grant_type: 'password', username: 'ann', password: 'ann-password' });
      refreshToken = String(tokens['refresh_token']);
      const known = async () => expect(JSON.stringify((await ask('GET', '/resource/')).body)).toContain('dom1');
      await vi.waitFor(known, WAIT);
    }, 120_000);
    afterAll(async () => {
      await tier?.[Symbol.asyncDispose]();
      await Promise.all([postgres, prometheus, exporter, issuer].map((one) => one?.[Symbol.asyncDispose]()));
      folder[Symbol.dispose]();
    }, 60_000);

    async function ask<T>(method: string, path: string, body?: object): Promise<{ status: number; body: T }> {
      const json = body === undefined ? {} : { 'content-type': 'application/json' };
      const answer = await fetch(`${tier.url}/api/v3${path}`, {
        method,
        headers: { api_key: refreshToken, ...json },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      const text = await answer.text();
      return { status: answer.status, body: (text === '' ? undefined : JSON.parse(text)) as T };
    }

    const create = (name: string) => {
      const component = `- {name: pool, manifests: [{name: pool}], requirements: {architecture: ${OWN}}}`;
      const content = `name: ${name}\ncomponents:\n${component}\n---\n${agentPool({ args: ['--cpus', '1'] })}`;
      return ask<JobGroupBody>('POST', '/deployment/', { content });
    };
    async function phase(id: string): Promise<unknown> {
      const { status, body } = await ask<JobGroupBody>('GET', `/deployment/${id}`);
      return status === 200 ? body.jobs?.map(({ type, state: is }) => [type, is]) : status;
    }
    const runs = (id: string) => expect.poll(() => phase(id), WAIT).toEqual([[CREATE, FINISHED]]);
    async function ends(id: string): Promise<void> {
      expect((await ask('DELETE', `/deployment/${id}/stop`)).status).toBe(200);
      await expect.poll(() => phase(id), WAIT).toEqual([[DELETE, FINISHED]]);
    }
    async function running(name: string): Promise<string> {
      const { status, body } = await create(name);
      expect(status).toBe(201);
      await runs(body.ID);
      return body.ID;
    }
    const health = async (service: string): Promise<unknown> =>
      (await (await fetch(`${tier.listening.urls[service]}/healthz`)).json()) as unknown;
    /** Asked for the taxonomy first: it is fetched when somebody wants it. */
    const fetched = async (): Promise<unknown> => {
      await ask('GET', '/resource/');
      return health('aggregator');
    };
    const ready = async (service: string): Promise<number> =>
      (await fetch(`${tier.listening.urls[service]}/readyz`)).status;
    const agents = (): number => processesIn(state).length;

    it('its database', async () => {
      const id = await running('without-database');
      await postgres.crash();
      expect(await create('lost')).toMatchObject({
        status: 503,
        body: { code: 'ERR_DATABASE_UNAVAILABLE', retryable: true },
      });
      expect(await health('job-manager')).toMatchObject({ status: 'degraded' });
      expect(await ready('job-manager')).toBe(503);
      expect(agents()).toBe(1);
      await postgres.restart();
      await expect.poll(() => ready('job-manager'), WAIT).toBe(200);
      await runs(id);
      const second = await running('after-database');
      expect(agents()).toBe(2);
      await ends(id);
      await ends(second);
      expect(agents()).toBe(0);
      const { body } = await ask<JobGroupBody[]>('GET', '/deployment/');
      expect(body.map(({ appName }) => appName).sort()).toEqual(['after-database', 'without-database']);
    }, 180_000);

    it('its Prometheus', async () => {
      await expect.poll(() => health('aggregator'), WAIT).toMatchObject({ status: 'ok' });
      await prometheus.stop();
      await expect.poll(fetched, WAIT).toMatchObject({
        status: 'degraded',
      });
      const id = await running('without-prometheus');
      await prometheus.restart();
      await expect.poll(fetched, WAIT).toMatchObject({
        status: 'ok',
      });
      await ends(id);
      expect(agents()).toBe(0);
    }, 180_000);

    it('its issuer', async () => {
      const id = await running('without-issuer');
      await issuer.down();
      const login = '/user/login?username=ann&password=ann-password';
      expect(await ask('GET', login)).toMatchObject({ status: 503, body: { code: 'ERR_AUTH_UNAVAILABLE' } });
      await expect.poll(() => health('shell-backend'), WAIT).toMatchObject({ status: 'degraded' });
      expect(agents()).toBe(1);
      await issuer.up();
      expect(await ask('GET', login)).toMatchObject({ status: 200 });
      await expect.poll(() => health('shell-backend'), WAIT).toMatchObject({ status: 'ok' });
      await runs(id);
      await ends(id);
      expect(agents()).toBe(0);
    }, 180_000);
  },
);
