import { availableParallelism, cpus, totalmem } from 'node:os';
import type { Logger } from '../../../common/logger.ts';
import type { NodeAnnouncement } from '../../../contracts/icos/node-announcement.ts';
import type { Authenticator } from '../../iam/authenticator.ts';
import { every } from '../../service/every.ts';
import type { HealthCheck } from '../../service/health.ts';
import { Peer, type ServiceUrl } from '../../service/peer.ts';

export interface NodeAnnouncerOptions {
  readonly aggregatorUrl: ServiceUrl;
  readonly cluster: string;
  readonly node: string;
  readonly authenticator: Authenticator;
  readonly logger: Logger;
  readonly renewMs?: number;
}

/** Keeps this machine in the taxonomy as a place for processes, and takes it off when it stops. */
export interface NodeAnnouncer extends AsyncDisposable {
  readonly check: HealthCheck;
  start(): void;
}

const LEASE_SECONDS = 60;

export function createNodeAnnouncer(options: NodeAnnouncerOptions): NodeAnnouncer {
  const { cluster, node, authenticator, logger, renewMs = 15_000 } = options;
  const aggregator = new Peer({ name: 'aggregator', url: options.aggregatorUrl, timeoutMs: 5_000 });
  const path = `/nodes/${encodeURIComponent(cluster)}/${encodeURIComponent(node)}`;
  let problem: string | undefined = 'not announced yet';
  const call = async (method: 'PUT' | 'DELETE', body?: NodeAnnouncement): Promise<void> => {
    const { status, text } = await aggregator.call({ method, path, body, token: await authenticator.serviceToken() });
    if (status >= 300) throw new Error(`the aggregator answered ${status}: ${text.slice(0, 200)}`);
  };
  const announcing = every(
    renewMs,
    async () => {
      try {
        await call('PUT', thisMachine(node));
        problem = undefined;
      } catch (thrown) {
        problem = thrown instanceof Error ? thrown.message : String(thrown);
        throw thrown;
      }
    },
    logger,
  );
  return {
    check: { name: 'announcement', required: false, probe: () => problem },
    start: () => {
      announcing.start();
      announcing.wake();
    },
    [Symbol.asyncDispose]: async () => {
      await announcing.stop();
      if (problem === undefined) await call('DELETE').catch(() => undefined);
      await aggregator[Symbol.asyncDispose]();
    },
  };
}

const thisMachine = (name: string): NodeAnnouncement => ({
  type: 'process',
  leaseSeconds: LEASE_SECONDS,
  node: {
    name,
    location: {},
    staticMetrics: {
      cpuArchitecture: ARCHITECTURES[process.arch] ?? process.arch,
      cpuCores: availableParallelism(),
      cpuMaxFrequency: (cpus()[0]?.speed ?? 0) * 1e6,
      RAMMemory: totalmem(),
    },
    dynamicMetrics: { upTime: Math.round(process.uptime()), freeRAM: process.availableMemory() },
  },
});

/** Node's names for what the metrics of other nodes call as the kernel does. */
const ARCHITECTURES: Partial<Record<NodeJS.Architecture, string>> = { x64: 'x86_64', arm64: 'aarch64' };
