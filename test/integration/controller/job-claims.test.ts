import { it } from 'vitest';
import { runClaimsCase } from '../../support/controller/claims-case.ts';
import { onPostgres } from '../../support/databases.ts';

/** The same with 10,000 jobs is in test/long. */
const JOBS = 800;

onPostgres('two job managers and sixteen drivers', (source) => {
  it('execute every job once', async () => {
    await runClaimsCase({ databaseUrl: await source.createUrl(), jobs: JOBS, kills: false, deadlineMs: 60_000 });
  });

  it('lose no job when a job manager and half of the drivers are killed', async () => {
    await runClaimsCase({ databaseUrl: await source.createUrl(), jobs: JOBS, kills: true, deadlineMs: 60_000 });
  });
});
