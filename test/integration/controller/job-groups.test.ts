import { describe, expect, it } from 'vitest';
import type { JobGroupBody } from '../../../src/contracts/icos/job.ts';
import {
  ADMIN,
  ANN,
  application,
  BOB,
  createJobManagerCase,
  DRIVER,
  HUB_A,
} from '../../support/controller/job-manager-case.ts';
import { type DatabaseSource, onEveryDatabase } from '../../support/databases.ts';

const GROUPS = '/jobmanager/groups';
const UUID = expect.stringMatching(/^[0-9a-f-]{36}$/) as string;
const TIME = '2024-09-01T10:00:00.123Z';
const times = { created_at: TIME, updated_at: TIME };

onEveryDatabase('job groups', (source: DatabaseSource) => {
  describe('creation', () => {
    it('answers as the release does', async () => {
      await using database = await source.open();
      await using tier = await createJobManagerCase(database);
      const answer = await tier.call<JobGroupBody>('POST', GROUPS, application(['ffmpeg']));
      expect(answer.status).toBe(201);
      const { ID, jobs } = answer.body;
      const condition = (id: number, reason: string, message: string) => ({
        ...times,
        ID: id,
        type: 'Created',
        status: 'True',
        observedGeneration: 1,
        lastTransitionTime: TIME,
        reason,
        message,
      });
      expect(answer.body).toEqual({
        ...times,
        ID: UUID,
        appName: 'mjpeg-ffmpeg-app',
        appDescription: 'the description',
        jobs: [
          {
            ...times,
            ID: UUID,
            job_group_id: ID,
            job_group_name: 'mjpeg-ffmpeg-app',
            type: 5,
            state: 1,
            manifests: [
              {
                ...times,
                ID: 1,
                yamlString:
                  'apiVersion: v1\nkind: Pod\nmetadata:\n  name: ffmpeg\nspec:\n  containers:\n    - name: c\n      image: busybox\n',
              },
            ],
            targets: { ...times, ID: 1, cluster_name: 'icos-cluster-b', node_name: 'icosedge', orchestrator: 'ocm' },
            orchestrator: 'ocm',
            resource: {
              ...times,
              ID: UUID,
              job_id: jobs?.[0]?.ID,
              resource_name: 'ffmpeg',
              conditions: [
                condition(1, 'AwaitingForTarget', 'Waiting for the Target'),
                condition(2, 'AwaitingForExecution', 'Waiting an Orchestrator to take the Job'),
              ],
            },
            namespace: 'mjpeg-ffmpeg-app',
            component: 'ffmpeg',
            attempt: 0,
          },
        ],
      });
      expect((await tier.call('GET', `${GROUPS}/${ID}`)).body).toEqual(answer.body);
      expect(tier.matchmaker.requests[0]?.authorization).toBe('Bearer ann:user');
    });

    it('makes one job per target of a component that has several', async () => {
      await using database = await source.open();
      await using tier = await createJobManagerCase(database);
      const target = (node: string) => ({ cluster_name: 'c', node_name: node, orchestrator: 'ocm' });
      tier.matchmaker.place = ({ name }) => (name === 'a' ? [target('n1'), target('n2')] : target('n3'));
      const group = await tier.create(application(['a', 'b']));
      const places = group.jobs?.map((job) => [job.component, (job.targets as { node_name: string }).node_name]);
      expect(places).toEqual([
        ['a', 'n1'],
        ['a', 'n2'],
        ['b', 'n3'],
      ]);
    });

    it('accepts what cannot be placed and says why it waits', async () => {
      await using database = await source.open();
      await using tier = await createJobManagerCase(database);
      tier.matchmaker.place = () => [];
      const group = await tier.create(application(['ffmpeg']));
      const [job] = group.jobs ?? [];
      expect(job).toMatchObject({
        type: 5,
        state: 1,
        orchestrator: '',
        targets: { cluster_name: '', orchestrator: '' },
      });
      expect(job?.resource?.conditions?.at(-1)).toMatchObject({
        type: 'Created',
        reason: 'NoTarget',
        message: '1 of 1 nodes rejected; icos-cluster-a/pi: memory: 6Gi wanted, 1Gi free',
      });
    });

    it.each([
      ['is away', undefined],
      ['answers with an error', { status: 500, body: '{}' }],
      ['answers with nonsense', { status: 200, body: '<html>' }],
      ['answers with another form', { status: 200, body: '{"components":[{"name":1}]}' }],
    ])('accepts a deployment while the matchmaker %s', async (_, raw) => {
      await using database = await source.open();
      await using tier = await createJobManagerCase(database);
      if (raw === undefined) await tier.matchmaker[Symbol.asyncDispose]();
      else tier.matchmaker.raw = raw;
      const group = await tier.create(application(['ffmpeg']));
      expect(group.jobs?.[0]?.resource?.conditions?.at(-1)?.message).toMatch(/^matchmaker /);
      const health = await tier.call<{ status: string }>('GET', '/healthz');
      expect(health.body.status).toBe(raw?.status === 200 ? 'ok' : 'degraded');
    });

    it.each([
      ['invalid YAML', 'name: [', 422, 'ERR_DESCRIPTOR_INVALID', 'line 1, column 8'],
      [
        'no manifest for a component',
        'components: [{name: a, manifests: [{name: b}]}]',
        422,
        'ERR_DESCRIPTOR_INVALID',
        'components[0].manifests[0].name',
      ],
      ['an unknown kind', 'apiVersion: v1\nkind: Pot\nmetadata: {name: a}', 422, 'ERR_DESCRIPTOR_INVALID', '.kind'],
      ['a descriptor of 1 MiB', `name: ${'x'.repeat(2 ** 20)}`, 413, 'ERR_DESCRIPTOR_TOO_LARGE', undefined],
      ['a body of 50 MiB', 'x'.repeat(50 * 2 ** 20), 413, 'ERR_REQUEST_TOO_LARGE', 'body'],
      ['an empty body', '', 400, 'ERR_REQUEST_INVALID', 'body'],
    ])('refuses %s and stores nothing', async (_, text, status, code, field) => {
      await using database = await source.open();
      await using tier = await createJobManagerCase(database);
      const answer = await tier.call<{ code: string; field?: string }>('POST', GROUPS, text);
      expect(answer).toMatchObject({ status, body: { code } });
      expect(answer.body.field).toBe(field);
      expect((await tier.call('GET', GROUPS, undefined, { who: ADMIN })).body).toEqual([]);
      expect(tier.matchmaker.requests).toEqual([]);
    });

    it('makes one deployment of a request that is repeated with its key', async () => {
      await using database = await source.open();
      await using tier = await createJobManagerCase(database);
      const options = { headers: { 'idempotency-key': 'k1' } };
      const post = (text: string, who = ANN) => tier.call<JobGroupBody>('POST', GROUPS, text, { ...options, who });
      const answers = await Promise.all(Array.from({ length: 8 }, () => post(application(['a']))));
      expect(new Set(answers.map(({ body }) => body.ID)).size).toBe(1);
      expect(answers.map(({ status }) => status)).toEqual(Array(8).fill(201));
      expect((await post(application(['a']))).headers).toMatchObject({ 'idempotency-replayed': 'true' });
      expect(await post(application(['b']))).toMatchObject({ status: 422, body: { code: 'ERR_IDEMPOTENCY_MISMATCH' } });
      expect((await post(application(['a']), BOB)).body.ID).not.toBe(answers[0]?.body.ID);
      expect((await tier.call<unknown[]>('GET', GROUPS)).body).toHaveLength(1);
    });
  });

  describe('reading', () => {
    it('shows users what is theirs, and administrators and services everything', async () => {
      await using database = await source.open();
      await using tier = await createJobManagerCase(database);
      const mine = await tier.create(application(['a']));
      const other = await tier.create(application(['b']), BOB);
      const list = async (who: typeof ANN) =>
        (await tier.call<JobGroupBody[]>('GET', GROUPS, undefined, { who })).body.map(({ ID }) => ID);
      expect(await list(ANN)).toEqual([mine.ID]);
      expect((await list(ADMIN)).sort()).toEqual([mine.ID, other.ID].sort());
      expect((await list(DRIVER)).length).toBe(2);
      for (const [method, url] of [
        ['GET', `${GROUPS}/${other.ID}`],
        ['DELETE', `${GROUPS}/${other.ID}`],
        ['PUT', `${GROUPS}/undeploy/${other.ID}`],
      ] as const) {
        expect(await tier.call(method, url)).toMatchObject({ status: 404, body: { code: 'ERR_GROUP_UNKNOWN' } });
      }
      const job = other.jobs?.[0]?.ID;
      expect(await tier.call('GET', `/jobmanager/jobs/${job}`)).toMatchObject({
        status: 404,
        body: { code: 'ERR_JOB_UNKNOWN' },
      });
      expect(await tier.call('DELETE', `/jobmanager/jobs/${job}`)).toMatchObject({ status: 200, body: 0 });
      expect((await tier.call<unknown[]>('GET', '/jobmanager/jobs')).body).toHaveLength(1);
    });

    it('gives pages that follow each other', async () => {
      await using database = await source.open();
      await using tier = await createJobManagerCase(database);
      const made: string[] = [];
      for (let index = 0; index < 5; index += 1) {
        tier.clock.now += index % 2;
        made.push((await tier.create(application(['a'], { name: `app-${index}` }))).appName);
      }
      const seen: string[] = [];
      let url: string | undefined = `${GROUPS}?limit=2`;
      let pages = 0;
      while (url !== undefined) {
        const answer: Awaited<ReturnType<typeof tier.call<JobGroupBody[]>>> = await tier.call<JobGroupBody[]>(
          'GET',
          url,
        );
        seen.push(...answer.body.map(({ appName }) => appName));
        url = /^<(.*)>; rel="next"$/.exec(String(answer.headers['link'] ?? ''))?.[1];
        pages += 1;
      }
      expect(pages).toBe(3);
      expect(seen.sort()).toEqual(made.sort());
      expect(
        (await tier.call<JobGroupBody[]>('GET', `${GROUPS}?name=app-3`)).body.map(({ appName }) => appName),
      ).toEqual(['app-3']);
      expect(await tier.call('GET', `${GROUPS}?cursor=abc`)).toMatchObject({ status: 400, body: { field: 'cursor' } });
      expect(await tier.call('GET', `${GROUPS}?limit=0`)).toMatchObject({ status: 400, body: { field: 'limit' } });
    });

    it.each(['x', '123', "' or 1=1 --", 'ffffffff-ffff-ffff-ffff-fffffffffff'])('refuses %j as an id', async (id) => {
      await using database = await source.open();
      await using tier = await createJobManagerCase(database);
      const answer = await tier.call('GET', `${GROUPS}/${encodeURIComponent(id)}`);
      expect(answer).toMatchObject({ status: 400, body: { code: 'ERR_REQUEST_INVALID', field: 'group_uuid' } });
    });

    it('tells the story of a job', async () => {
      await using database = await source.open();
      await using tier = await createJobManagerCase(database);
      const [job] = (await tier.create(application(['a']))).jobs ?? [];
      await tier.promote(job!.ID, HUB_A);
      await tier.report(job!, { state: 3 });
      const story = await tier.call<{ event: string; to: string; detail: string }[]>(
        'GET',
        `/jobmanager/jobs/${job?.ID}/story`,
      );
      expect(story.body.map(({ event, to, detail }) => [event, to, detail])).toEqual([
        ['created', 'create-created', 'for icosedge in icos-cluster-b (ocm)'],
        ['claimed', 'create-progressing', `by ${HUB_A}, attempt 1`],
        ['reported', 'create-finished', 'Waiting an Orchestrator to take the Job'],
      ]);
    });
  });

  describe('stopping and deleting', () => {
    it('cancels what never ran and has what runs undone by its driver', async () => {
      await using database = await source.open();
      await using tier = await createJobManagerCase(database);
      const group = await tier.create(application(['a', 'b']));
      const [a, b] = group.jobs ?? [];
      await tier.promote(a!.ID, HUB_A);
      await tier.report(a!, { state: 3, resource: { ...a!.resource, resource_uuid: HUB_A, resource_name: 'a-x7k2p' } });
      const stopped = await tier.call<JobGroupBody>('PUT', `${GROUPS}/undeploy/${group.ID}`);
      expect(stopped.body.jobs?.map(({ type, state }) => [type, state])).toEqual([
        [6, 1],
        [6, 3],
      ]);
      expect(await tier.call('PUT', `${GROUPS}/undeploy/${group.ID}`)).toMatchObject({ status: 200 });
      const [todo] = await tier.executable(HUB_A);
      expect(todo).toMatchObject({ ID: a?.ID, type: 6, resource: { resource_name: 'a-x7k2p' } });
      expect(await tier.promote(b!.ID, HUB_A)).toBe(409);
      expect(await tier.promote(a!.ID, HUB_A)).toBe(204);
      // The driver of the release says `Applied` (1) when a deletion is done.
      expect((await tier.report(todo!, { state: 1 })).body).toMatchObject({ type: 6, state: 3 });
      expect(await tier.executable(HUB_A)).toEqual([]);
    });

    it('deletes only what is stopped, and what is being stopped as soon as it is', async () => {
      await using database = await source.open();
      await using tier = await createJobManagerCase(database);
      tier.service.start();
      const group = await tier.create(application(['a']));
      const [job] = group.jobs ?? [];
      await tier.promote(job!.ID, HUB_A);
      await tier.report(job!, { state: 3 });
      const url = `${GROUPS}/${group.ID}`;
      expect(await tier.call('DELETE', url)).toMatchObject({ status: 409, body: { code: 'ERR_GROUP_NOT_STOPPED' } });
      await tier.call('PUT', `${GROUPS}/undeploy/${group.ID}`);
      expect(await tier.call('DELETE', url)).toMatchObject({ status: 200, body: { ID: group.ID } });
      expect((await tier.call('GET', url)).status).toBe(200);
      const [todo] = await tier.executable(HUB_A);
      await tier.promote(job!.ID, HUB_A);
      await tier.report(todo!, { state: 3 });
      await expect.poll(async () => (await tier.call('GET', url)).status).toBe(404);
    });

    it('deletes in one step when asked to cascade, or by force for administrators', async () => {
      await using database = await source.open();
      await using tier = await createJobManagerCase(database);
      const fresh = await tier.create(application(['a']));
      expect((await tier.call('DELETE', `${GROUPS}/${fresh.ID}?cascade=true`)).status).toBe(200);
      expect((await tier.call('GET', `${GROUPS}/${fresh.ID}`)).status).toBe(404);
      const running = await tier.create(application(['a']));
      await tier.promote(running.jobs![0]!.ID, HUB_A);
      expect((await tier.call('DELETE', `${GROUPS}/${running.ID}?force=true`)).status).toBe(403);
      expect((await tier.call('DELETE', `${GROUPS}/${running.ID}?force=true`, undefined, { who: ADMIN })).status).toBe(
        200,
      );
      expect((await tier.call('GET', `${GROUPS}/${running.ID}`)).status).toBe(404);
    });
  });

  describe('updating', () => {
    it('replaces manifests by the release’s job group and hands them to the owner', async () => {
      await using database = await source.open();
      await using tier = await createJobManagerCase(database);
      const group = await tier.create(application(['a', 'b']));
      const [a] = group.jobs ?? [];
      await tier.promote(a!.ID, HUB_A);
      await tier.report(a!, { state: 3 });
      const changed = {
        ...group,
        appDescription: 'another',
        jobs: group.jobs?.map((job) => ({ ...job, manifests: [{ yamlString: `# ${job.component}\n` }] })),
      };
      const answer = await tier.call<JobGroupBody>('PUT', GROUPS, changed);
      expect(answer.body).toMatchObject({ appDescription: 'another' });
      expect(answer.body.jobs?.map(({ type, state }) => [type, state])).toEqual([
        [8, 1],
        [5, 1],
      ]);
      const todo = await tier.executable(HUB_A);
      expect(todo.map(({ type, manifests }) => [type, manifests?.[0]?.yamlString])).toEqual([
        [8, '# a\n'],
        [5, '# b\n'],
      ]);
    });

    it('refuses jobs of other groups and targets set by hand', async () => {
      await using database = await source.open();
      await using tier = await createJobManagerCase(database);
      const group = await tier.create(application(['a']));
      const other = await tier.create(application(['a']));
      expect(await tier.call('PUT', GROUPS, { ...group, jobs: other.jobs })).toMatchObject({
        status: 400,
        body: { field: 'jobs.0.ID' },
      });
      const jobs = group.jobs?.map((job) => ({ ...job, targets: { cluster_name: 'elsewhere' } }));
      expect(await tier.call('PUT', GROUPS, { ...group, jobs })).toMatchObject({
        status: 400,
        body: { field: 'jobs.0.targets' },
      });
    });

    it('takes another descriptor: changes what changed, adds, stops, leaves the rest alone', async () => {
      await using database = await source.open();
      await using tier = await createJobManagerCase(database);
      const group = await tier.create(application(['keep', 'change', 'drop']));
      for (const job of group.jobs ?? []) {
        await tier.promote(job.ID, HUB_A);
        await tier.report(job, { state: 3 });
      }
      const text = application(['keep', 'change', 'fresh']).replace(
        /(metadata: \{name: change\}.*image: )busybox/,
        '$1nginx',
      );
      const answer = await tier.call<JobGroupBody>('PUT', `${GROUPS}/${group.ID}`, text);
      const states = Object.fromEntries((answer.body.jobs ?? []).map((job) => [job.component, [job.type, job.state]]));
      expect(states).toEqual({ keep: [5, 3], change: [8, 1], drop: [6, 1], fresh: [5, 1] });
      expect(tier.matchmaker.requests.at(-1)?.components.map(({ name }) => name)).toEqual(['fresh']);
    });

    it('takes the descriptor as the JSON object that the shell sends, and starts a stopped deployment anew', async () => {
      await using database = await source.open();
      await using tier = await createJobManagerCase(database);
      tier.service.start();
      const group = await tier.create(application(['a']));
      await tier.call('PUT', `${GROUPS}/undeploy/${group.ID}`);
      const descriptor = {
        name: 'mjpeg-ffmpeg-app',
        components: [{ name: 'a', manifests: [{ name: 'a' }] }],
        manifests: [{ name: 'a', manifest: { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'a' } } }],
      };
      expect((await tier.call('PUT', `${GROUPS}/${group.ID}`, descriptor)).status).toBe(200);
      await expect.poll(async () => (await tier.executable(HUB_A)).length).toBe(1);
      expect(await tier.jobs(group.ID)).toMatchObject([{ type: 5, state: 1, orchestrator: 'ocm' }]);
    });

    it('refuses a bad descriptor as a whole', async () => {
      await using database = await source.open();
      await using tier = await createJobManagerCase(database);
      const group = await tier.create(application(['a']));
      expect((await tier.call('PUT', `${GROUPS}/${group.ID}`, 'components: [{name: a}]')).status).toBe(422);
      expect((await tier.call('GET', `${GROUPS}/${group.ID}`)).body).toEqual(group);
    });
  });
});
