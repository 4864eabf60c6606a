import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { silentLogger } from '../../../src/common/logger.ts';
import { type RunningController, startController } from '../../../src/controller/main.ts';
import { loadControllerConfig } from '../../../src/controller/settings.ts';
import { agentPool, processesIn, standInProgram } from '../../support/controller/agent-pool.ts';
import { tempDir } from '../../support/temp-dir.ts';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const PORTS = ['shell', 'aggregator', 'job-manager', 'matchmaker'].map((name) => `--${name}-port=0`);

function aFolder(): string {
  const folder = tempDir('tier');
  cleanups.push(() => folder[Symbol.dispose]());
  return folder.path;
}

async function startTier(stateDir: string, ...flags: string[]): Promise<RunningController> {
  const argv = [...PORTS, '--domain=dom1', '--name=here', `--state-dir=${stateDir}`, '--driver-poll-ms=50', ...flags];
  const config = loadControllerConfig({ argv, env: {}, cwd: stateDir });
  const controller = await startController({ config, logger: silentLogger, program: standInProgram.command });
  cleanups.push(() => controller[Symbol.asyncDispose]());
  return controller;
}

async function ask<T>(url: string, method = 'GET', body?: object): Promise<{ status: number; body: T }> {
  const sent =
    body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } };
  const response = await fetch(url, { method, ...sent });
  return { status: response.status, body: (await response.json()) as T };
}

interface Shown {
  readonly ID: string;
  readonly status: string;
  readonly jobs: readonly {
    readonly type: number;
    readonly state: number;
    readonly orchestrator: string;
    readonly resource: { readonly conditions: readonly { readonly type: string; readonly message: string }[] };
  }[];
}

const descriptorOf = (name: string, manifest: string): string =>
  `name: ${name}\ncomponents:\n- {name: pool, manifests: [{name: pool}]}\n---\n${manifest}`;

describe('the whole tier as one process', () => {
  const deployments = ({ urls }: RunningController): string => `${urls['shell-backend']}/api/v3/deployment`;
  const create = async (controller: RunningController, content: string): Promise<Shown> => {
    const { status, body } = await ask<Shown>(deployments(controller), 'POST', { content });
    expect({ status, body }).toMatchObject({ status: 201 });
    return body;
  };
  const show = async (controller: RunningController, id: string): Promise<Shown> =>
    (await ask<Shown>(`${deployments(controller)}/${id}`, 'GET')).body;
  const phase = async (controller: RunningController, id: string): Promise<readonly number[]> => {
    const [job] = (await show(controller, id)).jobs;
    return [job?.type ?? 0, job?.state ?? 0];
  };
  const [CREATE, DELETE, FINISHED, DEGRADED] = [5, 6, 3, 4];

  it('needs nothing but a directory: places agents on this machine, shows them, takes them away', async () => {
    const folder = aFolder();
    const controller = await startTier(folder);
    await expect
      .poll(async () => (await ask<{ cluster: object }>(`${controller.urls.aggregator}/`, 'GET')).body.cluster)
      .toHaveProperty('dom1');
    const { ID } = await create(
      controller,
      descriptorOf('agents', agentPool({ replicas: 2, requests: { cpu: '100m' } })),
    );
    await expect.poll(() => phase(controller, ID), { timeout: 15_000 }).toEqual([CREATE, FINISHED]);
    const [job] = (await show(controller, ID)).jobs;
    expect(job).toMatchObject({ orchestrator: 'process' });
    expect(job?.resource.conditions.find(({ type }) => type === 'Available')?.message).toMatch(/^2 agents: http:/);
    expect(processesIn(folder)).toHaveLength(2);
    const jobs = `${controller.urls['shell-backend']}/api/v3/job`;
    const [listed] = (await ask<{ ID: string }[]>(jobs)).body;
    expect((await ask<{ ID: string }>(`${jobs}/${listed?.ID}`)).body).toMatchObject({ job_group_id: ID });
    const story = (await ask<{ event: string }[]>(`${jobs}/${listed?.ID}/story`)).body;
    expect(story.map(({ event }) => event)).toEqual(['created', 'claimed', 'reported']);
    await ask(`${deployments(controller)}/${ID}/stop`, 'DELETE');
    await expect.poll(() => phase(controller, ID), { timeout: 15_000 }).toEqual([DELETE, FINISHED]);
    expect(processesIn(folder)).toEqual([]);
  });

  it('says why nothing fits, and what cannot be run', async () => {
    const controller = await startTier(aFolder());
    const large = await create(
      controller,
      `name: large\ncomponents:\n- {name: pool, manifests: [{name: pool}], requirements: {cpu: 4096}}\n---\n${agentPool()}`,
    );
    const messages = async (id: string): Promise<string> =>
      (await show(controller, id)).jobs.flatMap(({ resource }) => resource.conditions.map((one) => one.message)).join();
    expect(await messages(large.ID)).toMatch(/cpu/);
    const foreign = await create(controller, descriptorOf('foreign', agentPool({ image: 'nginx' })));
    await expect.poll(() => phase(controller, foreign.ID), { timeout: 15_000 }).toEqual([CREATE, DEGRADED]);
    expect(await messages(foreign.ID)).toContain('the image is nginx');
  });

  it('keeps deployments over a restart', async () => {
    const folder = aFolder();
    const first = await startTier(folder);
    const { ID } = await create(first, descriptorOf('agents', agentPool()));
    await expect.poll(() => phase(first, ID), { timeout: 15_000 }).toEqual([CREATE, FINISHED]);
    await first[Symbol.asyncDispose]();
    expect(processesIn(folder)).toEqual([]);
    const second = await startTier(folder);
    await expect.poll(() => phase(second, ID), { timeout: 15_000 }).toEqual([CREATE, FINISHED]);
    await expect.poll(() => processesIn(folder).length, { timeout: 15_000 }).toBe(1);
  });

  it('is listed at its own lighthouse under its domain', async () => {
    const controller = await startTier(aFolder());
    const address = new URL(controller.urls['shell-backend'] ?? '').host;
    const list = `${controller.urls.lighthouse}/api/v3/controller`;
    await expect.poll(async () => (await fetch(list)).status).toBe(200);
    expect((await ask(list, 'GET')).body).toEqual([{ name: 'here', address }]);
    await expect
      .poll(async () => (await ask(`${controller.urls.lighthouse}/api/v3/domain/dom1`, 'GET')).body)
      .toMatchObject({ controller: { address } });
  });

  it('runs in parts that find each other', async () => {
    const folder = aFolder();
    const aggregator = await startTier(folder, '--only=aggregator');
    const known = `--aggregator-url=${aggregator.urls.aggregator}`;
    const database = `--database=${join(folder, 'shared.db')}`;
    const matchmaker = await startTier(folder, '--only=matchmaker', known, '--job-manager-url=http://127.0.0.1:1');
    const jobs = await startTier(
      folder,
      '--only=job-manager',
      `--matchmaker-url=${matchmaker.urls.matchmaker}`,
      database,
    );
    const urls = [known, `--job-manager-url=${jobs.urls['job-manager']}`];
    await startTier(folder, '--only=none', '--driver=process', ...urls);
    const shell = await startTier(folder, '--only=shell-backend,lighthouse', database, ...urls);
    expect(Object.keys(shell.urls).sort()).toEqual(['lighthouse', 'shell-backend']);
    const { ID } = await create(shell, descriptorOf('agents', agentPool()));
    await expect.poll(() => phase(shell, ID), { timeout: 30_000 }).toEqual([CREATE, FINISHED]);
  }, 40_000);

  it('ends at once although somebody has connected and asks nothing', async () => {
    const controller = await startTier(aFolder(), '--only=aggregator');
    const silent = connect(Number(new URL(controller.urls.aggregator ?? '').port), '127.0.0.1');
    cleanups.push(() => silent.destroy());
    silent.on('error', () => undefined);
    await once(silent, 'connect');
    const closed = once(silent, 'close');
    await controller[Symbol.asyncDispose]();
    await closed;
  });

  it('takes its ports back when one of them is in use', async () => {
    const folder = aFolder();
    const first = await startTier(folder, '--only=aggregator');
    const taken = new URL(first.urls.aggregator ?? '').port;
    await expect(startTier(aFolder(), `--job-manager-port=${taken}`)).rejects.toMatchObject({
      code: 'ERR_PORT_UNAVAILABLE',
    });
  });
});

describe('the configuration', () => {
  const load = (argv: string[], env = {}, cwd = '/') => loadControllerConfig({ argv, env, cwd });

  it('refuses to be open to everybody', () => {
    expect(() => load(['--host=0.0.0.0'])).toThrow(/loopback only/);
    expect(() => load(['--issuer=http://idp.example/realm', '--client-id=c'])).toThrow(/https/);
    expect(() => load(['--auth=oidc'])).toThrow(/--issuer/);
  });

  it('comes from flags, variables and a file, in this order', () => {
    const folder = aFolder();
    const file = join(folder, 'controller.yaml');
    const secret = join(folder, 'secret');
    const settings = { issuer: 'https://idp.example/realms/r', clientId: 'tier', shellPort: 1, matchmakerPort: 2 };
    writeFileSync(file, stringify({ ...settings, clientSecretFile: 'secret' }));
    writeFileSync(secret, 'hush\n');
    const argv = ['--config', 'controller.yaml', '--shell-port=9'];
    const config = load(argv, { METAKERNEL_MATCHMAKER_PORT: '8', METAKERNEL_SHELL_PORT: '7' }, folder);
    expect(config).toMatchObject({ shellPort: 9, matchmakerPort: 8, drivers: [] });
    expect(config.oidc).toMatchObject({ clientSecret: 'hush', serviceClients: ['tier'] });
    expect(load(['--only=job-manager']).drivers).toEqual([]);
    expect(load([]).drivers).toEqual(['process']);
  });
});
