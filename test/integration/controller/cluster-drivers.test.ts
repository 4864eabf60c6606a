import { randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { silentLogger } from '../../../src/common/logger.ts';
import type { Deployment, DeploymentId, DeploymentState, DriverId } from '../../../src/controller/deployment/driver.ts';
import { connectCluster } from '../../../src/controller/deployment/kubernetes/cluster.ts';
import { KubernetesDriver } from '../../../src/controller/deployment/kubernetes/kubernetes-driver.ts';
import { openOcmDriver } from '../../../src/controller/deployment/ocm/ocm-driver.ts';
import { agentPool } from '../../support/controller/agent-pool.ts';
import { ClusterApi, type StoredObject } from '../../support/controller/cluster-api.ts';
import { runWorkAgent } from '../../support/controller/work-agent.ts';
import { tempDir } from '../../support/temp-dir.ts';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const TIMES = { logger: silentLogger, now: Date.now, readyMs: 300, goneMs: 3_000, observeMs: 50 };
const DRIVER = '7d1f5a52-0f55-4c39-8b5e-9b3f6a1c2e13' as string as DriverId;
const signal = new AbortController().signal;

async function aCluster() {
  const api = await ClusterApi.start();
  const folder = tempDir('cluster-drivers');
  const kubeconfig = join(folder.path, 'config');
  writeFileSync(kubeconfig, api.kubeconfig);
  cleanups.push(
    () => folder[Symbol.dispose](),
    () => api[Symbol.asyncDispose](),
  );
  return { api, cluster: connectCluster({ kubeconfig }) };
}

async function kubernetes() {
  const { api, cluster } = await aCluster();
  const create = (): KubernetesDriver => {
    const driver = new KubernetesDriver({ ...TIMES, id: DRIVER, clusterName: 'edge', cluster });
    cleanups.push(() => driver[Symbol.asyncDispose]());
    return driver;
  };
  return { api, driver: create(), create };
}

const aDeployment = (manifests: readonly string[], more: Partial<Deployment> = {}): Deployment => ({
  id: randomUUID() as string as DeploymentId,
  application: 'app',
  instance: 'instance-1',
  component: 'pool',
  namespace: 'app',
  target: { cluster: 'edge', node: 'worker-1' },
  manifests,
  ...more,
});
const whyOf = ({ conditions }: DeploymentState): string =>
  conditions.find(({ type, status }) => type === 'Degraded' && status === 'True')?.message ?? '';
const reasonOf = ({ conditions }: DeploymentState): string | undefined =>
  conditions.find(({ type, status }) => type === 'Degraded' && status === 'True')?.reason;
const templateOf = (object: StoredObject | undefined) =>
  object?.spec?.['template'] as { metadata: { annotations: object }; spec: { nodeSelector?: object } };

const SERVICE = 'apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {ports: [{port: 80}]}\n';

describe('the kubernetes driver', () => {
  it('puts pods where the matchmaker said and marks them for telemetry', async () => {
    const { api, driver } = await kubernetes();
    const deployment = aDeployment([agentPool({ image: 'busybox' }), SERVICE]);
    expect((await driver.apply(deployment, signal)).status).toBe('available');
    const template = templateOf(api.of('Deployment')[0]);
    expect(template.spec.nodeSelector).toEqual({ 'kubernetes.io/hostname': 'worker-1' });
    expect(template.metadata.annotations).toMatchObject({
      'app.icos.eu/name': 'app',
      'app.icos.eu/component': 'pool',
      'app.icos.eu/instance': 'instance-1',
    });
    expect(api.of('Service')[0]?.metadata.namespace).toBe('app');
  });

  it('removes objects that a new descriptor no longer has, and leaves what others own', async () => {
    const { api, driver } = await kubernetes();
    const deployment = aDeployment([agentPool({ image: 'busybox' }), SERVICE]);
    await driver.apply(deployment, signal);
    api.put({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'somebodys' }, data: {} }, 'app');
    await driver.apply({ ...deployment, manifests: [agentPool({ image: 'busybox' })] }, signal);
    expect(api.of('Service')).toEqual([]);
    await driver.remove(deployment.id, signal);
    expect(api.of('Deployment')).toEqual([]);
    expect(api.of('ConfigMap').map(({ metadata }) => metadata.name)).toEqual(['somebodys']);
  });

  it('does not take an object that another deployment has, and does not remove it either', async () => {
    const { api, driver } = await kubernetes();
    const first = aDeployment([agentPool({ image: 'busybox' })]);
    await driver.apply(first, signal);
    const second = aDeployment([agentPool({ image: 'other' })]);
    const refused = await driver.apply(second, signal);
    expect([reasonOf(refused), whyOf(refused)]).toEqual(['NameTaken', expect.stringContaining(first.id)]);
    await driver.remove(second.id, signal);
    expect(api.of('Deployment')).toHaveLength(1);
  });

  it.each([
    ['KindForbidden', 'apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: all}\n'],
    ['NamespaceForbidden', SERVICE.replace('name: web', 'name: web, namespace: kube-system')],
    ['ManifestInvalid', 'kind: Pod\nmetadata: {}\n'],
    ['ManifestInvalid', 'a: [\n'],
    ['NothingToRun', '# nothing\n'],
    [
      'RefusedByCluster',
      agentPool({ image: 'busybox' }).replace(/matchLabels:\n\s+app: pool/, 'matchLabels:\n      app: other'),
    ],
  ])('refuses with %s', async (reason, manifest) => {
    const { api, driver } = await kubernetes();
    const state = await driver.apply(aDeployment([manifest]), signal);
    expect([state.status, reasonOf(state)]).toEqual(['degraded', reason]);
    expect(whyOf(state).length).toBeGreaterThan(10);
    expect(api.of('Pod')).toEqual([]);
  });

  it('says in the words of the cluster why a pod does not run', async () => {
    const { driver } = await kubernetes();
    const state = await driver.apply(aDeployment([agentPool({ image: 'missing:1', replicas: 2 })]), signal);
    expect(state.status).toBe('degraded');
    expect(whyOf(state)).toMatch(
      /Deployment pool: 0 of 2 available\nPod pool-.*ImagePullBackOff: Back-off pulling image "missing:1"/,
    );
  });

  it('rejects while the cluster is away, and does it when it is back', async () => {
    const { api, driver } = await kubernetes();
    const deployment = aDeployment([agentPool({ image: 'busybox' })]);
    api.outage = 503;
    await expect(driver.apply(deployment, signal)).rejects.toMatchObject({ code: 'ERR_PEER_UNAVAILABLE' });
    api.outage = undefined;
    expect((await driver.apply(deployment, signal)).status).toBe('available');
  });

  it('goes on in another process with what the first one left', async () => {
    const { api, driver, create } = await kubernetes();
    const deployment = aDeployment([agentPool({ image: 'busybox' })]);
    const state = await driver.apply(deployment, signal);
    await driver.update(deployment, 'scale-up', signal);
    await driver[Symbol.asyncDispose]();
    const second = create();
    expect(await second.observe()).toMatchObject([{ id: deployment.id, uuid: state.uuid, status: 'available' }]);
    await second.apply(deployment, signal);
    expect(api.of('Pod')).toHaveLength(2);
    await second.remove(deployment.id, signal);
    expect(api.of('Pod')).toEqual([]);
  });
});

describe('the ocm driver', () => {
  it('goes by the id of its hub, and by its managed clusters', async () => {
    const { api: hub, cluster } = await aCluster();
    const managed = await ClusterApi.start();
    cleanups.push(() => managed[Symbol.asyncDispose]());
    hub.put({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'edge' } });
    hub.put({
      apiVersion: 'cluster.open-cluster-management.io/v1',
      kind: 'ManagedCluster',
      metadata: { name: 'edge' },
    });
    const manager = hub.put({
      apiVersion: 'operator.open-cluster-management.io/v1',
      kind: 'ClusterManager',
      metadata: { name: 'cluster-manager' },
    });
    runWorkAgent(hub, managed, 'edge');
    const driver = await openOcmDriver({ ...TIMES, hub: cluster, fallbackId: DRIVER });
    cleanups.push(() => driver[Symbol.asyncDispose]());
    expect(driver.id).toBe(manager.metadata.uid);
    expect(driver.serves({ cluster: 'edge', node: '' })).toBe(true);
    const state = await driver.apply(aDeployment([agentPool({ image: 'missing:1' })]), signal);
    expect(whyOf(state)).toContain('Deployment pool: 0 of 1 replicas are available');
    const [work] = hub.of('ManifestWork');
    expect([work?.metadata.name, work?.metadata.uid]).toEqual([state.name, state.uuid]);
    const unknown = aDeployment([SERVICE], { target: { cluster: 'nowhere', node: '' } });
    expect(reasonOf(await driver.apply(unknown, signal))).toBe('ClusterUnknown');
  });

  it('cannot start without its hub, and says so', async () => {
    const { api, cluster } = await aCluster();
    api.outage = 503;
    await expect(openOcmDriver({ ...TIMES, hub: cluster, fallbackId: DRIVER })).rejects.toMatchObject({
      code: 'ERR_PEER_UNAVAILABLE',
    });
  });
});
