import type { DeploymentId } from '../../../src/controller/deployment/driver.ts';
import { DEPLOYMENT_LABEL } from '../../../src/controller/deployment/kubernetes/inventory.ts';
import { agentPool } from './agent-pool.ts';
import type { ClusterApi } from './cluster-api.ts';

/** What the conformance suite of drivers asks of a deployment whose agents are pods of that cluster. */
export function podsOn(cluster: ClusterApi) {
  const podsOf = (id: DeploymentId) =>
    cluster.of('Pod').filter((pod) => pod.metadata.labels?.[DEPLOYMENT_LABEL] === id);
  return {
    place: { cluster: 'edge', node: 'worker-1' },
    manifests: (replicas: number, variant = '') => [
      agentPool({ image: 'busybox', replicas, args: variant === '' ? [] : ['--variant', variant] }),
    ],
    running: (id: DeploymentId) => Promise.resolve(podsOf(id).map(({ metadata }) => metadata.uid)),
    crash: (id: DeploymentId) => {
      const [pod] = podsOf(id);
      if (pod !== undefined) cluster.kill(pod);
      return Promise.resolve();
    },
  };
}
