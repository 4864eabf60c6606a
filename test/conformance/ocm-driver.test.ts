import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { silentLogger } from '../../src/common/logger.ts';
import type { DriverId } from '../../src/controller/deployment/driver.ts';
import { connectCluster } from '../../src/controller/deployment/kubernetes/cluster.ts';
import { openOcmDriver } from '../../src/controller/deployment/ocm/ocm-driver.ts';
import { agentPool } from '../support/controller/agent-pool.ts';
import { ClusterApi } from '../support/controller/cluster-api.ts';
import { podsOn } from '../support/controller/cluster-pods.ts';
import { runWorkAgent } from '../support/controller/work-agent.ts';
import { tempDir } from '../support/temp-dir.ts';
import { describeDeploymentDriver } from './deployment-driver.ts';

describeDeploymentDriver('ocm', async () => {
  const folder = tempDir('ocm-driver');
  const hub = await ClusterApi.start();
  const managed = await ClusterApi.start();
  hub.put({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'edge' } });
  hub.put({ apiVersion: 'cluster.open-cluster-management.io/v1', kind: 'ManagedCluster', metadata: { name: 'edge' } });
  hub.put({
    apiVersion: 'operator.open-cluster-management.io/v1',
    kind: 'ClusterManager',
    metadata: { name: 'cluster-manager' },
  });
  runWorkAgent(hub, managed, 'edge');
  const kubeconfig = join(folder.path, 'config');
  writeFileSync(kubeconfig, hub.kubeconfig);
  const driver = await openOcmDriver({
    hub: connectCluster({ kubeconfig }),
    fallbackId: '7d1f5a52-0f55-4c39-8b5e-9b3f6a1c2e12' as string as DriverId,
    logger: silentLogger,
    now: Date.now,
    readyMs: 5_000,
    goneMs: 5_000,
    observeMs: 50,
  });
  return {
    driver,
    ...podsOn(managed),
    impossible: { manifests: [agentPool({ kind: 'ClusterRole' })], reason: 'KindForbidden' },
    [Symbol.asyncDispose]: async () => {
      await driver[Symbol.asyncDispose]();
      await hub[Symbol.asyncDispose]();
      await managed[Symbol.asyncDispose]();
      folder[Symbol.dispose]();
    },
  };
});
