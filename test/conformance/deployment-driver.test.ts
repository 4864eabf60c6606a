import { join } from 'node:path';
import type { DeploymentId, DriverId } from '../../src/controller/deployment/driver.ts';
import { ProcessDriver } from '../../src/controller/deployment/process/process-driver.ts';
import { agentPool, processesIn, standInProgram } from '../support/controller/agent-pool.ts';
import { tempDir } from '../support/temp-dir.ts';
import { describeDeploymentDriver } from './deployment-driver.ts';

describeDeploymentDriver('process', async () => {
  const folder = tempDir('driver');
  const driver = new ProcessDriver({
    id: '7d1f5a52-0f55-4c39-8b5e-9b3f6a1c2e01' as string as DriverId,
    cluster: 'dom1',
    node: 'here',
    program: standInProgram,
    portRange: { first: 0, last: 0 },
    folder: folder.path,
    restartMs: 20,
    now: Date.now,
  });
  const urls = async (id: DeploymentId): Promise<readonly string[]> => {
    const state = (await driver.observe()).find((one) => one.id === id);
    const message = state?.conditions.find(({ type }) => type === 'Available')?.message ?? '';
    return message.match(/http:\/\/[\d.:]+/g) ?? [];
  };
  return {
    driver,
    place: { cluster: 'dom1', node: 'here' },
    manifests: (replicas, variant = '') => [
      agentPool({ replicas, args: variant === '' ? [] : ['--variant', variant] }),
    ],
    impossible: { manifests: [agentPool({ image: 'busybox:1.36' })], reason: 'ImageUnsupported' },
    running: (id) => Promise.resolve(processesIn(join(folder.path, id))),
    crash: async (id) => {
      const [url] = await urls(id);
      await fetch(`${url}/die`).catch(() => undefined);
    },
    [Symbol.asyncDispose]: async () => {
      await driver[Symbol.asyncDispose]();
      folder[Symbol.dispose]();
    },
  };
});
