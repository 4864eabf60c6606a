import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { create } from '@bufbuild/protobuf';
import { credentials, Metadata, makeGenericClientConstructor } from '@grpc/grpc-js';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { silentLogger } from '../../../src/common/logger.ts';
import { EmptySchema, type InfrastructureModel } from '../../../src/contracts/gen/aggregator_pb.ts';
import { it1TaxonomyBody, type Taxonomy, taxonomyBody } from '../../../src/contracts/icos/taxonomy.ts';
import { AGGREGATOR_SERVICE } from '../../../src/controller/aggregator/grpc.ts';
import {
  type AggregatorService,
  type AggregatorSettings,
  createAggregatorService,
} from '../../../src/controller/aggregator/main.ts';
import { fleetMetrics, richMetrics } from '../../support/controller/fleet-metrics.ts';
import { bearer, byText } from '../../support/identities.ts';
import {
  type Exporter,
  type PrometheusServer,
  prometheusProblem,
  startExporter,
  startPrometheus,
} from '../../support/prometheus.ts';

const problem = prometheusProblem();
if (problem !== undefined) console.warn(`skipped: aggregator over Prometheus: ${problem}`);

const open: AggregatorService[] = [];
afterEach(async () => {
  for (const service of open.splice(0)) {
    await service.app.close();
    await service[Symbol.asyncDispose]();
  }
});

async function aggregator(prometheusUrl?: string, settings: Partial<AggregatorSettings> = {}) {
  const service = await createAggregatorService(
    { authenticator: byText, logger: silentLogger, ...(prometheusUrl === undefined ? {} : { prometheusUrl }) },
    { maxAgeMs: 0, maxWaitlessAgeMs: 0, queryTimeoutMs: 5000, ...settings },
  );
  open.push(service);
  const get = (url = '/', headers: Record<string, string> = {}) =>
    service.app.inject({ url, headers: { ...bearer('ann', 'user'), ...headers } });
  const taxonomy = async (): Promise<Taxonomy> => taxonomyBody.parse((await get()).json());
  const health = async () => (await service.app.inject('/healthz')).json() as { status: string; parts: object[] };
  return { service, get, taxonomy, health };
}

describe.skipIf(problem !== undefined)('over a real Prometheus', () => {
  let exporter: Exporter;
  let prometheus: PrometheusServer;
  let ticking: NodeJS.Timeout;
  beforeAll(async () => {
    let counter = 0;
    exporter = await startExporter(richMetrics(counter));
    // Counters that grow: rates need two scrapes that differ, and the first rates are so small that they are rounded away.
    ticking = setInterval(() => {
      counter += 0.1;
      exporter.metrics = richMetrics(counter);
    }, 100);
    prometheus = await startPrometheus({ targets: [exporter.address] });
    await prometheus.until('rate(node_network_receive_bytes_total[5m])', (value) => value > 0);
    await prometheus.until('rate(scaph_host_energy_microjoules_total[5m]) / 1e6', (value) => value > 0.01);
    await prometheus.until('rate(node_cpu_seconds_total[5m])', (value) => value > 0);
  });
  afterAll(async () => {
    clearInterval(ticking);
    await prometheus?.[Symbol.asyncDispose]();
    await exporter?.[Symbol.asyncDispose]();
  });

  it('fills the release form from the metrics of the release', async () => {
    const { taxonomy } = await aggregator(prometheus.url);
    const { cluster, timestamp, degraded, stale } = await taxonomy();
    expect([degraded, stale]).toEqual([undefined, undefined]);
    expect(Object.keys(cluster)).toEqual(['icos-cluster-b', 'nuvla']);
    expect(timestamp.oldestTimestamp).toBeGreaterThan(Date.now() / 1000 - 60);
    const edge = cluster['icos-cluster-b']!;
    expect({ ...edge, node: undefined, pod: undefined }).toEqual({
      type: 'ocm',
      uuid: 'uid-b',
      name: 'icos-cluster-b',
      serviceLevelAgreement: {},
      API: {},
    });
    expect(Object.keys(edge.node)).toEqual(['icosedge']);
    const node = edge.node['icosedge']!;
    const { upTime, cpuPower, cpuEnergyConsumption, ...dynamic } = node.dynamicMetrics;
    const { eth0 } = node.networkInterfaces!;
    expect({ ...node, dynamicMetrics: dynamic, networkInterfaces: undefined }).toEqual({
      type: 'ocm',
      uuid: 'host-b',
      name: 'icosedge',
      location: { latitude: 41.38, longitude: 2.11 },
      vulnerabilities: { Critical: 6, High: 191 },
      ScaScore: 42,
      labels: { color: 'green', zone: 'north' },
      staticMetrics: {
        cpuArchitecture: 'x86_64',
        cpuCores: 4,
        cpuMaxFrequency: 3_700_000_000,
        RAMMemory: 16_686_080_000,
        gpuCores: 1,
        gpuRAMMemory: String(16_000 * 2 ** 20),
        storage: [{ name: '/', type: 'ext4', capacity: 50_000_000_000 }],
      },
      dynamicMetrics: {
        cpuTemperature: 41,
        freeRAM: 7_756_066_816,
        usedRAM: 16_686_080_000 - 7_756_066_816,
        memoryUsagePercent: 53.52,
        gpuFrequency: '1410000000',
        gpuTemperature: 55,
        gpuEnergyConsumption: 120,
        availableStorage: { '/': { name: '/', free: 20_000_000_000 } },
      },
      devices: {
        'usb-video_046d_0825': {
          name: 'usb-video_046d_0825',
          type: 'usb-video',
          status: 'available',
          path: 'squat.ai/video',
        },
        'usb-audio_1': { name: 'usb-audio_1', type: 'usb-audio', status: 'busy', path: 'icos.eu/audio' },
        'usb-storage_2': { name: 'usb-storage_2', type: 'usb-storage', status: 'detached', path: 'icos.eu/disk' },
      },
    });
    expect(eth0).toMatchObject({
      name: 'eth0',
      type: 'full',
      status: 'up',
      ip: '10.0.0.5',
      subnetMask: '24',
      speed: 125_000_000,
    });
    expect(Number(eth0!.ingressUssage)).toBeGreaterThan(0);
    expect(Number(eth0!.engressUssage)).toBeGreaterThan(0);
    expect(upTime).toBeGreaterThan(0);
    expect(cpuPower).toBeGreaterThan(0);
    expect(cpuEnergyConsumption).toBeGreaterThan(53_179);
  });

  it('keeps the pods of different namespaces apart and fills nuvla nodes like others', async () => {
    const { taxonomy } = await aggregator(prometheus.url);
    const { cluster } = await taxonomy();
    expect(cluster['icos-cluster-b']!.pod).toEqual({
      alone: { name: 'alone', ip: '10.42.0.9', node: 'icosedge', numberOfContainers: 0, container: {} },
      'other/mjpeg': { name: 'mjpeg', ip: '10.42.0.8', node: 'icosedge', numberOfContainers: 0, container: {} },
      'video/mjpeg': {
        name: 'mjpeg',
        ip: '10.42.0.7',
        node: 'icosedge',
        status: 'Running',
        numberOfContainers: 1,
        container: { kceu: { name: 'kceu', node: 'host-b', cpuUsage: 0.01 } },
      },
    });
    const pi = cluster['nuvla']!.node['nuvlabox/7']!;
    expect(cluster['nuvla']!.type).toBe('nuvla');
    expect(pi.staticMetrics).toEqual({ cpuArchitecture: 'aarch64', cpuCores: 4, RAMMemory: 4_000_000_000 });
    // No MemAvailable there: MemFree serves.
    expect(pi.dynamicMetrics.freeRAM).toBe(1_557_200_896);
    expect(pi.dynamicMetrics.cpuUsagePercent).toBeGreaterThanOrEqual(0);
  });

  it('takes in machines without an orchestrator when it is told what they are', async () => {
    const { taxonomy } = await aggregator(prometheus.url, { defaultType: 'kubernetes' });
    const { cluster } = await taxonomy();
    expect(Object.keys(cluster)).toEqual(['icos-cluster-b', 'nuvla', 'uid-x']);
    expect(cluster['uid-x']).toMatchObject({ type: 'kubernetes', node: { stray: { name: 'stray' } } });
  });

  it('answers in the form of the seed', async () => {
    const { get } = await aggregator(prometheus.url);
    for (const url of ['/api/v1', '/api/v1/', '/?form=it1']) {
      const body = it1TaxonomyBody.parse((await get(url)).json());
      expect(Object.keys(body)).toEqual(['icos-cluster-b', 'nuvla']);
      expect(body['icos-cluster-b']).toMatchObject({
        name: 'icos-cluster-b',
        location: {},
        serviceLevelAgreement: {},
        API: {},
        node: { icosedge: { name: 'icosedge', staticMetrics: { cpuCores: 4 } } },
        deployment: { 'video/mjpeg': { container: { 'video/mjpeg': { name: 'video/mjpeg' } } } },
      });
    }
  });

  it('answers over gRPC to whoever may read the taxonomy', async () => {
    const { service } = await aggregator(prometheus.url);
    await using grpc = await service.listenGrpc({ host: '127.0.0.1', port: 0 });
    const Client = makeGenericClientConstructor(AGGREGATOR_SERVICE, 'Aggregator');
    const client = new Client(`127.0.0.1:${grpc.port}`, credentials.createInsecure());
    const ask = (authorization?: string) =>
      new Promise<InfrastructureModel>((resolve, reject) => {
        const metadata = new Metadata();
        if (authorization !== undefined) metadata.set('authorization', authorization);
        client['connectToQuerier']!(
          create(EmptySchema),
          metadata,
          (error: Error | null, model?: InfrastructureModel) => (error === null ? resolve(model!) : reject(error)),
        );
      });
    try {
      const { nodes } = await ask('Bearer ann:user');
      expect(nodes.map(({ id }) => id)).toEqual(['host-b', 'host-n']);
      expect(nodes[0]).toMatchObject({
        nodeType: 0,
        cpuArchitecture: 'x86_64',
        resources: { milliCPU: 4000, memoryInBytes: 16_686_080_000n },
        availableResources: { milliCPU: 4000, memoryInBytes: 7_756_066_816n },
        labels: { cluster: 'icos-cluster-b', node: 'icosedge', color: 'green', zone: 'north' },
      });
      await expect(ask()).rejects.toThrow(/UNAUTHENTICATED.*ERR_AUTH_REQUIRED/);
    } finally {
      client.close();
    }
  });

  it('gives equal content an equal tag and then no body', async () => {
    const { get } = await aggregator(prometheus.url, { maxAgeMs: 60_000 });
    const first = await get();
    const again = await get('/', { 'if-none-match': String(first.headers['etag']) });
    expect([again.statusCode, again.body]).toEqual([304, '']);
    expect((await get('/api/v1', { 'if-none-match': String(first.headers['etag']) })).statusCode).toBe(200);
  });
});

describe.skipIf(problem !== undefined)('when Prometheus goes away', () => {
  it('the last taxonomy serves, marked, and the next one comes by itself', async () => {
    await using exporter = await startExporter(fleetMetrics({ clusters: 1, nodesPerCluster: 2, podsPerNode: 1 }));
    await using prometheus = await startPrometheus({ targets: [exporter.address] });
    await prometheus.until('count(node_uname_info)', (count) => count === 2);
    const { taxonomy, health } = await aggregator(prometheus.url);
    const before = await taxonomy();
    expect(Object.keys(before.cluster['cluster-0']!.node)).toEqual(['n0', 'n1']);
    expect(await health()).toMatchObject({ status: 'ok' });
    await prometheus.stop();
    const during = await taxonomy();
    expect(during.cluster).toEqual(before.cluster);
    expect(during).toMatchObject({ stale: true, degraded: [expect.stringMatching(/^Prometheus: .*ECONNREFUSED/)] });
    expect(await health()).toMatchObject({
      status: 'degraded',
      parts: expect.arrayContaining([expect.objectContaining({ name: 'prometheus', status: 'degraded' })]),
    });
    await prometheus.restart();
    const after = await taxonomy();
    expect(after.cluster).toEqual(before.cluster);
    expect([after.stale, after.degraded]).toEqual([undefined, undefined]);
    expect(await health()).toMatchObject({ status: 'ok' });
  });

  it('never seen: an empty taxonomy that says why', async () => {
    const { taxonomy, get } = await aggregator('http://127.0.0.1:1');
    expect((await get()).statusCode).toBe(200);
    expect(await taxonomy()).toMatchObject({ cluster: {}, degraded: [expect.stringMatching(/^Prometheus: /)] });
  });

  it('or one query fails: the rest is there', async () => {
    await using exporter = await startExporter(fleetMetrics({ clusters: 1, nodesPerCluster: 1, podsPerNode: 2 }));
    await using prometheus = await startPrometheus({ targets: [exporter.address] });
    await prometheus.until('count(node_uname_info)');
    await using proxy = await startFaultyProxy(prometheus.url, (query) => query.includes('kube_pod_info'));
    const { taxonomy } = await aggregator(proxy.url);
    const { cluster, degraded } = await taxonomy();
    expect(degraded).toEqual(['pods: query timed out in expression evaluation']);
    expect(cluster['cluster-0']).toMatchObject({ node: { n0: { staticMetrics: { cpuCores: 8 } } } });
  });
});

describe('nodes that announce themselves', () => {
  const announce = (service: AggregatorService, by: string, body: object, method: 'PUT' | 'DELETE' = 'PUT') =>
    service.app.inject({
      method,
      url: '/nodes/dom1/here',
      headers: bearer(by, 'service'),
      ...(method === 'PUT' ? { payload: body } : {}),
    });
  const node = { staticMetrics: { cpuCores: 2 }, dynamicMetrics: { freeRAM: 1000 } };

  it('are in the taxonomy until their lease ends', async () => {
    let now = 1_000_000;
    const { service, taxonomy } = await aggregator(undefined, { now: () => now });
    expect((await announce(service, 'driver', { type: 'process', leaseSeconds: 30, node })).statusCode).toBe(204);
    expect((await taxonomy()).cluster).toMatchObject({
      dom1: { type: 'process', name: 'dom1', node: { here: { name: 'here', type: 'process', ...node } } },
    });
    now += 30_001;
    expect((await taxonomy()).cluster).toEqual({});
  });

  it('belong to who announced them', async () => {
    const { service, taxonomy } = await aggregator();
    await announce(service, 'driver', { type: 'process', node });
    expect((await announce(service, 'other', { type: 'process', node })).json()).toMatchObject({
      code: 'ERR_NODE_TAKEN',
      field: 'node',
    });
    expect((await announce(service, 'other', {}, 'DELETE')).statusCode).toBe(409);
    expect((await announce(service, 'driver', {}, 'DELETE')).statusCode).toBe(204);
    expect((await taxonomy()).cluster).toEqual({});
  });

  it('are refused when they are none: 400 with the field, and not without the permission', async () => {
    const { service } = await aggregator();
    const bad = await announce(service, 'driver', { type: 'process', node: { staticMetrics: { cpuCores: -1 } } });
    expect(bad.json()).toMatchObject({ code: 'ERR_REQUEST_INVALID', field: 'node.staticMetrics.cpuCores' });
    const user = await service.app.inject({
      method: 'PUT',
      url: '/nodes/a/b',
      headers: bearer('ann', 'user'),
      payload: {},
    });
    expect(user.statusCode).toBe(403);
  });
});

/** Passes queries on to Prometheus, but answers some as it does when their time is over. */
async function startFaultyProxy(url: string, fails: (query: string) => boolean) {
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      response.setHeader('content-type', 'application/json');
      if (fails(new URLSearchParams(body).get('query') ?? '')) {
        response
          .writeHead(503)
          .end('{"status":"error","errorType":"timeout","error":"query timed out in expression evaluation"}');
        return;
      }
      const headers = { 'content-type': 'application/x-www-form-urlencoded' };
      fetch(`${url}${request.url}`, { method: 'POST', headers, body })
        .then(async (answer) => response.writeHead(answer.status).end(await answer.text()))
        .catch(() => response.destroy());
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
