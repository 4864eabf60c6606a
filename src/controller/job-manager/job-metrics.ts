import { Gauge, type Registry } from 'prom-client';
import type { Logger } from '../../common/logger.ts';
import type { Database } from '../store/database.ts';
import { outboxSize } from './outbox.ts';

/** Counted in the database when asked: several job managers on one show the same. */
export function observeJobs(registry: Registry, database: Database, logger: Logger): void {
  const quietly = (collect: () => Promise<void>) => () =>
    collect().catch((thrown: unknown) => {
      logger.warn({ err: String(thrown) }, 'a metric could not be read');
    });
  const jobs: Gauge<'action' | 'status'> = new Gauge({
    name: 'metakernel_jobs',
    help: 'Jobs by what is to be done and how far that is.',
    labelNames: ['action', 'status'],
    registers: [registry],
    collect: quietly(async () => {
      const counts = await countJobs(database);
      jobs.reset();
      for (const { action, status, jobs: count } of counts) jobs.set({ action, status }, Number(count));
    }),
  });
  const outbox: Gauge = new Gauge({
    name: 'metakernel_outbox_entries',
    help: 'Calls to other services that were not answered yet.',
    registers: [registry],
    collect: quietly(async () => outbox.set(await outboxSize(database.query))),
  });
}

const countJobs = (database: Database) =>
  database.query
    .selectFrom('jobs')
    .select((select) => ['action', 'status', select.fn.countAll<number>().as('jobs')])
    .groupBy(['action', 'status'])
    .execute();
