import { randomUUID } from 'node:crypto';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { startProcess } from '../../../scripts/process.ts';
import { silentLogger } from '../../../src/common/logger.ts';
import type { JobBody, JobGroupBody } from '../../../src/contracts/icos/job.ts';
import type { Deployment, DeploymentId, DeploymentState, DriverId } from '../../../src/controller/deployment/driver.ts';
import { DRIVER_LOOP_DEFAULTS, DriverLoop } from '../../../src/controller/deployment/driver-loop.ts';
import { createJobQueue } from '../../../src/controller/deployment/job-queue.ts';
import { ProcessDriver, type ProcessDriverOptions } from '../../../src/controller/deployment/process/process-driver.ts';
import { listen } from '../../../src/controller/service/listening.ts';
import { Peer } from '../../../src/controller/service/peer.ts';
import { agentPool, type PoolSketch, processesIn, standInProgram } from '../../support/controller/agent-pool.ts';
import { createJobManagerCase } from '../../support/controller/job-manager-case.ts';
import { openTierDatabase } from '../../support/controller/tier-database.ts';
import { byText } from '../../support/identities.ts';
import { tempDir } from '../../support/temp-dir.ts';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const PLACE = { cluster: 'dom1', node: 'here' };
const DRIVER = '7d1f5a52-0f55-4c39-8b5e-9b3f6a1c2e03' as string as DriverId;
const signal = new AbortController().signal;

function aDriver(options: Partial<ProcessDriverOptions> = {}): ProcessDriver & { folder: string } {
  const folder = tempDir('process-driver');
  cleanups.push(() => folder[Symbol.dispose]());
  const driver = new ProcessDriver({
    id: DRIVER,
    ...PLACE,
    program: standInProgram,
    portRange: { first: 0, last: 0 },
    folder: folder.path,
    restartMs: 20,
    now: Date.now,
    ...options,
  });
  return Object.assign(driver, { folder: options.folder ?? folder.path });
}

const aDeployment = (sketch: PoolSketch = {}): Deployment => ({
  id: randomUUID() as string as DeploymentId,
  application: 'app',
  instance: randomUUID(),
  component: 'pool',
  namespace: 'app',
  target: PLACE,
  manifests: [agentPool(sketch)],
});

const messageOf = (state: DeploymentState): string =>
  state.conditions.find(({ type }) => type === 'Available')?.message ?? '';
const urlsOf = (state: DeploymentState): readonly string[] => messageOf(state).match(/http:\/\/[\d.:]+/g) ?? [];

/** /proc changes without telling anybody. */
async function until(condition: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const deadline = Date.now() + 20_000;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`not reached: ${what}`);
    await wait(20);
  }
}

describe('agents as processes', () => {
  it('get their flags, their environment and nothing of the secrets of the controller', async () => {
    process.env['SECRET'] = 'do not tell';
    cleanups.push(() => delete process.env['SECRET']);
    const driver = aDriver();
    cleanups.push(() => driver[Symbol.asyncDispose]());
    const sketch = {
      args: ['--debug'],
      env: [{ name: 'GREETING', value: 'hello' }],
      requests: { cpu: 2, memory: '1Gi' },
    };
    const state = await driver.apply(aDeployment(sketch), signal);
    const [url] = urlsOf(state);
    const { args, env } = (await (await fetch(url!)).json()) as { args: string[]; env: object };
    expect(env).toEqual({ GREETING: 'hello' });
    expect(args.join(' ')).toMatch(
      /^agent start --exit-with-parent --host 127.0.0.1 --name pool --cpus 2 --memory 1 --debug --rest-port \d+ --grpc-port \d+ --data-port \d+$/,
    );
    expect(new URL(url!).port).toBe(args[args.indexOf('--rest-port') + 1]);
  });

  it('that fail say what they said last, and none is left', async () => {
    const driver = aDriver();
    cleanups.push(() => driver[Symbol.asyncDispose]());
    const state = await driver.apply(aDeployment({ replicas: 20, args: ['--fail'] }), signal);
    expect(state.status).toBe('degraded');
    expect(messageOf(state)).toMatch(/^Agent pool-\d+: it ended with code 3\n[\s\S]*this agent was told to fail/);
    expect(processesIn(driver.folder)).toEqual([]);
  });

  it('that do not answer are given up after their time', async () => {
    const driver = aDriver({ program: { ...standInProgram, readyMs: 300, graceMs: 200 } });
    cleanups.push(() => driver[Symbol.asyncDispose]());
    const state = await driver.apply(aDeployment({ args: ['--mute'] }), signal);
    expect(messageOf(state)).toMatch(/did not answer at http:.* in 300 ms/);
    expect(processesIn(driver.folder)).toEqual([]);
  });

  it('do not get a port that somebody has, and say so when it is the one they must have', async () => {
    const squatter = createServer();
    await new Promise<void>((resolve) => squatter.listen(0, '127.0.0.1', resolve));
    cleanups.push(() => new Promise((resolve) => squatter.close(resolve)));
    const { port } = squatter.address() as AddressInfo;
    const driver = aDriver({ portRange: { first: port, last: port + 3 } });
    cleanups.push(() => driver[Symbol.asyncDispose]());
    const taken = await driver.apply(
      aDeployment({ ports: [{ name: 'rest', containerPort: 1, hostPort: port }] }),
      signal,
    );
    expect(messageOf(taken)).toContain(`${port}: something else listens there`);
    const fits = await driver.apply(aDeployment(), signal);
    expect(fits.status).toBe('available');
    const full = await driver.apply(aDeployment(), signal);
    expect(messageOf(full)).toMatch(/all are in use/);
  });

  it('end with their driver, however it ends', async () => {
    const folder = tempDir('driver-host');
    cleanups.push(() => folder[Symbol.dispose]());
    const program = join(import.meta.dirname, '../../support/controller/programs/driver-host.ts');
    let ready: () => void = () => undefined;
    const deployed = new Promise<void>((resolve) => (ready = resolve));
    await using host = startProcess(process.execPath, ['--conditions=source', program, folder.path, '3'], {
      watch: 'stdin',
      onLine: (line) => (line === 'available' ? ready() : undefined),
    });
    await deployed;
    expect(processesIn(join(folder.path))).toHaveLength(3);
    host.kill('SIGKILL');
    await host.exited;
    await until(() => processesIn(folder.path).length === 0, 'no agent without its driver');
  });
});

/** The driver at work for a real job manager over HTTP. */
async function atWork(settings = {}) {
  const database = await openTierDatabase();
  cleanups.push(() => database[Symbol.asyncDispose]());
  const jobs = await createJobManagerCase(database, { now: Date.now, ...settings });
  jobs.matchmaker.place = () => ({ cluster_name: PLACE.cluster, node_name: PLACE.node, orchestrator: 'process' });
  const listening = await listen(jobs.service, { host: '127.0.0.1', port: 0 });
  cleanups.push(async () => {
    await listening[Symbol.asyncDispose]();
    await jobs.matchmaker[Symbol.asyncDispose]();
  });
  const peer = new Peer({ name: 'job-manager', url: listening.url });
  cleanups.push(() => peer[Symbol.asyncDispose]());
  const queue = createJobQueue(peer, byText);
  const run = (driver: ProcessDriver) => {
    const loop = new DriverLoop(driver, queue, { ...DRIVER_LOOP_DEFAULTS, pollMs: 20, reconcileMs: 50 }, silentLogger);
    loop.start();
    return loop;
  };
  const job = async (group: JobGroupBody): Promise<JobBody> => (await jobs.jobs(group.ID))[0]!;
  const reached = async (group: JobGroupBody, type: number, state: number): Promise<JobBody> => {
    await until(async () => {
      const current = await job(group);
      return current.type === type && current.state === state;
    }, `job of type ${type} in state ${state}`);
    return job(group);
  };
  return { jobs, run, job, reached };
}

const descriptor = (manifest: string): string =>
  [
    'name: agents',
    'components:',
    '- {name: pool, manifests: [{name: pool}]}',
    'manifests:',
    ...manifest
      .trimEnd()
      .split('\n')
      .map((line, index) => (index === 0 ? `- ${line}` : `  ${line}`)),
  ].join('\n');

const [CREATE, DELETE, UPDATE] = [5, 6, 7];
const [FINISHED, DEGRADED] = [3, 4];

describe('the process driver of a job manager', () => {
  it('deploys, tells the addresses, and takes away again', async () => {
    const { jobs, run, reached } = await atWork();
    const driver = aDriver();
    const loop = run(driver);
    cleanups.push(() => loop.stop());
    const group = await jobs.create(descriptor(agentPool({ replicas: 3 })));
    const done = await reached(group, CREATE, FINISHED);
    expect(done.owner_id).toBe(DRIVER);
    expect(done.resource?.resource_uuid).toBe(done.ID);
    const available = done.resource?.conditions?.find(({ type }) => type === 'Available');
    expect(available).toMatchObject({ status: 'True', reason: 'AgentsRun' });
    expect(available!.message.match(/http:/g)).toHaveLength(3);
    expect(processesIn(driver.folder)).toHaveLength(3);
    await jobs.call('PUT', `/jobmanager/groups/undeploy/${group.ID}`);
    await reached(group, DELETE, FINISHED);
    expect(processesIn(driver.folder)).toEqual([]);
  });

  it('ends an image that it cannot run in Degraded, with the reason', async () => {
    const { jobs, run, reached } = await atWork();
    const loop = run(aDriver());
    cleanups.push(() => loop.stop());
    const group = await jobs.create(descriptor(agentPool({ image: 'nginx' })));
    const { resource } = await reached(group, CREATE, DEGRADED);
    expect(resource?.conditions?.find(({ type }) => type === 'Degraded')).toMatchObject({
      reason: 'ImageUnsupported',
      message: expect.stringContaining('nginx'),
    });
  });

  it('scales on remediation', async () => {
    const { jobs, run, reached } = await atWork();
    const driver = aDriver();
    const loop = run(driver);
    cleanups.push(() => loop.stop());
    const group = await jobs.create(descriptor(agentPool({ replicas: 1 })));
    const { ID } = await reached(group, CREATE, FINISHED);
    const body = { policyName: 'p', subject: { resourceId: ID }, remediation: 'scale-up' };
    const answer = await jobs.call('POST', '/jobmanager/policies/incompliance', body, { who: ['pm', 'service'] });
    expect(answer.status).toBe(200);
    await reached(group, UPDATE, FINISHED);
    expect(processesIn(driver.folder)).toHaveLength(2);
  });

  it('tells of a crash, and of the recovery', async () => {
    const { jobs, run, reached } = await atWork();
    const driver = aDriver({ restartMs: 500 });
    const loop = run(driver);
    cleanups.push(() => loop.stop());
    const group = await jobs.create(descriptor(agentPool({ replicas: 2 })));
    await reached(group, CREATE, FINISHED);
    process.kill(Number(processesIn(driver.folder)[0]), 'SIGKILL');
    const down = await reached(group, CREATE, DEGRADED);
    expect(down.resource?.conditions?.find(({ type }) => type === 'Available')).toMatchObject({
      reason: 'AgentDown',
      message: expect.stringMatching(/1 of 2 agents run.*SIGKILL ended it/),
    });
    await reached(group, CREATE, FINISHED);
    expect(processesIn(driver.folder)).toHaveLength(2);
  });

  it('brings back after a restart what was running, and says so while it is away', async () => {
    const { jobs, run, reached } = await atWork();
    const first = aDriver();
    const firstLoop = run(first);
    const group = await jobs.create(descriptor(agentPool({ replicas: 2 })));
    await reached(group, CREATE, FINISHED);
    await firstLoop.stop();
    expect(processesIn(first.folder)).toEqual([]);
    const away = await reached(group, CREATE, DEGRADED);
    expect(away.resource?.conditions?.find(({ type }) => type === 'Available')).toMatchObject({
      reason: 'DriverStopped',
    });
    const second = aDriver({ folder: first.folder });
    const secondLoop = run(second);
    cleanups.push(() => secondLoop.stop());
    await reached(group, CREATE, FINISHED);
    expect(processesIn(first.folder)).toHaveLength(2);
  });

  it('removes what no job stands for', async () => {
    const { run } = await atWork();
    const driver = aDriver();
    await driver.apply(aDeployment({ replicas: 2 }), signal);
    const loop = run(driver);
    cleanups.push(() => loop.stop());
    await until(() => processesIn(driver.folder).length === 0, 'the stray deployment is gone');
  });

  it('leaves the jobs of other places alone', async () => {
    const { jobs, run, job, reached } = await atWork();
    const loop = run(aDriver());
    cleanups.push(() => loop.stop());
    jobs.matchmaker.place = () => ({ cluster_name: 'dom2', node_name: 'there', orchestrator: 'process' });
    const other = await jobs.create(descriptor(agentPool()));
    jobs.matchmaker.place = () => ({ cluster_name: PLACE.cluster, node_name: PLACE.node, orchestrator: 'process' });
    const mine = await jobs.create(descriptor(agentPool()));
    await reached(mine, CREATE, FINISHED);
    expect(await job(other)).toMatchObject({ type: CREATE, state: 1 });
  });
});
