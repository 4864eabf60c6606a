/** `node controller-matchmaker.ts <nodes> <job manager url>`: the matchmaker over an aggregator of a fixed fleet. Prints its URL. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { silentLogger } from '../../src/common/logger.ts';
import { createNoAuth } from '../../src/controller/iam/no-auth.ts';
import { createMatchmakerService } from '../../src/controller/matchmaker/main.ts';
import { listen } from '../../src/controller/service/listening.ts';

const [nodes, jobManagerUrl] = process.argv.slice(2) as [string, string];
const GIB = 2 ** 30;
const NODES_PER_CLUSTER = 10;

/** Large enough for whatever the benchmark places: a full fleet would only measure refusals. */
const CORES = 100_000;

function clustersOf(count: number): Record<string, unknown> {
  const clusters: Record<string, { type: string; node: Record<string, unknown> }> = {};
  for (let index = 0; index < count; index += 1) {
    const name = `cluster-${Math.floor(index / NODES_PER_CLUSTER)}`;
    clusters[name] ??= { type: 'ocm', node: {} };
    clusters[name].node[`node-${index}`] = {
      staticMetrics: { cpuArchitecture: 'x86_64', cpuCores: CORES + index, RAMMemory: CORES * GIB },
      dynamicMetrics: { freeRAM: (CORES - index) * GIB },
    };
  }
  return clusters;
}

const taxonomy = JSON.stringify({ timestamp: {}, cluster: clustersOf(Number(nodes)) });
const aggregator = createServer((_request, response) => {
  response.writeHead(200, { 'content-type': 'application/json' }).end(taxonomy);
});
await new Promise<void>((resolve) => aggregator.listen(0, '127.0.0.1', resolve));
const service = await createMatchmakerService({
  authenticator: createNoAuth(['127.0.0.1']),
  logger: silentLogger,
  aggregatorUrl: `http://127.0.0.1:${(aggregator.address() as AddressInfo).port}`,
  jobManagerUrl,
});
const listening = await listen(service, { host: '127.0.0.1', port: 0 });
console.log(listening.url);
process.stdin.on('end', () => process.exit(0)).resume();
