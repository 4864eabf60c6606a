/**
 * `node drivers.ts <folder> <job manager urls, comma between> <number> <first number>`: drivers that execute jobs by
 * making a file of the job's id, as an orchestrator makes an object of a name. Prints a line per job: `done <job> <driver>`,
 * or `again <job> <driver>` when the file was there already. Ends with its starter.
 */
import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { JobBody } from '../../../../src/contracts/icos/job.ts';
import { sendJson } from '../ocm-driver.ts';

const [folder, urlList, count, first] = process.argv.slice(2) as [string, string, string, string];
const urls = urlList.split(',');
const TOKEN = 'driver:service';
const BATCH = 8;
const IDLE_MS = 100;

process.stdin.on('end', () => process.exit(0)).resume();
await Promise.all(Array.from({ length: Number(count) }, (_, index) => drive(Number(first) + index)));

/** Half of the drivers take batches, the others list and promote one by one as the original ones do. */
async function drive(number: number): Promise<void> {
  const hex = createHash('sha256').update(`hub ${number}`).digest('hex');
  const hub = `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
  for (let turn = number; ; turn += 1) {
    const url = urls[turn % urls.length]!;
    const jobs = await (number % 2 === 0 ? claim(url, hub) : promote(url, hub)).catch(() => []);
    for (const job of jobs) await execute(url, job, number);
    if (jobs.length === 0) await wait(IDLE_MS);
  }
}

async function claim(url: string, hub: string): Promise<readonly JobBody[]> {
  const answer = await sendJson(`${url}/jobmanager/jobs/claim/ocm/${hub}?limit=${BATCH}`, 'POST', TOKEN);
  return answer.ok ? ((await answer.json()) as JobBody[]) : [];
}

async function promote(url: string, hub: string): Promise<readonly JobBody[]> {
  const answer = await sendJson(`${url}/jobmanager/jobs/executable/ocm/${hub}?limit=${10 * BATCH}`, 'GET', TOKEN);
  const listed = (await answer.json()) as JobBody[];
  const mine: JobBody[] = [];
  // Everybody sees the same list: who begins elsewhere loses fewer races.
  const start = Math.floor(Math.random() * listed.length);
  for (const job of [...listed.slice(start), ...listed.slice(0, start)].slice(0, BATCH)) {
    const { status } = await sendJson(`${url}/jobmanager/jobs/promote/${job.ID}`, 'PATCH', TOKEN, { owner_id: hub });
    if (status === 204) mine.push({ ...job, owner_id: hub });
  }
  return mine;
}

async function execute(url: string, job: JobBody, number: number): Promise<void> {
  const isFirst = await makeFile(job.ID, number);
  process.stdout.write(`${isFirst ? 'done' : 'again'} ${job.ID} ${number}\n`);
  for (const at of [url, ...urls]) {
    const answer = await sendJson(`${at}/jobmanager/jobs`, 'PUT', TOKEN, { ...job, state: 3 }).catch(() => undefined);
    if (answer !== undefined && answer.status !== 503) return;
  }
}

async function makeFile(id: string, number: number): Promise<boolean> {
  try {
    const file = await open(join(folder, id), 'wx');
    await file.writeFile(String(number));
    await file.close();
    return true;
  } catch (thrown) {
    if ((thrown as { code?: string }).code === 'EEXIST') return false;
    throw thrown;
  }
}
