import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { agentPool, processesIn } from '../../support/controller/agent-pool.ts';
import { CLIENT, startIssuer, type TestIssuer } from '../../support/controller/oidc-issuer.ts';
import { RunningControllerProcess, runShell } from '../../support/controller/running-controller.ts';
import { tempDir } from '../../support/temp-dir.ts';

const descriptorOf = (name: string, manifest: string): string =>
  `name: ${name}\ncomponents:\n- {name: pool, manifests: [{name: pool}]}\n---\n${manifest}`;

describe('the shell against a controller of this machine', () => {
  const folder = tempDir('shell');
  let controller: RunningControllerProcess;
  const shell = (...argv: string[]) =>
    runShell(argv, { METAKERNEL_CONTROLLER: controller.url, XDG_CONFIG_HOME: folder.path });
  const inFile = (name: string, content: string): string => {
    const path = join(folder.path, name);
    writeFileSync(path, content);
    return path;
  };
  const json = async <T>(...argv: string[]): Promise<T> => JSON.parse((await shell(...argv, '--json')).out) as T;

  beforeAll(async () => {
    const state = `--state-dir=${join(folder.path, 'state')}`;
    controller = await RunningControllerProcess.start([state, '--domain=dom1', '--name=here', '--log-level=warn']);
    await vi.waitFor(async () => expect((await shell('resources')).out).toContain('dom1'), { timeout: 10_000 });
  }, 30_000);
  afterAll(async () => {
    await controller[Symbol.asyncDispose]();
    folder[Symbol.dispose]();
  });

  it('shows what there is', async () => {
    expect((await shell('resources')).out).toMatch(/^dom1\s+here\s+process\s+\S+\s+\d+/m);
    await expect.poll(() => shell('controllers').then(({ out }) => out)).toContain(new URL(controller.url).host);
    expect((await shell('deployments', 'list')).out).toBe('no deployments\n');
    expect((await shell('jobs', 'list')).out).toBe('no jobs\n');
  });

  it('deploys real agents, follows them until they run, updates, stops and forgets them', async () => {
    const two = inFile('two.yaml', descriptorOf('agents', agentPool({ replicas: 2, args: ['--cpus', '1'] })));
    const made = await shell('deployments', 'create', '--file', two, '--watch');
    expect([made.exitCode, made.err]).toEqual([0, '']);
    expect(made.out).toMatch(/agents\/pool {2}Finished {2}dom1\/here {2}2 agents: http:/);
    const urls = made.out.match(/http:\/\/127[\d.:]+/g) ?? [];
    // They are agents: they answer as such.
    expect((await fetch(`${urls[0]}/COMPSs/test`)).status).toBe(200);
    const [listed] = await json<{ ID: string; jobs: { ID: string }[] }[]>('deployments', 'list');
    const id = listed?.ID ?? '';
    expect((await shell('deployment', 'list', '--name', 'agents')).out).toMatch(/agents\s+Finished\s+1\/1/);
    expect((await shell('jobs', 'story', listed?.jobs[0]?.ID ?? '')).out).toMatch(/create-finished\s+2 agents/);
    expect((await shell('jobs', 'get', listed?.jobs[0]?.ID ?? '')).out).toContain('Available=True');
    const three = inFile('three.yaml', descriptorOf('agents', agentPool({ replicas: 3, args: ['--cpus', '1'] })));
    const updated = await shell('deployments', 'update', id, '-f', three, '-w');
    expect([updated.exitCode, updated.err]).toEqual([0, '']);
    expect(updated.out).toContain('3 agents');
    const early = await shell('deployments', 'delete', id);
    expect(early).toMatchObject({ exitCode: 1, err: expect.stringContaining('ERR_') });
    expect((await shell('deployments', 'stop', id, '--watch')).out).toMatch(/Stopped/);
    expect(processesIn(join(folder.path, 'state'))).toEqual([]);
    expect((await shell('deployments', 'delete', id)).exitCode).toBe(0);
    expect(await shell('deployments', 'get', id)).toMatchObject({
      exitCode: 1,
      err: expect.stringContaining('ERR_GROUP_UNKNOWN'),
    });
  }, 60_000);

  it('says why something cannot be, with an exit code for scripts', async () => {
    const nginx = inFile('nginx.yaml', descriptorOf('foreign', agentPool({ image: 'nginx' })));
    const refused = await shell('deployments', 'create', nginx, '-w');
    expect(refused.exitCode).toBe(1);
    expect(refused.out).toContain('the image is nginx');
    expect(await shell('deployments', 'create', inFile('bad.yaml', 'a: [')).catch(String)).toMatchObject({
      exitCode: 1,
    });
    expect(await shell('deployments', 'get', 'nonsense')).toMatchObject({ exitCode: 1 });
    expect(await shell('deployments', 'create')).toMatchObject({ exitCode: 2 });
    expect(await shell('deployments', 'explode')).toMatchObject({ exitCode: 2 });
    const nowhere = await runShell(['resources', '-c', '127.0.0.1:1'], { XDG_CONFIG_HOME: folder.path });
    expect(nowhere).toMatchObject({ exitCode: 4, err: expect.stringContaining('no controller answers') });
  });

  it('tells every change of all deployments until it is interrupted', async () => {
    const interrupt = new AbortController();
    const lines: string[] = [];
    const env = { METAKERNEL_LIGHTHOUSE: controller.url, XDG_CONFIG_HOME: folder.path };
    const watching = runShell(['deployments', 'list', '--watch'], env, interrupt.signal, (line) => {
      lines.push(line);
      if (/watched\/pool {2}Degraded/.test(line)) interrupt.abort();
    });
    const file = inFile('watched.yaml', descriptorOf('watched', agentPool({ image: 'nginx' })));
    expect((await shell('deployments', 'create', file)).exitCode).toBe(0);
    expect((await watching).exitCode).toBe(130);
    expect(lines.join('\n')).toMatch(/watched\/pool {2}Created/);
  });
});

describe('the shell against a controller with an issuer', () => {
  const folder = tempDir('shell-login');
  let issuer: TestIssuer;
  let controller: RunningControllerProcess;
  beforeAll(async () => {
    issuer = await startIssuer();
    controller = await RunningControllerProcess.start([
      `--state-dir=${join(folder.path, 'state')}`,
      `--issuer=${issuer.url}`,
      `--client-id=${CLIENT.id}`,
      `--client-secret=${CLIENT.secret}`,
      '--log-level=warn',
    ]);
  }, 30_000);
  afterAll(async () => {
    await controller[Symbol.asyncDispose]();
    await issuer[Symbol.asyncDispose]();
    folder[Symbol.dispose]();
  });
  const as = (user: string, ...argv: string[]) =>
    runShell(argv, {
      METAKERNEL_PASSWORD: `${user}-password`,
      METAKERNEL_SHELL_SESSION: join(folder.path, user, 'session.json'),
      ...(argv[0] === 'login' ? { METAKERNEL_CONTROLLER: controller.url } : {}),
    });

  it('logs in, keeps the token to itself, sees its own deployments alone, and logs out', async () => {
    expect(
      await runShell(['deployments', 'list', '-c', controller.url], { XDG_CONFIG_HOME: folder.path }),
    ).toMatchObject({ exitCode: 1, err: expect.stringMatching(/ERR_AUTH_REQUIRED.*log in/) });
    expect(await as('ann', 'login', 'ann')).toMatchObject({ exitCode: 0, err: '' });
    expect(await as('bob', 'login', 'bob')).toMatchObject({ exitCode: 0, err: '' });
    const session = join(folder.path, 'ann', 'session.json');
    expect(statSync(session).mode & 0o777).toBe(0o600);
    const [token = ''] = Object.values((JSON.parse(readFileSync(session, 'utf8')) as { tokens: object }).tokens);
    const descriptor = join(folder.path, 'pool.yaml');
    writeFileSync(descriptor, descriptorOf('anns', agentPool()));
    expect(await as('ann', 'deployments', 'create', '-f', descriptor)).toMatchObject({ exitCode: 0 });
    expect((await as('ann', 'deployments', 'list')).out).toContain('anns');
    expect((await as('bob', 'deployments', 'list')).out).toBe('no deployments\n');
    expect(await as('ann', 'logout')).toMatchObject({ exitCode: 0 });
    expect(await as('ann', 'deployments', 'list')).toMatchObject({ exitCode: 1 });
    expect(controller.log.join('\n')).not.toContain(token);
  });

  it('does not take a wrong password', async () => {
    expect(await as('eve', 'login', 'ann')).toMatchObject({ exitCode: 1, err: expect.stringContaining('ERR_AUTH') });
  });
});
