import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { silentLogger } from '../../src/common/logger.ts';
import type { DeploymentId, DriverId } from '../../src/controller/deployment/driver.ts';
import { connectCluster } from '../../src/controller/deployment/kubernetes/cluster.ts';
import { DEPLOYMENT_LABEL } from '../../src/controller/deployment/kubernetes/inventory.ts';
import { KubernetesDriver } from '../../src/controller/deployment/kubernetes/kubernetes-driver.ts';
import { agentPool } from '../support/controller/agent-pool.ts';
import { ClusterApi } from '../support/controller/cluster-api.ts';
import { tempDir } from '../support/temp-dir.ts';
import { describeDeploymentDriver } from './deployment-driver.ts';

describeDeploymentDriver('kubernetes', async () => {
  const folder = tempDir('kubernetes-driver');
  const cluster = await ClusterApi.start();
  const kubeconfig = join(folder.path, 'config');
  writeFileSync(kubeconfig, cluster.kubeconfig);
  const driver = new KubernetesDriver({
    id: '7d1f5a52-0f55-4c39-8b5e-9b3f6a1c2e11' as string as DriverId,
    clusterName: 'edge',
    cluster: connectCluster({ kubeconfig }),
    logger: silentLogger,
    now: Date.now,
    readyMs: 5_000,
    goneMs: 5_000,
    observeMs: 50,
  });
  const podsOf = (id: DeploymentId) =>
    cluster.of('Pod').filter((pod) => pod.metadata.labels?.[DEPLOYMENT_LABEL] === id);
  return {
    driver,
    place: { cluster: 'edge', node: 'worker-1' },
    manifests: (replicas, variant = '') => [
      agentPool({ image: 'busybox', replicas, args: variant === '' ? [] : ['--variant', variant] }),
    ],
    impossible: { manifests: [agentPool({ kind: 'Gadget' })], reason: 'KindUnsupported' },
    running: (id) => Promise.resolve(podsOf(id).map(({ metadata }) => metadata.uid)),
    crash: (id) => {
      const [pod] = podsOf(id);
      if (pod !== undefined) cluster.kill(pod);
      return Promise.resolve();
    },
    [Symbol.asyncDispose]: async () => {
      await driver[Symbol.asyncDispose]();
      await cluster[Symbol.asyncDispose]();
      folder[Symbol.dispose]();
    },
  };
});
