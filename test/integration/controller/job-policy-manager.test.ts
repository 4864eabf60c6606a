import { expect, it } from 'vitest';
import { createAnsweringServer } from '../../support/controller/answering-server.ts';
import { application, createJobManagerCase } from '../../support/controller/job-manager-case.ts';
import { onEveryDatabase } from '../../support/databases.ts';

const INCOMPLIANCE = '/jobmanager/policies/incompliance';

onEveryDatabase('the policy manager', (source) => {
  it('is told of a deployment in order, once it answers', async () => {
    await using database = await source.open();
    await using policy = await createPolicyManager();
    await using tier = await createJobManagerCase(database, { policyManagerUrl: `${policy.url}/polman` });
    tier.service.start();
    policy.answers(503);
    const group = await tier.create(application(['a']));
    await expect.poll(() => policy.seen.length).toBe(1);
    await tier.call('PUT', `/jobmanager/groups/undeploy/${group.ID}`);
    await tier.call('DELETE', `/jobmanager/groups/${group.ID}`);
    expect((await tier.call<{ status: string }>('GET', '/healthz')).body.status).toBe('degraded');
    policy.answers(200);
    policy.seen.length = 0;
    tier.clock.now += 60_000;
    await expect.poll(() => policy.seen.length).toBe(4);
    expect(policy.calls().map(({ path, body }) => [path, body['event']])).toEqual(
      ['created', 'started', 'stopped', 'deleted'].map((event) => ['/polman/registry/api/v1/icos/app', event]),
    );
    expect(policy.calls()[0]).toMatchObject({
      authorization: 'Bearer job-manager:service',
      body: {
        app_instance: group.ID,
        app_descriptor: application(['a']),
        callback: { uri: INCOMPLIANCE, http_method: 'POST', include_access_token: true, extra_params: {} },
      },
    });
    await expect.poll(() => database.query.selectFrom('outbox').select('id').execute()).toEqual([]);
  });

  it('that refuses a call for good is not asked again', async () => {
    await using database = await source.open();
    await using policy = await createPolicyManager();
    await using tier = await createJobManagerCase(database, { policyManagerUrl: policy.url });
    tier.service.start();
    policy.answers(422);
    await tier.create(application(['a']));
    await expect.poll(() => database.query.selectFrom('outbox').select('id').execute()).toEqual([]);
    expect(policy.seen).toHaveLength(2);
  });
});

/** Answers with `status`, whatever it is told. */
async function createPolicyManager() {
  const policy = { status: 200 };
  const server = await createAnsweringServer(() => ({ status: policy.status, body: [] }));
  return Object.assign(server, {
    answers: (status: number) => {
      policy.status = status;
    },
    calls: () =>
      server.seen.map(({ path, headers, body }) => ({
        path,
        authorization: headers.authorization,
        body: JSON.parse(body) as Record<string, unknown>,
      })),
  });
}
