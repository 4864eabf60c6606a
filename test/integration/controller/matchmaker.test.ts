import { afterEach, describe, expect, it } from 'vitest';
import { silentLogger } from '../../../src/common/logger.ts';
import type { MatchAnswer } from '../../../src/contracts/icos/matchmaker.ts';
import type { ReservationBody } from '../../../src/contracts/icos/reservation.ts';
import type { Taxonomy } from '../../../src/contracts/icos/taxonomy.ts';
import { createMatchmakerService, type MatchmakerSettings } from '../../../src/controller/matchmaker/main.ts';
import { createAnsweringServer } from '../../support/controller/answering-server.ts';
import { aTaxonomy, GIB } from '../../support/controller/fleet.ts';
import { bearer, byText } from '../../support/identities.ts';

const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

interface Peers {
  taxonomy: Taxonomy;
  reservations: ReservationBody[];
  aggregatorStatus: number;
  asked: { aggregator: number; reservations: number };
}

/** A matchmaker beside an aggregator and a job manager that say what the test wants, over real connections. */
async function matchmaker(taxonomy: Taxonomy, settings: Partial<MatchmakerSettings> = {}) {
  const peers: Peers = { taxonomy, reservations: [], aggregatorStatus: 200, asked: { aggregator: 0, reservations: 0 } };
  const aggregator = await createAnsweringServer(() => {
    peers.asked.aggregator += 1;
    return { status: peers.aggregatorStatus, body: peers.taxonomy };
  });
  const jobManager = await createAnsweringServer(({ headers }) => {
    peers.asked.reservations += 1;
    expect(headers.authorization).toBe('Bearer job-manager:service');
    return { status: 200, body: peers.reservations };
  });
  const service = await createMatchmakerService(
    { authenticator: byText, logger: silentLogger, aggregatorUrl: aggregator.url, jobManagerUrl: jobManager.url },
    { taxonomyMaxAgeMs: 0, reservationsMaxAgeMs: 0, settleMs: 20, ...settings },
  );
  cleanups.push(
    async () => aggregator[Symbol.asyncDispose](),
    async () => jobManager[Symbol.asyncDispose](),
    async () => service[Symbol.asyncDispose](),
    async () => service.app.close(),
  );
  const post = async (body: string | object, type = 'application/x-yaml', query = '') => {
    const answer = await service.app.inject({
      method: 'POST',
      url: `/matchmake${query}`,
      headers: { ...bearer('ann', 'user'), 'content-type': type },
      payload: body,
    });
    return { status: answer.statusCode, body: answer.json() as MatchAnswer & Record<string, unknown> };
  };
  return { service, post, peers, aggregator };
}

const FLEET = () =>
  aTaxonomy({
    'icos-cluster-a': { worker: { cores: 4, memory: 2 * GIB, arch: 'x86_64' } },
    'icos-cluster-b': {
      icosedge: { cores: 4, memory: 7_756_066_816, arch: 'x86_64', devices: { 'squat.ai/video': 'available' } },
    },
  });

const DESCRIPTOR = `
name: mjpeg-ffmpeg-app
components:
- name: ffmpeg
  type: kubernetes
  manifests: [{name: ffmpeg-pod}]
  requirements: {memory: 7Gi}
  policies: [{security: low}]
- name: mjpeg
  type: kubernetes
  manifests: [{name: mjpeg-service}, {name: mjpeg}]
  requirements: {devices: squat.ai/video}
`;

const HELLO = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'hello-cloud', labels: { app: 'hello-cloud' } },
  spec: {
    replicas: 1,
    selector: { matchLabels: { app: 'hello-cloud' } },
    template: {
      metadata: { name: 'hello-cloud', labels: { app: 'hello-cloud' } },
      spec: {
        containers: [
          { name: 'one', image: 'busybox', resources: { requests: { cpu: 1, memory: '3Gi' } } },
          { name: 'two', image: 'busybox', resources: { requests: { cpu: 2, memory: '3Gi' } } },
        ],
      },
    },
  },
};

describe('the release: a descriptor in, components with targets out', () => {
  it('answers as the released matchmaker does, with reasons beside it', async () => {
    const { post } = await matchmaker(FLEET());
    const { status, body } = await post(DESCRIPTOR);
    expect(status).toBe(200);
    expect(body.components[0]).toEqual({
      name: 'ffmpeg',
      type: 'kubernetes',
      manifests: [{ name: 'ffmpeg-pod' }],
      requirements: { memory: '7Gi' },
      policies: [{ security: 'low' }],
      targets: { cluster_name: 'icos-cluster-b', node_name: 'icosedge', orchestrator: 'ocm' },
      explanation: {
        summary: 'Placed on icos-cluster-b/icosedge; 1 of 2 nodes rejected (memory 1)',
        rejectedNodes: 1,
        rejected: [
          {
            cluster_name: 'icos-cluster-a',
            node_name: 'worker',
            reasons: ['memory: 7Gi wanted, 2Gi free of 2Gi'],
          },
        ],
      },
    });
    expect(body.components[1]).toMatchObject({ name: 'mjpeg', targets: { node_name: 'icosedge' } });
  });

  it('takes the descriptor as JSON and as a JSON string too', async () => {
    const { post } = await matchmaker(FLEET());
    const asYaml = await post(DESCRIPTOR);
    expect(await post(JSON.stringify(DESCRIPTOR), 'application/json')).toEqual(asYaml);
    const json = {
      components: [{ name: 'c', manifests: [{ name: 'm' }], requirements: { cpu: '500m', memory: '1Gi' } }],
    };
    expect((await post(json, 'application/json')).body.components[0]).toMatchObject({
      targets: { node_name: 'worker' },
    });
    expect((await post(JSON.stringify(json))).body.components[0]).toMatchObject({ targets: { node_name: 'worker' } });
  });

  it('answers an empty list where nothing fits, and says why for every node', async () => {
    const { post } = await matchmaker(FLEET());
    const { body } = await post('components: [{name: big, requirements: {cpu: 64}}]');
    expect(body.components[0]).toMatchObject({
      targets: [],
      explanation: {
        summary: 'No node meets the requirements: 2 of 2 nodes rejected (cpu 2)',
        rejectedNodes: 2,
        rejected: [{ reasons: ['cpu: 64 wanted, 4 free of 4'] }, { reasons: ['cpu: 64 wanted, 4 free of 4'] }],
      },
    });
    const short = await post('components: [{name: big, requirements: {cpu: 64}}]', 'application/x-yaml', '?explain=0');
    expect(short.body.components[0]!.explanation).toMatchObject({ rejectedNodes: 2, rejected: [] });
  });

  it('heeds security levels, scheduler weights and nodes to avoid', async () => {
    const { post } = await matchmaker(
      aTaxonomy({
        a: { n1: { cores: 8, score: 60, mhz: 1000 }, n2: { cores: 8, score: 90, mhz: 5000 }, n3: { cores: 4 } },
      }),
    );
    const place = async (extra: string) =>
      (await post(`components: [{name: c, requirements: {cpu: 1}}]\n${extra}`)).body.components[0]!.targets;
    expect(await place('')).toMatchObject({ node_name: 'n3' });
    expect(await place('policies: [{security: medium}]')).toMatchObject({ node_name: 'n1' });
    expect(await place('policies: [{type: security, level: high, apply-to: c}]')).toMatchObject({ node_name: 'n2' });
    expect(await place('policies: [{type: scheduler, performance: 1}]')).toMatchObject({ node_name: 'n2' });
    const avoiding = '[{cluster_name: a, node_name: n3}, {cluster_name: a, node_name: n1}]';
    const { body } = await post(`components: [{name: c, requirements: {cpu: 1}, avoid: ${avoiding}}]`);
    expect(body.components[0]!.targets).toMatchObject({ node_name: 'n2' });
  });

  it('spreads and packs, by the descriptor or by the query', async () => {
    const { post } = await matchmaker(aTaxonomy({ a: { n1: { cores: 8 }, n2: { cores: 8 } } }));
    const two = 'components: [{name: c, requirements: {cpu: 1}}, {name: d, requirements: {cpu: 1}}]\n';
    const nodes = async (extra: string, query = '') =>
      new Set((await post(two + extra, 'text/plain', query)).body.components.map((one) => JSON.stringify(one.targets)))
        .size;
    expect(await nodes('', '?arrangement=pack')).toBe(1);
    expect(await nodes('', '?arrangement=spread')).toBe(2);
    expect(await nodes('policies: [{type: scheduler, properties: {arrangement: spread}}]')).toBe(2);
  });
});

describe('the seed: a Deployment in, the Deployment with targets out', () => {
  it('sums what the containers request and puts the targets where table and example have them', async () => {
    const { post } = await matchmaker(FLEET());
    const { status, body } = await post(HELLO, 'application/json');
    const targets = [{ cluster_name: 'icos-cluster-b', node_name: 'icosedge' }];
    expect(status).toBe(200);
    const { targets: atTop, explanation: _, spec, ...rest } = body as Record<string, unknown>;
    expect(atTop).toEqual(targets);
    expect(rest).toEqual({ apiVersion: HELLO.apiVersion, kind: HELLO.kind, metadata: HELLO.metadata });
    const podSpec = { ...HELLO.spec.template.spec, targets };
    expect(spec).toEqual({ ...HELLO.spec, template: { ...HELLO.spec.template, spec: podSpec } });
  });

  it('answers an empty list on an empty fleet', async () => {
    const { post } = await matchmaker(aTaxonomy({}));
    expect((await post(HELLO, 'application/json')).body).toMatchObject({
      targets: [],
      explanation: { summary: 'No node is known' },
    });
  });
});

describe('bad input', () => {
  it.each([
    [
      'a quantity with a comma',
      'components: [{name: c, requirements: {memory: "1,5Gi"}}]',
      'components[0].requirements.memory',
      /comma/,
    ],
    [
      'a unit that is none',
      'components: [{name: c, requirements: {memory: 7Gb}}]',
      'components[0].requirements.memory',
      /unknown unit/,
    ],
    [
      'negative cores',
      'components: [{name: c, requirements: {cpu: -1}}]',
      'components[0].requirements.cpu',
      /negative/,
    ],
    [
      'an unknown requirement',
      'components: [{name: c, requirements: {gpus: 1}}]',
      'components[0].requirements.gpus',
      /requirement/,
    ],
    ['two components of one name', 'components: [{name: c}, {name: c}]', 'components[1].name', /another component/],
    [
      'an arrangement that is none',
      'components: [{name: c}]\npolicies: [{type: scheduler, properties: {arrangement: heap}}]',
      'policies.properties.arrangement',
      /spread/,
    ],
    ['a list to avoid that is none', 'components: [{name: c, avoid: here}]', 'components[0].avoid', /cluster_name/],
    ['no descriptor', 'hello', '(document)', /map/],
  ])('%s: 422 with the field', async (_, text, field, reason) => {
    const { post } = await matchmaker(FLEET());
    const { status, body } = await post(text);
    expect({ status, ...body }).toMatchObject({ status: 422, code: 'ERR_DESCRIPTOR_INVALID', field });
    expect(body['error']).toMatch(reason);
  });

  it('a query that is none, a body that is none, a caller without a credential', async () => {
    const { post, service } = await matchmaker(FLEET());
    expect(await post(DESCRIPTOR, 'text/plain', '?policy=luck')).toMatchObject({
      status: 400,
      body: { field: 'policy' },
    });
    expect(await post('{', 'application/json')).toMatchObject({ status: 400, body: { field: 'body' } });
    const anonymous = await service.app.inject({ method: 'POST', url: '/matchmake', payload: {} });
    expect(anonymous.statusCode).toBe(401);
    const deep = `${'['.repeat(100)}${']'.repeat(100)}`;
    expect(await post(`{"components": ${deep}}`, 'application/json')).toMatchObject({
      status: 422,
      body: { code: 'ERR_DESCRIPTOR_INVALID' },
    });
  });
});

describe('capacity', () => {
  const wanting = (cpu: number) => `components: [{name: c, requirements: {cpu: ${cpu}}}]`;

  it('that jobs hold is not given again', async () => {
    const { post, peers } = await matchmaker(aTaxonomy({ a: { n1: { cores: 4 } } }));
    peers.reservations = [
      { cluster_name: 'a', node_name: 'n1', running: true, jobs: 2, cpuMillis: 3000, memoryBytes: 0, devices: [] },
    ];
    expect((await post(wanting(1))).body.components[0]).toMatchObject({ targets: { node_name: 'n1' } });
    expect((await post(wanting(2))).body.components[0]).toMatchObject({ targets: [] });
  });

  it('is given once to requests at the same time, before any of them is stored', async () => {
    const { post, peers } = await matchmaker(aTaxonomy({ a: { n1: { cores: 4 }, n2: { cores: 4 } } }), {
      settleMs: 50,
    });
    // What the job manager does: it stores what it was answered.
    const deploy = async () => {
      const { targets } = (await post(wanting(1.5), 'text/plain', '?explain=0')).body.components[0]!;
      if (Array.isArray(targets)) return 'nowhere';
      const { cluster_name, node_name = '' } = targets;
      peers.reservations.push({
        cluster_name,
        node_name,
        running: false,
        jobs: 1,
        cpuMillis: 1500,
        memoryBytes: 0,
        devices: [],
      });
      return node_name;
    };
    const places = await Promise.all(Array.from({ length: 8 }, deploy));
    const counts = Object.groupBy(places, (place) => place);
    expect([counts['n1']?.length, counts['n2']?.length, counts['nowhere']?.length]).toEqual([2, 2, 4]);
  });

  it('that an answer took is free again when the caller did not store it', async () => {
    const { post } = await matchmaker(aTaxonomy({ a: { n1: { cores: 4 } } }));
    expect((await post(wanting(4))).body.components[0]).toMatchObject({ targets: { node_name: 'n1' } });
    expect((await post(wanting(4))).body.components[0]).toMatchObject({ targets: { node_name: 'n1' } });
  });
});

describe('while other services are away', () => {
  it('no aggregator and nothing remembered: 503, and degraded on the health endpoint', async () => {
    const { post, service, aggregator } = await matchmaker(FLEET());
    await aggregator[Symbol.asyncDispose]();
    expect(await post(DESCRIPTOR)).toMatchObject({
      status: 503,
      body: { code: 'ERR_PEER_UNAVAILABLE', retryable: true },
    });
    const health = (await service.app.inject('/healthz')).json() as { status: string };
    expect(health).toMatchObject({
      status: 'degraded',
      parts: expect.arrayContaining([expect.objectContaining({ name: 'aggregator', status: 'degraded' })]),
    });
  });

  it('the last taxonomy serves for a while', async () => {
    const { post, peers, aggregator } = await matchmaker(FLEET(), { taxonomyMaxStaleMs: 60_000 });
    const before = await post(DESCRIPTOR);
    peers.aggregatorStatus = 500;
    expect(await post(DESCRIPTOR)).toMatchObject({
      status: 200,
      body: { components: before.body.components.map(({ targets }) => ({ targets })) },
    });
    await aggregator[Symbol.asyncDispose]();
    expect((await post(DESCRIPTOR)).status).toBe(200);
  });

  it('but not for longer than allowed', async () => {
    const { post, aggregator } = await matchmaker(FLEET(), { taxonomyMaxStaleMs: 0 });
    await post(DESCRIPTOR);
    await aggregator[Symbol.asyncDispose]();
    expect((await post(DESCRIPTOR)).status).toBe(503);
  });
});

it('greets as the original does', async () => {
  const { service } = await matchmaker(FLEET());
  const answer = await service.app.inject('/');
  expect(answer.headers['content-type']).toMatch(/^application\/json/);
  expect(answer.json()).toBe('Wellcome to MATCK MAKING API DEV');
});

it('asks once for many requests within the age that is allowed', async () => {
  const { post, peers } = await matchmaker(FLEET(), { taxonomyMaxAgeMs: 60_000, reservationsMaxAgeMs: 60_000 });
  await Promise.all(Array.from({ length: 10 }, () => post('components: [{name: c}]')));
  expect(peers.asked).toEqual({ aggregator: 1, reservations: 1 });
});
