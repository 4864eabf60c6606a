import { afterEach, describe, expect, it } from 'vitest';
import { silentLogger } from '../../../src/common/logger.ts';
import { type Joined, joinDomain } from '../../../src/controller/join.ts';
import { authenticatorOf, type RunningController, startController } from '../../../src/controller/main.ts';
import { type ControllerConfig, loadControllerConfig } from '../../../src/controller/settings.ts';
import { standInProgram } from '../../support/controller/agent-pool.ts';
import { tempDir } from '../../support/temp-dir.ts';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const PORTS = ['shell', 'aggregator', 'job-manager', 'matchmaker'].map((name) => `--${name}-port=0`);

function configOf(name: string, ...flags: string[]): ControllerConfig {
  const folder = tempDir('join');
  cleanups.push(() => folder[Symbol.dispose]());
  const argv = [...PORTS, `--name=${name}`, `--state-dir=${folder.path}`, '--driver-poll-ms=50', ...flags];
  return loadControllerConfig({ argv, env: {}, cwd: folder.path });
}

async function start(config: ControllerConfig): Promise<RunningController> {
  const controller = await startController({ config, logger: silentLogger, program: standInProgram.command });
  cleanups.push(() => controller[Symbol.asyncDispose]());
  return controller;
}

const join = (config: ControllerConfig): Promise<Joined> => joinDomain(config, authenticatorOf(config));

describe('a node that joins a domain', () => {
  it('becomes its controller when it is the first, its agent when it is not, whoever asks at once', async () => {
    const lighthouse = await start(configOf('light', '--only=lighthouse'));
    const nodes = Array.from({ length: 12 }, (_, index) =>
      configOf(
        `node-${index}`,
        `--lighthouse=${lighthouse.urls.lighthouse}`,
        '--domain=dom1',
        `--advertise=10.0.0.${index + 1}:8080`,
      ),
    );
    const joined = await Promise.all(nodes.map(join));
    const [winner, ...others] = joined.filter(({ role }) => role === 'controller');
    expect(others).toEqual([]);
    for (const { controller } of joined) expect(controller).toEqual(winner?.controller);
    const agent = joined.find(({ role }) => role === 'agent');
    const host = winner?.controller.address.replace(/:8080$/, '');
    expect(agent?.config).toMatchObject({ only: ['none'], drivers: ['process'], aggregatorUrl: `http://${host}:0` });
  });

  it('offers itself to the controller, which deploys to it', async () => {
    const lighthouse = await start(configOf('light', '--only=lighthouse'));
    const flags = [`--lighthouse=${lighthouse.urls.lighthouse}`, '--domain=dom1'];
    const first = await join(configOf('first', ...flags, '--advertise=127.0.0.1:1'));
    expect(first.role).toBe('controller');
    const controller = await start(first.config);
    expect(Object.keys(controller.urls)).not.toContain('lighthouse');
    const urls = [
      `--aggregator-url=${controller.urls.aggregator}`,
      `--job-manager-url=${controller.urls['job-manager']}`,
    ];
    const second = await join(configOf('second', ...flags, ...urls, '--advertise=127.0.0.1:2'));
    expect(second).toMatchObject({ role: 'agent', controller: { name: 'first', address: '127.0.0.1:1' } });
    await start(second.config);
    const nodes = async (): Promise<readonly string[]> => {
      const answer = await fetch(`${controller.urls.aggregator}/`);
      const { cluster } = (await answer.json()) as { cluster: Record<string, { node: object }> };
      return Object.keys(cluster['dom1']?.node ?? {});
    };
    await expect.poll(nodes).toContain('second');
  });

  it('needs an address that others can reach', async () => {
    const config = configOf('node', '--lighthouse=http://127.0.0.1:1', '--domain=dom1');
    await expect(join(config)).rejects.toThrow(/--shell-port.*claim names it/);
  });
});
