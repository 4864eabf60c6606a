import { describe, expect, it } from 'vitest';
import type { JobBody } from '../../../src/contracts/icos/job.ts';
import { mayClaim } from '../../../src/controller/job-manager/claim-rule.ts';
import type { DriverId, GroupId, Job, JobId } from '../../../src/controller/job-manager/job.ts';
import { executableJobs, insertJobs } from '../../../src/controller/job-manager/job-repository.ts';
import {
  application,
  createJobManagerCase,
  DRIVER,
  deployed,
  HUB_A,
  HUB_B,
  type JobManagerCase,
  DEPLOYED_RESOURCE as RESOURCE,
} from '../../support/controller/job-manager-case.ts';
import { type DatabaseSource, onEveryDatabase } from '../../support/databases.ts';
import { aJob, EDGE, RULES } from '../../support/jobs.ts';

const LEASE = 300_000;
const driver = { who: DRIVER };
const INCOMPLIANCE = '/jobmanager/policies/incompliance';

const condition = (type: string, status: string, reason: string) => ({
  type,
  status,
  observedGeneration: 1,
  lastTransitionTime: '2024-09-01T10:00:05Z',
  reason,
  message: `${type} is ${status}`,
});

onEveryDatabase('deployment drivers', (source: DatabaseSource) => {
  describe('claiming', () => {
    it('gives a job to one of many that promote it at once', async () => {
      await using database = await source.open();
      await using tier = await createJobManagerCase(database);
      const [job] = (await tier.create(application(['a']))).jobs ?? [];
      const statuses = await Promise.all(
        Array.from({ length: 20 }, (_, index) => tier.promote(job!.ID, index % 2 ? HUB_A : HUB_B)),
      );
      expect(statuses.filter((status) => status === 204)).toHaveLength(1);
      expect(statuses.filter((status) => status === 409)).toHaveLength(19);
    });

    it('lets another driver take over, and the same one try again, only when the lease has ended', async () => {
      await using database = await source.open();
      await using tier = await createJobManagerCase(database);
      const [job] = (await tier.create(application(['a']))).jobs ?? [];
      await tier.promote(job!.ID, HUB_A);
      tier.clock.now += LEASE - 1;
      expect(await tier.executable(HUB_A)).toEqual([]);
      expect(await tier.executable(HUB_B)).toEqual([]);
      tier.clock.now += 1;
      expect((await tier.executable(HUB_A)).map(({ ID }) => ID)).toEqual([job?.ID]);
      expect((await tier.executable(HUB_B)).map(({ ID }) => ID)).toEqual([job?.ID]);
      expect(await tier.promote(job!.ID, HUB_B)).toBe(204);
      expect(await tier.promote(job!.ID, HUB_A)).toBe(409);
      const late = await tier.report({ ...job!, owner_id: HUB_A }, { state: 4 });
      expect(late).toMatchObject({ status: 409, body: { code: 'ERR_JOB_CONFLICT' } });
      expect((await tier.report({ ...job!, owner_id: HUB_B }, { state: 3 })).body).toMatchObject({
        state: 3,
        owner_id: HUB_B,
      });
    });

    it('refuses reports of an earlier attempt that name it', async () => {
      await using database = await source.open();
      await using tier = await createJobManagerCase(database);
      const [job] = (await tier.create(application(['a']))).jobs ?? [];
      const claim = () => tier.call('PATCH', `/jobmanager/jobs/promote/${job?.ID}`, { owner_id: HUB_A }, driver);
      const first = String((await claim()).headers['x-job-attempt']);
      tier.clock.now += LEASE;
      const second = String((await claim()).headers['x-job-attempt']);
      expect([first, second]).toEqual(['1', '2']);
      const report = (attempt: string) =>
        tier.call(
          'PUT',
          '/jobmanager/jobs',
          { ...job, state: 3 },
          { ...driver, headers: { 'x-job-attempt': attempt } },
        );
      expect((await report(first)).status).toBe(409);
      expect((await report(second)).status).toBe(200);
    });

    it('keeps a driver’s lease while it reports', async () => {
      await using database = await source.open();
      await using tier = await createJobManagerCase(database);
      const [job] = (await tier.create(application(['a']))).jobs ?? [];
      await tier.promote(job!.ID, HUB_A);
      for (const state of [2, 1]) {
        tier.clock.now += LEASE - 1;
        expect((await tier.report(job!, { state })).body).toMatchObject({ state: 2 });
      }
      tier.clock.now += LEASE - 1;
      expect(await tier.executable(HUB_B)).toEqual([]);
    });

    it('gives up a job that no driver finishes', async () => {
      await using database = await source.open();
      await using tier = await createJobManagerCase(database, { maxAttempts: 2 });
      tier.service.start();
      const group = await tier.create(application(['a']));
      const [job] = group.jobs ?? [];
      for (let attempt = 0; attempt < 2; attempt += 1) {
        expect(await tier.promote(job!.ID, HUB_A)).toBe(204);
        tier.clock.now += LEASE;
      }
      await expect.poll(async () => (await tier.jobs(group.ID))[0]?.state).toBe(4);
      const [given] = await tier.jobs(group.ID);
      expect(given?.resource?.conditions?.at(-1)).toMatchObject({ type: 'Degraded', reason: 'AttemptsExhausted' });
      tier.clock.now += LEASE;
      expect(await tier.executable(HUB_B)).toEqual([]);
    });

    it('gives many jobs at once, none of them twice', async () => {
      await using database = await source.open();
      await using tier = await createJobManagerCase(database);
      await tier.create(application(Array.from({ length: 30 }, (_, index) => `c${index}`)));
      const claim = async (hub: string): Promise<JobBody[]> =>
        (await tier.call<JobBody[]>('POST', `/jobmanager/jobs/claim/ocm/${hub}?limit=4`, undefined, driver)).body;
      const batches = await Promise.all(Array.from({ length: 10 }, (_, index) => claim(index % 2 ? HUB_A : HUB_B)));
      const ids = batches.flat().map(({ ID }) => ID);
      expect(new Set(ids).size).toBe(ids.length);
      for (let batch = await claim(HUB_A); batch.length > 0; batch = await claim(HUB_A))
        ids.push(...batch.map(({ ID }) => ID));
      expect(new Set(ids).size).toBe(30);
      expect(ids).toHaveLength(30);
      expect(batches.flat()[0]).toMatchObject({ state: 2, attempt: 1 });
    });

    it('shows a driver exactly the jobs that it may claim', async () => {
      await using database = await source.open();
      await using tier = await createJobManagerCase(database);
      const group = await tier.create(application(['a']));
      const now = 1_000_000;
      const jobs = everyKindOfJob(group.ID as string as GroupId, now);
      await database.query.deleteFrom('jobs').execute();
      for (let index = 0; index < jobs.length; index += 200)
        await insertJobs(database.query, jobs.slice(index, index + 200));
      for (const who of [HUB_A, HUB_B] as readonly string[] as readonly DriverId[]) {
        const listed = await executableJobs(database.query, {
          orchestrator: 'ocm',
          driver: who,
          now,
          rule: RULES,
          limit: jobs.length,
        });
        const expected = jobs.filter((job) => mayClaim(job, who, now, RULES)).map((job) => job.id);
        expect(expected.length).toBeGreaterThan(10);
        expect(listed.map((job) => job.id).sort()).toEqual(expected.sort());
      }
    });

    it.each(['kubernete', 'x', 'OCM'])('refuses the orchestrator %s', async (name) => {
      await using database = await source.open();
      await using tier = await createJobManagerCase(database);
      const answer = await tier.call('GET', `/jobmanager/jobs/executable/${name}/${HUB_A}`, undefined, driver);
      expect(answer).toMatchObject({ status: 400, body: { field: 'orchestrator' } });
      expect((answer.body as { error: string }).error).toContain('no valid orchestrator type provided');
    });

    it('is for drivers: users may neither list, take nor report', async () => {
      await using database = await source.open();
      await using tier = await createJobManagerCase(database);
      const [job] = (await tier.create(application(['a']))).jobs ?? [];
      for (const [method, url, body] of [
        ['GET', `/jobmanager/jobs/executable/ocm/${HUB_A}`, undefined],
        ['PATCH', `/jobmanager/jobs/promote/${job?.ID}`, { owner_id: HUB_A }],
        ['PUT', '/jobmanager/jobs', job],
        ['PUT', '/jobmanager/resources/status', { resource_uuid: RESOURCE }],
        ['POST', INCOMPLIANCE, {}],
      ] as const) {
        expect(await tier.call(method, url, body)).toMatchObject({ status: 403, body: { code: 'ERR_FORBIDDEN' } });
      }
    });

    it('does not take reports about jobs that nobody claimed', async () => {
      await using database = await source.open();
      await using tier = await createJobManagerCase(database);
      const [job] = (await tier.create(application(['a']))).jobs ?? [];
      expect((await tier.report(job!, { state: 3 })).status).toBe(409);
      expect((await tier.report({ ...job!, ID: HUB_B }, { state: 3 })).status).toBe(404);
      expect(await tier.promote(HUB_B, HUB_A)).toBe(404);
      expect((await tier.call('PATCH', `/jobmanager/jobs/promote/${job?.ID}`, { owner_id: '' }, driver)).status).toBe(
        400,
      );
    });
  });

  describe('the state of what was deployed', () => {
    it('is reported by the orchestrator’s id, replaces what was said before and moves the job', async () => {
      await using database = await source.open();
      await using tier = await createJobManagerCase(database);
      const { job } = await deployed(tier);
      const put = (...conditions: object[]) =>
        tier.call<{ conditions: { type: string; status: string }[] }>(
          'PUT',
          '/jobmanager/resources/status',
          { id: '', job_id: '', resource_uuid: RESOURCE, resource_name: 'ffmpeg-x7k2p', conditions },
          driver,
        );
      const applied = condition('Applied', 'True', 'AppliedManifestWorkComplete');
      const first = await put(applied, condition('Available', 'False', 'ResourcesNotAvailable'));
      expect(first).toMatchObject({ status: 200, body: { job_id: job.ID, resource_uuid: RESOURCE } });
      expect((await tier.jobs(job.job_group_id))[0]?.state).toBe(4);
      const second = await put(applied, condition('Available', 'True', 'ResourcesAvailable'));
      expect(second.body.conditions.filter(({ type }) => type === 'Available')).toMatchObject([{ status: 'True' }]);
      expect((await tier.jobs(job.job_group_id))[0]).toMatchObject({ state: 3, resource: { resource_uuid: RESOURCE } });
      const shown = await tier.call('GET', `/jobmanager/resources/status/${job.ID}`);
      expect(shown.body).toEqual(second.body.conditions);
    });

    it('of something foreign is not known', async () => {
      await using database = await source.open();
      await using tier = await createJobManagerCase(database);
      const body = { resource_uuid: HUB_B, conditions: [] };
      expect(await tier.call('PUT', '/jobmanager/resources/status', body, driver)).toMatchObject({ status: 404 });
      expect(await tier.call('PUT', '/jobmanager/resources/status', { resource_uuid: '' }, driver)).toMatchObject({
        status: 400,
        body: { field: 'resource_uuid' },
      });
    });

    it('adds up to what its nodes are promised for', async () => {
      await using database = await source.open();
      await using tier = await createJobManagerCase(database);
      const text = application(['a', 'b']).replace(
        /\{name: (\w), type: kubernetes,/g,
        '{name: $1, type: kubernetes, requirements: {cpu: 500m, memory: 1Gi, devices: squat.ai/video},',
      );
      const [job] = (await tier.create(text)).jobs ?? [];
      await tier.promote(job!.ID, HUB_A);
      await tier.report(job!, { state: 3 });
      const one = {
        cluster_name: 'icos-cluster-b',
        node_name: 'icosedge',
        jobs: 1,
        cpuMillis: 500,
        memoryBytes: 2 ** 30,
        devices: ['squat.ai/video'],
      };
      const { body } = await tier.call<{ running: boolean }[]>('GET', '/jobmanager/reservations', undefined, driver);
      expect(body.sort((a, b) => Number(a.running) - Number(b.running))).toEqual([
        { ...one, running: false },
        { ...one, running: true },
      ]);
    });
  });

  describe('remediation', () => {
    const report = (tier: JobManagerCase, subject: object, remediation = 'scale-up') =>
      tier.call(
        'POST',
        INCOMPLIANCE,
        {
          policyName: 'low-performance',
          policyId: '65f1',
          currentValue: '235.365',
          threshold: 'warning',
          subject: { type: 'app', ...subject },
          remediation,
        },
        driver,
      );

    it.each(['resource', 'component', 'instance'] as const)('finds the job by its %s', async (by) => {
      await using database = await source.open();
      await using tier = await createJobManagerCase(database);
      const { job, group } = await deployed(tier);
      const subject = {
        resource: { resourceId: RESOURCE },
        component: { appInstance: group.ID, appComponent: 'ffmpeg', appName: group.appName },
        instance: { appInstance: group.ID, appComponent: '*' },
      }[by];
      expect(await report(tier, subject)).toMatchObject({ status: 200, body: { remediation: 'scale-up' } });
      const [todo] = await tier.executable(HUB_A);
      expect(todo).toMatchObject({ ID: job.ID, type: 7, sub_type: 'scale-up', state: 1 });
      expect(await tier.executable(HUB_B)).toEqual([]);
      expect(await tier.promote(job.ID, HUB_A)).toBe(204);
      expect((await tier.report(todo!, { state: 3 })).body).toMatchObject({ type: 7, state: 3 });
      expect(await database.query.selectFrom('incompliances').select('job_id').execute()).toEqual([{ job_id: job.ID }]);
    });

    it('is refused for what is not deployed, not known or no remediation', async () => {
      await using database = await source.open();
      await using tier = await createJobManagerCase(database);
      const fresh = await tier.create(application(['ffmpeg']));
      expect(await report(tier, { appInstance: fresh.ID, appComponent: 'ffmpeg' })).toMatchObject({ status: 409 });
      expect(await report(tier, { appInstance: fresh.ID, appComponent: 'other' })).toMatchObject({ status: 404 });
      expect(await report(tier, { resourceId: HUB_B })).toMatchObject({ status: 404 });
      expect(await report(tier, {})).toMatchObject({ status: 400, body: { field: 'subject' } });
      expect(await report(tier, { appInstance: fresh.ID }, 'explode')).toMatchObject({
        status: 400,
        body: { field: 'remediation' },
      });
    });

    it.each(['reallocation', 'migrate', 'redeploy'])(
      '%s undoes the job where it is and looks for another node',
      async (word) => {
        await using database = await source.open();
        await using tier = await createJobManagerCase(database);
        tier.service.start();
        const { job, group } = await deployed(tier);
        tier.matchmaker.place = ({ avoid = [] }) => ({
          cluster_name: 'icos-cluster-b',
          node_name: avoid.length === 0 ? 'icosedge' : 'other',
          orchestrator: 'ocm',
        });
        await report(tier, { resourceId: RESOURCE }, word);
        const [todo] = await tier.executable(HUB_A);
        await tier.promote(job.ID, HUB_A);
        await tier.report(todo!, { state: 3 });
        await expect.poll(async () => (await tier.executable(HUB_B)).length).toBe(1);
        expect(await tier.jobs(group.ID)).toMatchObject([
          { ID: job.ID, type: 5, state: 1, targets: { node_name: 'other' }, resource: { resource_name: 'ffmpeg' } },
        ]);
        const [again] = await tier.jobs(group.ID);
        expect(again).not.toHaveProperty('owner_id');
        expect(again?.resource).not.toHaveProperty('resource_uuid');
      },
    );
  });

  describe('a stop while a driver is at work', () => {
    it('waits for what the driver made, then has it undone', async () => {
      await using database = await source.open();
      await using tier = await createJobManagerCase(database);
      const group = await tier.create(application(['a']));
      const [job] = group.jobs ?? [];
      await tier.promote(job!.ID, HUB_A);
      await tier.call('PUT', `/jobmanager/groups/undeploy/${group.ID}`);
      expect(await tier.executable(HUB_A)).toEqual([]);
      const resource = { ...job!.resource, resource_uuid: RESOURCE, resource_name: 'a-x7k2p' };
      expect((await tier.report(job!, { type: 5, state: 3, resource })).body).toMatchObject({ type: 6, state: 1 });
      expect(await tier.executable(HUB_A)).toMatchObject([{ type: 6, resource: { resource_name: 'a-x7k2p' } }]);
    });

    it('is carried out after its lease when it died', async () => {
      await using database = await source.open();
      await using tier = await createJobManagerCase(database);
      const group = await tier.create(application(['a']));
      await tier.promote(group.jobs![0]!.ID, HUB_A);
      await tier.call('PUT', `/jobmanager/groups/undeploy/${group.ID}`);
      tier.clock.now += LEASE;
      expect(await tier.executable(HUB_A)).toMatchObject([{ type: 6 }]);
    });
  });

  describe('a job without a target', () => {
    it('is degraded after its deadline with the reasons, and matched when a node appears', async () => {
      await using database = await source.open();
      await using tier = await createJobManagerCase(database, { matchDeadlineMs: 60_000, rematchMs: 15_000 });
      tier.service.start();
      tier.matchmaker.place = () => [];
      const group = await tier.create(application(['ffmpeg']));
      const state = async () => (await tier.jobs(group.ID))[0]?.state;
      for (let waited = 0; waited < 45_000; waited += 15_000) {
        const asked = tier.matchmaker.requests.length;
        tier.clock.now += 15_000;
        await expect.poll(() => tier.matchmaker.requests.length).toBeGreaterThan(asked);
        expect(await state()).toBe(1);
      }
      tier.clock.now += 15_000;
      await expect.poll(state).toBe(4);
      const [job] = await tier.jobs(group.ID);
      expect(job?.resource?.conditions?.at(-1)).toMatchObject({
        type: 'Degraded',
        reason: 'NoTarget',
        message: expect.stringContaining('6Gi wanted'),
      });
      tier.matchmaker.place = () => ({ cluster_name: EDGE.cluster, node_name: EDGE.node, orchestrator: 'ocm' });
      tier.clock.now += 15_000;
      await expect.poll(state).toBe(1);
      expect((await tier.executable(HUB_A)).map(({ ID }) => ID)).toEqual([job?.ID]);
      expect(tier.matchmaker.requests.at(-1)?.authorization).toBe('Bearer job-manager:service');
      expect((await tier.jobs(group.ID))[0]?.resource?.conditions).toHaveLength(2);
    });
  });
});

/** The product of all values that the rule looks at, and a few times around its limits. */
function everyKindOfJob(groupId: GroupId, now: number): readonly Job[] {
  const jobs: Job[] = [];
  for (const action of ['create', 'delete', 'update'] as const)
    for (const status of ['created', 'progressing', 'finished', 'degraded'] as const)
      for (const owner of [null, HUB_A as string as DriverId])
        for (const leaseUntil of [null, now, now + 1])
          for (const age of [0, RULES.leaseMs - 1, RULES.leaseMs])
            for (const attempts of [0, RULES.maxAttempts])
              for (const placement of [EDGE, { ...EDGE, orchestrator: 'nuvla' }, null]) {
                const id = `00000000-0000-4000-8000-${String(jobs.length).padStart(12, '0')}` as string as JobId;
                jobs.push(
                  aJob({ id, groupId, action, status, owner, leaseUntil, attempts, placement, updatedAt: now - age }),
                );
              }
  // The query is asked for one orchestrator, the rule knows none.
  return jobs.map((job) => (job.placement?.orchestrator === 'nuvla' ? { ...job, status: 'finished' as const } : job));
}
