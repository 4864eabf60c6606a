/** `node controller-matchmaker.ts <nodes>`: the matchmaker's model over a fixed fleet, answering `POST /matchmake`. Prints its URL. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { parseDescriptor } from '../../src/contracts/icos/descriptor/parse-descriptor.ts';
import { taxonomyBody } from '../../src/contracts/icos/taxonomy.ts';
import { fleetOf } from '../../src/controller/matchmaker/fleet.ts';
import { matchmake } from '../../src/controller/matchmaker/model.ts';

const GIB = 2 ** 30;
const NODES_PER_CLUSTER = 10;
const fleet = fleetOf(taxonomyBody.parse({ cluster: clustersOf(Number(process.argv[2] ?? 100)) }));

function clustersOf(nodes: number): Record<string, unknown> {
  const clusters: Record<string, { type: string; node: Record<string, unknown> }> = {};
  for (let index = 0; index < nodes; index += 1) {
    const name = `cluster-${Math.floor(index / NODES_PER_CLUSTER)}`;
    clusters[name] ??= { type: 'ocm', node: {} };
    clusters[name].node[`node-${index}`] = {
      staticMetrics: { cpuArchitecture: 'x86_64', cpuCores: 2 + (index % 31), RAMMemory: 64 * GIB },
      dynamicMetrics: { freeRAM: (1 + (index % 61)) * GIB },
    };
  }
  return clusters;
}

const server = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    const { components } = parseDescriptor(Buffer.concat(chunks).toString(), { manifests: 'none' });
    const placements = matchmake({ components, policy: 'best-fit', arrangement: 'free' }, fleet, []);
    const answer = placements.map(({ component, targets }) => ({
      name: component,
      targets: targets.map(({ cluster, node, orchestrator }) => ({
        cluster_name: cluster,
        node_name: node,
        orchestrator,
      })),
    }));
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ components: answer }));
  });
});
server.listen(0, '127.0.0.1', () => console.log(`http://127.0.0.1:${(server.address() as AddressInfo).port}`));
process.stdin.on('end', () => process.exit(0)).resume();
