/**
 * Creation of deployments with matchmaking against a taxonomy of 100 nodes, on both databases. Job manager, matchmaker
 * and load are processes of their own on the same cores. The baseline stores the same body in one row.
 */
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { postgresProblem, startPostgres } from '../test/support/postgres.ts';
import { tempDir } from '../test/support/temp-dir.ts';
import { HttpLoad, type Latencies } from './support/http-load.ts';
import { startProgram } from './support/program.ts';
import { benchmark } from './support/report.ts';

const NODES = 100;
const REQUESTS = 1000;
const IN_FLIGHT = 16;
const OFFERED_PER_SECOND = 500;
const OFFERED_SECONDS = 10;

const DESCRIPTOR = `name: bench
description: one component
components:
  - name: web
    type: kubernetes
    manifests: [{name: web}]
    requirements: {cpu: 500m, memory: 1Gi, architecture: x86_64}
manifests:
  - apiVersion: apps/v1
    kind: Deployment
    metadata: {name: web, labels: {app: web}}
    spec:
      replicas: 1
      selector: {matchLabels: {app: web}}
      template:
        metadata: {labels: {app: web}}
        spec:
          containers:
            - {name: web, image: nginx, ports: [{containerPort: 80}], resources: {requests: {cpu: 500m, memory: 1Gi}}}
`;

/** Each of the two services must know the other's address before it starts. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

async function run(kind: string, databaseUrl: string): Promise<void> {
  const port = await freePort();
  await using matchmaker = await startProgram('controller-matchmaker.ts', [String(NODES), `http://127.0.0.1:${port}`]);
  await using manager = await startProgram('controller-job-manager.ts', [databaseUrl, matchmaker.url, String(port)]);
  await using load = new HttpLoad();
  const to = (path: string) => ({ url: `${manager.url}${path}`, body: DESCRIPTOR, contentType: 'application/x-yaml' });
  const perSecond = async (path: string): Promise<number> =>
    (await load.closed(to(path), REQUESTS, IN_FLIGHT)).perSecond;
  await perSecond('/jobmanager/groups');
  const offered: Latencies = await load.open(to('/jobmanager/groups'), OFFERED_PER_SECOND, OFFERED_SECONDS);
  await benchmark({
    name: `controller-jobs-${kind}`,
    unit: 'jobs/s',
    baselineName: 'bare Fastify route with one insert',
    measure: () => perSecond('/jobmanager/groups'),
    baseline: () => perSecond('/bare'),
    samples: 7,
    details: () => ({
      offeredPerSecond: OFFERED_PER_SECOND,
      reachedPerSecond: offered.perSecond,
      p50Ms: offered.p50,
      p99Ms: offered.p99,
      nodes: NODES,
    }),
  });
}

using folder = tempDir('bench-jobs');
await run('sqlite', join(folder.path, 'jobs.db'));
const problem = postgresProblem();
if (problem === undefined) {
  await using server = await startPostgres();
  await run('postgres', await server.createDatabase());
} else {
  console.log(`controller-jobs-postgres: skipped, ${problem}`);
}
