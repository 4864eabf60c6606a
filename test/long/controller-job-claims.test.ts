import { it } from 'vitest';
import { runClaimsCase } from '../support/controller/claims-case.ts';
import { onPostgres } from '../support/databases.ts';

const JOBS = 10_000;

onPostgres('two job managers and sixteen drivers with 10,000 jobs', (source) => {
  it('execute every job once', async () => {
    await runClaimsCase({ databaseUrl: await source.createUrl(), jobs: JOBS, kills: false, deadlineMs: 600_000 });
  });

  it('lose no job when a job manager and half of the drivers are killed', async () => {
    await runClaimsCase({ databaseUrl: await source.createUrl(), jobs: JOBS, kills: true, deadlineMs: 600_000 });
  });
});
