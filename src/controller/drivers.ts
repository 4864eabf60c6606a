/** The deployment drivers that this process runs for the job manager. */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { Logger } from '../common/logger.ts';
import type { DeploymentDriver, DriverId } from './deployment/driver.ts';
import { DRIVER_LOOP_DEFAULTS, DriverLoop } from './deployment/driver-loop.ts';
import { createJobQueue } from './deployment/job-queue.ts';
import type { Cluster } from './deployment/kubernetes/cluster.ts';
import { createNodeAnnouncer } from './deployment/process/node-announcer.ts';
import { ProcessDriver } from './deployment/process/process-driver.ts';
import type { Authenticator } from './iam/authenticator.ts';
import type { HealthCheck } from './service/health.ts';
import { Peer } from './service/peer.ts';
import type { Addresses } from './services.ts';
import { reachable } from './services.ts';
import type { ControllerConfig, DriverName } from './settings.ts';

export interface DriverParts {
  readonly config: ControllerConfig;
  readonly logger: Logger;
  readonly authenticator: Authenticator;
  readonly addresses: Addresses;
  /** What starts this command line: agents are started by it. */
  readonly program: readonly [string, ...string[]];
}

export interface RunningDrivers extends AsyncDisposable {
  readonly checks: readonly HealthCheck[];
  start(): void;
}

const READY_MS = 30_000;
const GRACE_MS = 15_000;
const RESTART_MS = 1_000;

export async function createDrivers(parts: DriverParts): Promise<RunningDrivers> {
  const { config, logger, authenticator, addresses } = parts;
  const jobManager = new Peer({ name: 'job-manager', url: addresses.later('job-manager') });
  const queue = createJobQueue(jobManager, authenticator);
  const drivers = await Promise.all(config.drivers.map((name) => createDriver(name, parts)));
  const loops = drivers.map((driver) => {
    const settings = { ...DRIVER_LOOP_DEFAULTS, pollMs: config.driverPollMs };
    return new DriverLoop(driver, queue, settings, logger.child({ driver: driver.orchestrator }));
  });
  const announcer = config.drivers.includes('process')
    ? createNodeAnnouncer({
        aggregatorUrl: addresses.later('aggregator'),
        cluster: config.domain,
        node: config.name,
        authenticator,
        logger,
      })
    : undefined;
  return {
    checks: [
      ...config.drivers.map((name, index) => ({
        name: `driver ${name}`,
        required: false,
        probe: () => loops[index]?.problem,
      })),
      ...(announcer === undefined ? [] : [announcer.check]),
    ],
    start: () => {
      announcer?.start();
      for (const loop of loops) loop.start();
    },
    [Symbol.asyncDispose]: async () => {
      await Promise.all(loops.map((loop) => loop.stop()));
      await announcer?.[Symbol.asyncDispose]();
      await jobManager[Symbol.asyncDispose]();
    },
  };
}

async function createDriver(name: DriverName, parts: DriverParts): Promise<DeploymentDriver> {
  switch (name) {
    case 'process':
      return processDriver(parts);
    case 'kubernetes':
      return kubernetesDriver(parts);
    case 'ocm':
      return ocmDriver(parts);
  }
}

const processDriver = ({ config, program }: DriverParts): DeploymentDriver =>
  new ProcessDriver({
    id: driverIdOf(`process/${config.domain}/${config.name}`),
    cluster: config.domain,
    node: config.name,
    program: { command: program, host: reachable(config.host), readyMs: READY_MS, graceMs: GRACE_MS },
    portRange: config.agentPorts,
    folder: join(config.stateDir, 'processes'),
    restartMs: RESTART_MS,
    now: Date.now,
  });

/** The client of clusters is large: it is loaded by those who need it. */
async function clusterOf({ kubeconfig, kubeContext }: ControllerConfig): Promise<Cluster> {
  const { connectCluster } = await import('./deployment/kubernetes/cluster.ts');
  return connectCluster({
    ...(kubeconfig === undefined ? {} : { kubeconfig }),
    ...(kubeContext === undefined ? {} : { context: kubeContext }),
  });
}

async function kubernetesDriver({ config, logger }: DriverParts): Promise<DeploymentDriver> {
  const [cluster, { KUBERNETES_DEFAULTS, KubernetesDriver }] = await Promise.all([
    clusterOf(config),
    import('./deployment/kubernetes/kubernetes-driver.ts'),
  ]);
  const clusterName = config.kubeCluster ?? config.domain;
  const id = driverIdOf(`kubernetes/${clusterName}`);
  return new KubernetesDriver({ ...KUBERNETES_DEFAULTS, id, clusterName, cluster, logger, now: Date.now });
}

async function ocmDriver({ config, logger }: DriverParts): Promise<DeploymentDriver> {
  const [hub, { KUBERNETES_DEFAULTS }, { openOcmDriver }] = await Promise.all([
    clusterOf(config),
    import('./deployment/kubernetes/kubernetes-driver.ts'),
    import('./deployment/ocm/ocm-driver.ts'),
  ]);
  return openOcmDriver({
    ...KUBERNETES_DEFAULTS,
    hub,
    fallbackId: driverIdOf(`ocm/${hub.server}`),
    logger,
    now: Date.now,
  });
}

/** A GUID that is the same whenever the driver of this place starts: what it deployed stays its own. */
export function driverIdOf(place: string): DriverId {
  const hex = createHash('sha256').update(`metakernel driver ${place}`).digest('hex');
  const version = `8${hex.slice(13, 16)}`;
  const variant = `8${hex.slice(17, 20)}`;
  return [hex.slice(0, 8), hex.slice(8, 12), version, variant, hex.slice(20, 32)].join('-') as string as DriverId;
}
