import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { JobGroupBody } from '../../../src/contracts/icos/job.ts';
import { agentPool, processesIn } from '../../support/controller/agent-pool.ts';
import { RunningControllerProcess } from '../../support/controller/running-controller.ts';
import { tempDir } from '../../support/temp-dir.ts';

type Part = 'aggregator' | 'matchmaker' | 'job-manager' | 'shell-backend' | 'driver';
const [CREATE, DELETE, FINISHED] = [5, 6, 3];
const WAIT = { timeout: 60_000, interval: 200 };

/** Every service in a process of its own, each killed while a deployment is under way. */
describe('the tier survives the loss of', () => {
  const folder = tempDir('survival');
  const state = `--state-dir=${join(folder.path, 'state')}`;
  const running = new Map<Part, RunningControllerProcess>();
  const flags = new Map<Part, readonly string[]>();

  async function start(part: Part, ...more: readonly string[]): Promise<void> {
    const only = part === 'driver' ? ['--only=none', '--driver=process'] : [`--only=${part}`];
    const all = [...only, state, '--domain=dom1', '--name=here', '--log-level=error', ...more];
    flags.set(part, all);
    running.set(part, await RunningControllerProcess.start(all));
  }
  const url = (part: Part): string => running.get(part)?.listening.urls[part] ?? '';
  const deployments = (): string => `${url('shell-backend')}/api/v3/deployment`;

  async function kill(part: Part): Promise<() => Promise<void>> {
    const killed = running.get(part)!;
    const { port } = new URL(url(part) || 'http://127.0.0.1:0');
    killed.process.kill('SIGKILL');
    await killed.process.exited;
    const flag = part === 'shell-backend' ? '--shell-port' : `--${part}-port`;
    const where = part === 'driver' ? [] : [`${flag}=${port}`];
    return async () => {
      running.set(part, await RunningControllerProcess.start([...(flags.get(part) ?? []), ...where]));
    };
  }

  beforeAll(async () => {
    await start('aggregator');
    const aggregator = `--aggregator-url=${url('aggregator')}`;
    await start('job-manager', '--matchmaker-url=http://127.0.0.1:9');
    // The two ask each other, and the address of each is known once it listens: the job manager is told afterwards.
    const restart = await kill('job-manager');
    await start('matchmaker', aggregator, `--job-manager-url=${url('job-manager')}`);
    const told = (flags.get('job-manager') ?? []).filter((flag) => !flag.startsWith('--matchmaker-url'));
    flags.set('job-manager', [...told, `--matchmaker-url=${url('matchmaker')}`]);
    await restart();
    const jobs = `--job-manager-url=${url('job-manager')}`;
    await start('shell-backend', aggregator, jobs);
    await start('driver', aggregator, jobs);
  }, 60_000);
  afterAll(async () => {
    await Promise.all([...running.values()].map((one) => one[Symbol.asyncDispose]()));
    folder[Symbol.dispose]();
  }, 60_000);

  const create = async (name: string): Promise<string> => {
    const pool = agentPool({ args: ['--cpus', '1'] });
    const content = `name: ${name}\ncomponents:\n- {name: pool, manifests: [{name: pool}]}\n---\n${pool}`;
    const headers = { 'content-type': 'application/json' };
    const answer = await fetch(deployments(), { method: 'POST', headers, body: JSON.stringify({ content }) });
    expect(answer.status).toBe(201);
    return ((await answer.json()) as JobGroupBody).ID;
  };
  const phase = async (id: string): Promise<unknown> => {
    const answer = await fetch(`${deployments()}/${id}`).catch(() => undefined);
    if (answer?.status !== 200) return answer?.status;
    const { jobs } = (await answer.json()) as JobGroupBody;
    return jobs?.map(({ type, state: is }) => [type, is]);
  };
  const agents = (): number => processesIn(join(folder.path, 'state')).length;

  async function runsAndEnds(id: string): Promise<void> {
    await expect.poll(() => phase(id), WAIT).toEqual([[CREATE, FINISHED]]);
    await expect.poll(agents, WAIT).toBe(1);
    await fetch(`${deployments()}/${id}/stop`, { method: 'DELETE' });
    await expect.poll(() => phase(id), WAIT).toEqual([[DELETE, FINISHED]]);
    expect(agents()).toBe(0);
  }

  it.each<Part>(['aggregator', 'job-manager', 'shell-backend', 'driver'])(
    'the %s while a deployment is on its way',
    async (part) => {
      await expect.poll(async () => (await fetch(`${url('aggregator')}/`)).text(), WAIT).toContain('dom1');
      const id = await create(`without-${part}`);
      const restart = await kill(part);
      await restart();
      await runsAndEnds(id);
    },
    150_000,
  );

  it('the matchmaker, before it could be asked', async () => {
    await expect.poll(async () => (await fetch(`${url('aggregator')}/`)).text(), WAIT).toContain('dom1');
    const restart = await kill('matchmaker');
    const id = await create('without-matchmaker');
    const shown = await fetch(`${deployments()}/${id}`);
    expect(await shown.text()).toContain('matchmaker does not answer');
    await restart();
    await runsAndEnds(id);
  }, 150_000);
});
