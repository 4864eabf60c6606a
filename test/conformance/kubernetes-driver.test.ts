import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { silentLogger } from '../../src/common/logger.ts';
import type { DriverId } from '../../src/controller/deployment/driver.ts';
import { connectCluster } from '../../src/controller/deployment/kubernetes/cluster.ts';
import { KubernetesDriver } from '../../src/controller/deployment/kubernetes/kubernetes-driver.ts';
import { agentPool } from '../support/controller/agent-pool.ts';
import { ClusterApi } from '../support/controller/cluster-api.ts';
import { podsOn } from '../support/controller/cluster-pods.ts';
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
  return {
    driver,
    ...podsOn(cluster),
    impossible: { manifests: [agentPool({ kind: 'Gadget' })], reason: 'KindUnsupported' },
    [Symbol.asyncDispose]: async () => {
      await driver[Symbol.asyncDispose]();
      await cluster[Symbol.asyncDispose]();
      folder[Symbol.dispose]();
    },
  };
});
