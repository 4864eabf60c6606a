import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { expect } from 'vitest';
import { type RunningProcess, startProcess } from '../../../scripts/process.ts';
import { openDatabase } from '../../../src/controller/store/database.ts';
import { tempDir } from '../temp-dir.ts';
import { application } from './job-manager-case.ts';
import { sendJson } from './ocm-driver.ts';
import { createScriptedMatchmaker } from './scripted-matchmaker.ts';

const PROGRAMS = join(import.meta.dirname, 'programs');
const JOBS_PER_GROUP = 100;
const DRIVERS = 16;
const LEASE_MS = 5000;
const POLL_MS = 100;

export interface ClaimsCase {
  readonly databaseUrl: string;
  readonly jobs: number;
  /** Ends one job manager and half of the drivers by SIGKILL when half of the jobs are done. */
  readonly kills: boolean;
  readonly deadlineMs: number;
}

/**
 * Two job managers on one database and sixteen drivers, all of them processes of their own. Every job must be executed
 * once; where drivers are killed, what they had done and not yet reported may be found done by the next.
 */
export async function runClaimsCase({ databaseUrl, jobs, kills, deadlineMs }: ClaimsCase): Promise<void> {
  using folder = tempDir('claims');
  await using matchmaker = await createScriptedMatchmaker();
  await using stack = new AsyncDisposableStack();
  const lines: string[] = [];
  const start = (name: string, args: readonly string[], onLine: (line: string) => void): RunningProcess => {
    const argv = ['--conditions=source', join(PROGRAMS, name), ...args];
    const errors = (line: string, stream: 'stdout' | 'stderr') =>
      stream === 'stdout' ? onLine(line) : console.error(line);
    return stack.use(startProcess(process.execPath, argv, { watch: 'stdin', graceMs: 3000, onLine: errors }));
  };
  const managers = await Promise.all(
    [0, 1].map(
      () =>
        new Promise<{ readonly url: string; readonly process: RunningProcess }>((resolve) => {
          const manager = start('job-manager.ts', [databaseUrl, matchmaker.url, String(LEASE_MS)], (url) =>
            resolve({ url, process: manager }),
          );
        }),
    ),
  );
  const urls = managers.map(({ url }) => url);
  await createJobs(urls, jobs);
  const half = DRIVERS / 2;
  const drivers = [0, half].map((first) =>
    start('drivers.ts', [folder.path, urls.join(','), String(half), String(first)], (line) => lines.push(line)),
  );
  const done = () => readdirSync(folder.path).length;
  if (kills) {
    await until(() => done() >= jobs / 2, deadlineMs);
    managers[0]!.process.kill('SIGKILL');
    drivers[0]!.kill('SIGKILL');
  }
  await using database = await openDatabase({ url: databaseUrl });
  const unfinished = async (): Promise<number> => {
    const row = await database.query
      .selectFrom('jobs')
      .select((select) => select.fn.countAll<number>().as('n'))
      .where('status', '<>', 'finished')
      .executeTakeFirstOrThrow();
    return Number(row.n);
  };
  await until(async () => (await unfinished()) === 0, deadlineMs);
  expect(done()).toBe(jobs);
  const again = lines.filter((line) => line.startsWith('again'));
  if (!kills) expect(again).toEqual([]);
  for (const line of again) {
    const [, job = ''] = line.split(' ');
    expect(Number(readFileSync(join(folder.path, job), 'utf8')), 'done first by a driver that was killed').toBeLessThan(
      half,
    );
  }
  const executors = new Set(lines.filter((line) => line.startsWith('done')).map((line) => line.split(' ')[2]));
  expect(executors.size).toBe(DRIVERS);
}

async function createJobs(urls: readonly string[], jobs: number): Promise<void> {
  const names = Array.from({ length: JOBS_PER_GROUP }, (_, index) => `c${index}`);
  for (let made = 0; made < jobs; made += JOBS_PER_GROUP) {
    const url = urls[(made / JOBS_PER_GROUP) % urls.length];
    const answer = await sendJson(`${url}/jobmanager/groups`, 'POST', 'ann:user', {
      content: application(names.slice(0, jobs - made)),
    });
    expect(answer.status).toBe(201);
    await answer.arrayBuffer();
  }
}

async function until(condition: () => boolean | Promise<boolean>, deadlineMs: number): Promise<void> {
  const deadline = Date.now() + deadlineMs;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`not reached in ${deadlineMs} ms: ${condition.toString()}`);
    await wait(POLL_MS);
  }
}
