import { randomUUID } from 'node:crypto';
import { RuntimeError } from '../../common/errors.ts';
import { Remediation } from '../../contracts/icos/enums.ts';
import type { IncomplianceBody } from '../../contracts/icos/incompliance.ts';
import { changeJob } from './change-job.ts';
import type { JobManager } from './context.ts';
import type { GroupId, Job, JobId } from './job.ts';
import { jobByResource, jobsOfGroups } from './job-repository.ts';

/** A violated policy: the jobs it is about are changed as it demands, each once. */
export async function remediate(manager: JobManager, body: IncomplianceBody): Promise<IncomplianceBody> {
  const remediation = remediationOf(body.remediation);
  const jobs = await jobsOf(manager, body);
  if (jobs.length === 0) throw new RuntimeError('ERR_JOB_UNKNOWN', { job: `of ${describe(body)}` });
  const id = body.ID === '' ? randomUUID() : body.ID;
  for (const job of jobs) {
    await changeJob(manager, job.id, { type: 'remediated', at: manager.settings.now(), remediation });
    await record(manager, body, job.id);
  }
  return { ...body, ID: id };
}

/** The words of the job manager and of the policy manager; `scale_pod` is the seed's. */
function remediationOf(word: string): Remediation {
  const known = Object.values(Remediation).find((candidate) => candidate === word);
  if (known !== undefined) return known;
  if (word === 'scale_pod') return Remediation.ScaleUp;
  const reason = `'${word}' is none of ${Object.values(Remediation).join(', ')}`;
  throw new RuntimeError('ERR_REQUEST_INVALID', { field: 'remediation', reason });
}

/** By the orchestrator's id, or by instance and component, as the policy manager knows them. */
async function jobsOf(manager: JobManager, { subject }: IncomplianceBody): Promise<readonly Job[]> {
  const { query } = manager.database;
  if (subject.resourceId) {
    const job = await jobByResource(query, subject.resourceId);
    return job === undefined ? [] : [job];
  }
  if (!subject.appInstance) {
    const reason = 'needs resourceId, or appInstance and appComponent';
    throw new RuntimeError('ERR_REQUEST_INVALID', { field: 'subject', reason });
  }
  const jobs = await jobsOfGroups(query, [subject.appInstance as string as GroupId]);
  const { appComponent = '*' } = subject;
  return jobs.filter((job) => job.action !== 'delete' && (appComponent === '*' || job.component === appComponent));
}

const describe = ({ subject }: IncomplianceBody): string =>
  subject.resourceId
    ? `resource ${subject.resourceId}`
    : `component ${subject.appComponent ?? '*'} of ${subject.appInstance}`;

async function record(manager: JobManager, body: IncomplianceBody, job: JobId): Promise<void> {
  await manager.database.query
    .insertInto('incompliances')
    .values({ id: randomUUID(), job_id: job, body: JSON.stringify(body), created_at: manager.settings.now() })
    .execute();
}
