/** A process driver in a process of its own, to be killed: deploys what it is told and says so. */
import type { Deployment, DriverId } from '../../../../src/controller/deployment/driver.ts';
import { ProcessDriver } from '../../../../src/controller/deployment/process/process-driver.ts';
import { agentPool, standInProgram } from '../agent-pool.ts';

const [folder = '', replicas = '1'] = process.argv.slice(2);
const driver = new ProcessDriver({
  id: '7d1f5a52-0f55-4c39-8b5e-9b3f6a1c2e02' as string as DriverId,
  cluster: 'dom1',
  node: 'here',
  program: standInProgram,
  portRange: { first: 0, last: 0 },
  folder,
  restartMs: 1000,
  now: Date.now,
});
const deployment = {
  id: '5e0b0c1e-6a5c-4a39-9d43-1f3a6a1c2e02',
  application: 'app',
  instance: 'instance',
  component: 'pool',
  namespace: 'app',
  target: { cluster: 'dom1', node: 'here' },
  manifests: [agentPool({ replicas: Number(replicas) })],
} as unknown as Deployment;
const state = await driver.apply(deployment, new AbortController().signal);
console.log(state.status);
setInterval(() => undefined, 1 << 30);
