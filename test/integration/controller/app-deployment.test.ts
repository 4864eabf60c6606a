import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { silentLogger } from '../../../src/common/logger.ts';
import type { JobBody, JobGroupBody } from '../../../src/contracts/icos/job.ts';
import { type It1JobBody, NIL_UUID } from '../../../src/contracts/icos/job-it1.ts';
import type { Taxonomy } from '../../../src/contracts/icos/taxonomy.ts';
import { createJobManagerService } from '../../../src/controller/job-manager/main.ts';
import { createMatchmakerService } from '../../../src/controller/matchmaker/main.ts';
import { type Listening, listen } from '../../../src/controller/service/listening.ts';
import { createShellBackendService } from '../../../src/controller/shell-backend/main.ts';
import type { Database } from '../../../src/controller/store/database.ts';
import { type AnsweringServer, createAnsweringServer } from '../../support/controller/answering-server.ts';
import { aTaxonomy, GIB } from '../../support/controller/fleet.ts';
import { application, HUB_A, HUB_B } from '../../support/controller/job-manager-case.ts';
import { It1Driver, OcmDriver, sendJson } from '../../support/controller/ocm-driver.ts';
import { type DatabaseSource, onEveryDatabase } from '../../support/databases.ts';
import { byText } from '../../support/identities.ts';

/** The seed's sample: a Deployment of two containers, 3 cores and 6 GiB in all. */
const HELLO_CLOUD = `apiVersion: apps/v1
kind: Deployment
metadata:
  name: hello-cloud
  labels:
    app: hello-cloud
spec:
  replicas: 1
  selector:
    matchLabels:
      app: hello-cloud
  template:
    metadata:
      name: hello-cloud
      labels:
        app: hello-cloud
    spec:
      containers:
      - name: hello-cloud-one
        image: busybox
        command: [ "sleep" ]
        args: [ "100" ]
        resources:
          requests:
            cpu: 1
            memory: 3Gi
      - name: hello-cloud-two
        image: busybox
        command: [ "sleep" ]
        args: [ "100" ]
        resources:
          requests:
            cpu: 2
            memory: 3Gi`.replaceAll('\n', '\r\n');

const USER = 'ann:user';
const DRIVER = 'ocm-driver:service';
const EDGE = { cluster_name: '10.42.0.85:8080', node_name: 'k3s-worker1', orchestrator: 'ocm' };
const WITH_EDGE = aTaxonomy({ [EDGE.cluster_name]: { [EDGE.node_name]: { cores: 4, memory: 16 * GIB } } });
const NOWHERE = aTaxonomy({});
/** What the aggregator says at the moment. */
let taxonomy: Taxonomy = WITH_EDGE;

/** The deployment manager's view of the tests 4.2.2 of the deliverable, over HTTP from end to end. */
onEveryDatabase('app deployment', (source: DatabaseSource) => {
  let database: Database;
  let aggregator: AnsweringServer;
  let matchmaker: Listening;
  let jobManager: Listening;
  let shell: Listening;

  beforeEach(async () => {
    database = await source.open();
    aggregator = await createAnsweringServer(() => ({ status: 200, body: taxonomy }));
    taxonomy = WITH_EDGE;
    const dependencies = { database, authenticator: byText, logger: silentLogger };
    const matching = await createMatchmakerService(
      { ...dependencies, aggregatorUrl: aggregator.url },
      { taxonomyMaxAgeMs: 1 },
    );
    matchmaker = await listen(matching, { host: '127.0.0.1', port: 0 });
    const service = await createJobManagerService(
      { ...dependencies, matchmakerUrl: matchmaker.url },
      { matchDeadlineMs: 100, rematchMs: 20, sweepMs: 10 },
    );
    jobManager = await listen(service, { host: '127.0.0.1', port: 0 });
    const backend = await createShellBackendService({
      ...dependencies,
      jobManagerUrl: jobManager.url,
      aggregatorUrl: aggregator.url,
    });
    shell = await listen(backend, { host: '127.0.0.1', port: 0 });
  });
  afterEach(async () => {
    await shell[Symbol.asyncDispose]();
    await jobManager[Symbol.asyncDispose]();
    await matchmaker[Symbol.asyncDispose]();
    await aggregator[Symbol.asyncDispose]();
    await database[Symbol.asyncDispose]();
  });

  const send = async <T>(url: string, method: string, body?: unknown): Promise<{ status: number; body: T }> => {
    const answer = await sendJson(url, method, USER, body);
    return { status: answer.status, body: (await answer.json()) as T };
  };

  describe('of the release, by the shell', () => {
    const create = (content = application(['hello-cloud', 'hello-edge'])) =>
      send<JobGroupBody>(`${shell.url}/api/v3/deployment/`, 'POST', { content });
    const show = async (id: string) => (await send<JobGroupBody>(`${shell.url}/api/v3/deployment/${id}`, 'GET')).body;
    const statesOf = (group: JobGroupBody) => group.jobs?.map(({ type, state }) => [type, state]);

    it('deploys at the edge, follows its health, and takes it down again', async () => {
      const driver = new OcmDriver({ jobManagerUrl: jobManager.url, token: DRIVER, hub: HUB_A });
      const made = await create();
      expect(made.status).toBe(201);
      expect(made.body.jobs?.map(({ targets }) => (targets as { cluster_name: string }).cluster_name)).toEqual([
        EDGE.cluster_name,
        EDGE.cluster_name,
      ]);
      expect((await driver.tick()).map(({ state, owner_id }) => [state, owner_id])).toEqual([
        [3, HUB_A],
        [3, HUB_A],
      ]);
      expect([...driver.work.values()].map(({ cluster }) => cluster)).toEqual([EDGE.cluster_name, EDGE.cluster_name]);
      const running = await show(made.body.ID);
      expect(running).toMatchObject({ status: 'running' });
      const [job] = running.jobs ?? [];
      expect(job?.resource?.conditions?.map(({ type, reason }) => [type, reason])).toEqual([
        ['Created', 'AwaitingForTarget'],
        ['Created', 'AwaitingForExecution'],
        ['Applied', 'AppliedManifestWorkComplete'],
        ['Available', 'ResourcesAvailable'],
      ]);
      expect(await driver.tick()).toEqual([]);

      driver.work.set(HUB_B, { name: 'foreign', cluster: 'x', manifests: [] });
      expect(await driver.sync('False')).toEqual([200, 200, 404]);
      expect(statesOf(await show(made.body.ID))).toEqual([
        [5, 4],
        [5, 4],
      ]);
      await driver.sync('True');
      expect(statesOf(await show(made.body.ID))).toEqual([
        [5, 3],
        [5, 3],
      ]);

      await send(`${shell.url}/api/v3/deployment/${made.body.ID}/stop`, 'DELETE');
      expect((await driver.tick()).map(({ type, state }) => [type, state])).toEqual([
        [6, 3],
        [6, 3],
      ]);
      expect([...driver.work.keys()]).toEqual([HUB_B]);
      expect((await send(`${shell.url}/api/v3/deployment/${made.body.ID}`, 'DELETE')).status).toBe(200);
      expect((await send<JobGroupBody[]>(`${shell.url}/api/v3/deployment/`, 'GET')).body).toEqual([]);
    });

    it('is executed once by two drivers of two hubs at the same time', async () => {
      const drivers = [HUB_A, HUB_B].map((hub) => new OcmDriver({ jobManagerUrl: jobManager.url, token: DRIVER, hub }));
      await create(application(Array.from({ length: 20 }, (_, index) => `c${index}`)));
      const reported = await Promise.all(drivers.map((driver) => driver.tick()));
      expect(reported.flat()).toHaveLength(20);
      expect(drivers.reduce((sum, { work }) => sum + work.size, 0)).toBe(20);
    });

    it('degrades when there is nowhere to go, and goes ahead when there is', async () => {
      taxonomy = NOWHERE;
      const driver = new OcmDriver({ jobManagerUrl: jobManager.url, token: DRIVER, hub: HUB_A });
      const made = await create(application(['hello-cloud']));
      expect(made.body.jobs).toMatchObject([{ type: 5, state: 1, targets: { cluster_name: '' }, orchestrator: '' }]);
      expect(await driver.tick()).toEqual([]);
      await expect.poll(async () => statesOf(await show(made.body.ID))).toEqual([[5, 4]]);
      expect((await show(made.body.ID)).jobs?.[0]?.resource?.conditions?.at(-1)).toMatchObject({
        type: 'Degraded',
        reason: 'NoTarget',
        message: 'No node is known',
      });
      taxonomy = WITH_EDGE;
      await expect.poll(async () => (await driver.tick()).length).toBe(1);
      expect(statesOf(await show(made.body.ID))).toEqual([[5, 3]]);
    });
  });

  describe.each(['/deployment/jobs', '/jobmanager/jobs'] as const)('of the seed, under %s', (base) => {
    const create = async (text = HELLO_CLOUD): Promise<{ status: number; body: It1JobBody }> => {
      const answer = await fetch(`${jobManager.url}/jobmanager/jobs/create`, {
        method: 'POST',
        headers: { authorization: `Bearer ${USER}`, 'content-type': 'text/plain' },
        body: text,
      });
      return { status: answer.status, body: (await answer.json()) as It1JobBody };
    };
    const show = async (id: string) => (await send<It1JobBody>(`${jobManager.url}/deployment/jobs/${id}`, 'GET')).body;

    it('deploys at the edge and takes it down again', async () => {
      const driver = new It1Driver({ jobManagerUrl: jobManager.url, token: DRIVER, base });
      const made = await create();
      expect(made.status).toBe(201);
      expect(made.body).toMatchObject({
        uuid: NIL_UUID,
        type: 5,
        state: 1,
        manifest: HELLO_CLOUD,
        targets: [{ id: 1, JobID: made.body.ID, cluster_name: EDGE.cluster_name, node_name: EDGE.node_name }],
        locker: false,
      });
      const [done] = await driver.tick();
      expect(done).toMatchObject({ ID: made.body.ID, type: 5, state: 3, locker: true });
      expect(done?.uuid).not.toBe(NIL_UUID);
      expect(driver.deployed.get(made.body.ID)).toBe(HELLO_CLOUD);
      expect(await driver.tick()).toEqual([]);
      expect((await send<It1JobBody[]>(`${jobManager.url}/deployment/jobs/`, 'GET')).body).toEqual([
        await show(made.body.ID),
      ]);

      const stopped = await send<It1JobBody>(`${jobManager.url}/deployment/jobs/${made.body.ID}`, 'DELETE');
      expect(stopped.body).toMatchObject({ type: 7, state: 1 });
      expect((await driver.tick()).map(({ type, state }) => [type, state])).toEqual([[7, 3]]);
      expect(driver.deployed.size).toBe(0);
    });

    it('is locked by one driver at a time, and given back when it asks for that', async () => {
      const made = await create();
      const url = `${jobManager.url}${base}/${made.body.ID}`;
      const put = (token: string, body: object) => sendJson(url, 'PUT', token, body);
      expect((await put('first:service', { locker: true, state: 2 })).status).toBe(200);
      expect((await put('second:service', { locker: true, state: 2 })).status).toBe(409);
      expect((await put('second:service', { locker: true, state: 3 })).status).toBe(409);
      expect((await put('second:service', { locker: false, state: 1 })).status).toBe(409);
      expect((await put('first:service', { locker: false, state: 1 })).status).toBe(200);
      expect(await show(made.body.ID)).toMatchObject({ state: 1, locker: false });
      const lock = await sendJson(`${jobManager.url}${base}/lock/${made.body.ID}`, 'PATCH', 'second:service');
      expect(lock.status).toBe(204);
    });

    it('does not go where the sum of its containers does not fit', async () => {
      taxonomy = aTaxonomy({ [EDGE.cluster_name]: { [EDGE.node_name]: { cores: 2, memory: 16 * GIB } } });
      const made = await create();
      expect(made.body).toMatchObject({ targets: [], state: 1 });
      const released = await send<JobBody>(`${jobManager.url}/jobmanager/jobs/${made.body.ID}`, 'GET');
      expect(released.body.resource?.conditions?.at(-1)?.message).toMatch(/1 of 1 nodes rejected.*cpu/);
    });

    it('degrades when there is nowhere to go', async () => {
      taxonomy = NOWHERE;
      const made = await create();
      expect(made.body).toMatchObject({ type: 5, state: 1, targets: [], locker: false });
      await expect.poll(async () => (await show(made.body.ID)).state).toBe(4);
      expect(await show(made.body.ID)).toMatchObject({ type: 5, targets: [], manifest: HELLO_CLOUD });
    });
  });

  it('shows a job to clients of either generation in their own words', async () => {
    const made = await fetch(`${jobManager.url}/jobmanager/jobs/create/hello`, {
      method: 'POST',
      headers: { authorization: `Bearer ${USER}`, 'content-type': 'application/x-yaml', namespace: 'team-a' },
      body: HELLO_CLOUD,
    });
    const seed = (await made.json()) as It1JobBody;
    const released = (await send<JobBody>(`${jobManager.url}/jobmanager/jobs/${seed.ID}`, 'GET')).body;
    expect(released).toMatchObject({
      ID: seed.ID,
      targets: { cluster_name: EDGE.cluster_name, orchestrator: 'ocm' },
      manifests: [{ yamlString: HELLO_CLOUD }],
      namespace: 'team-a',
      job_group_name: 'hello-cloud',
    });
    const nuvla = await sendJson(`${jobManager.url}/jobmanager/jobs/executable/orchestrator/nuvla`, 'GET', DRIVER);
    expect(await nuvla.json()).toEqual([]);
    const ocm = await sendJson(`${jobManager.url}/jobmanager/jobs/executable/orchestrator/ocm`, 'GET', DRIVER);
    expect(await ocm.json()).toMatchObject([{ ID: seed.ID, job_group_id: released.job_group_id, orchestrator: 'ocm' }]);
  });
});
