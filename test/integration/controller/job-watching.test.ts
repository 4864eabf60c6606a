import type { AddressInfo } from 'node:net';
import { expect, it } from 'vitest';
import type { JobGroupBody } from '../../../src/contracts/icos/job.ts';
import type { JobId } from '../../../src/controller/job-manager/job.ts';
import {
  application,
  createJobManagerCase,
  deployed,
  type JobManagerCase,
} from '../../support/controller/job-manager-case.ts';
import { onEveryDatabase } from '../../support/databases.ts';
import { type EventReader, readEvents, type ServerSentEvent } from '../../support/event-reader.ts';

onEveryDatabase('watching deployments', (source) => {
  it('sends the deployment as it is, every change of it, and its end', async () => {
    await using database = await source.open();
    await using tier = await createJobManagerCase(database);
    tier.service.start();
    const { job, group } = await deployed(tier);
    await using events = await watch(tier, `/jobmanager/groups/${group.ID}?watch=true`);
    expect(await events.next()).toMatchObject({ event: 'group', data: { ID: group.ID, jobs: [{ state: 3 }] } });
    expect(await events.next()).toMatchObject({ event: 'ready' });
    await tier.call('PUT', `/jobmanager/groups/undeploy/${group.ID}`);
    expect(await events.next()).toMatchObject({ data: { jobs: [{ type: 6, state: 1 }] } });
    // Written behind this job manager's back, as another one would.
    await database.query
      .updateTable('jobs')
      .set({ status: 'finished', version: 99, updated_at: tier.clock.now })
      .where('id', '=', job.ID as string as JobId)
      .execute();
    // A change of more than one row may be seen, and told, in steps.
    await nextThat(events, (event) => (event.data as JobGroupBody).jobs?.[0]?.state === 3);
    await tier.call('DELETE', `/jobmanager/groups/${group.ID}`);
    await nextThat(events, ({ event }) => event === 'deleted');
  });

  it('shows all deployments of one user and of nobody else', async () => {
    await using database = await source.open();
    await using tier = await createJobManagerCase(database);
    tier.service.start();
    await using events = await watch(tier, '/jobmanager/groups', { accept: 'text/event-stream' });
    expect(await events.next()).toMatchObject({ event: 'ready' });
    await tier.create(application(['a'], { name: 'of-bob' }), ['bob', 'user']);
    await tier.create(application(['a'], { name: 'of-ann' }));
    expect(await events.next()).toMatchObject({ event: 'group', data: { appName: 'of-ann' } });
  });
});

async function watch(tier: JobManagerCase, path: string, headers: Record<string, string> = {}) {
  if (!tier.service.app.server.listening) await tier.service.app.listen({ port: 0, host: '127.0.0.1' });
  const { port } = tier.service.app.server.address() as AddressInfo;
  const events = await readEvents(`http://127.0.0.1:${port}${path}`, { authorization: 'Bearer ann:user', ...headers });
  expect(events.contentType).toBe('text/event-stream');
  return events;
}

/** Reads on to an event that fits. Throws when the stream ends before. */
async function nextThat(events: EventReader, fits: (event: ServerSentEvent) => boolean): Promise<void> {
  for (let event = await events.next(); ; event = await events.next()) {
    if (event === undefined) throw new Error('the stream has ended before an event that fits');
    if (fits(event)) return;
  }
}
