import { z } from 'zod';
import { RuntimeError } from '../../common/errors.ts';
import { type JobAction, jobActionOf, jobStateOf, jobStatusOf } from '../../contracts/icos/enums.ts';
import { ATTEMPT_HEADER, type JobBody, jobBody } from '../../contracts/icos/job.ts';
import { placementsOf } from '../../contracts/icos/target.ts';
import type { Authenticator } from '../iam/authenticator.ts';
import type { Peer, PeerAnswer, PeerCall } from '../service/peer.ts';
import type { Deployment, DeploymentId, DeploymentState, DriverId } from './driver.ts';

/** A job as a driver sees it. */
export interface QueuedJob {
  readonly deployment: Deployment;
  readonly action: JobAction;
  /** Of an update. */
  readonly remediation: string;
  readonly owner: string | undefined;
  readonly status: 'created' | 'progressing' | 'finished' | 'degraded';
  /** As it was listed: it goes back with every report. */
  readonly body: JobBody;
}

/** A job that is this driver's until its lease ends. */
export interface ClaimedJob extends QueuedJob {
  readonly attempt: number | undefined;
}

export type Outcome = 'progressing' | 'finished' | 'degraded';

/** The job manager, as deployment drivers use it. */
export interface JobQueue {
  executable(orchestrator: string, driver: DriverId): Promise<readonly QueuedJob[]>;
  /** Undefined: another driver was quicker. */
  claim(job: QueuedJob, driver: DriverId): Promise<ClaimedJob | undefined>;
  /** Undefined state: nothing was made or nothing is left. A report that comes too late is no error. */
  report(job: ClaimedJob, driver: DriverId, outcome: Outcome, state: DeploymentState | undefined): Promise<void>;
  /** Tells how something deployed stands. `false`: the job manager knows nothing of it. */
  tell(state: DeploymentState): Promise<boolean>;
  /** All jobs of an orchestrator that this driver has. */
  owned(orchestrator: string, driver: DriverId): Promise<readonly QueuedJob[]>;
}

const jobList = z.array(jobBody);
const NEXT = /<([^>]*)>; rel="next"/;

export function createJobQueue(peer: Peer, authenticator: Authenticator): JobQueue {
  const call = async (wanted: Omit<PeerCall, 'token'>) =>
    peer.call({ ...wanted, token: await authenticator.serviceToken() });
  const list = async (path: string) => {
    const answer = await call({ method: 'GET', path });
    if (answer.status !== 200) throw refusal(answer.status, answer.text);
    return { jobs: jobList.parse(JSON.parse(answer.text)).map(queuedJob), next: NEXT.exec(answer.link ?? '')?.[1] };
  };
  return {
    executable: async (orchestrator, driver) =>
      (await list(`/jobmanager/jobs/executable/${orchestrator}/${driver}`)).jobs,
    async claim(job, driver) {
      const path = `/jobmanager/jobs/promote/${job.deployment.id}`;
      const answer = await call({ method: 'PATCH', path, body: { owner_id: driver } });
      if (answer.status >= 200 && answer.status < 300) return { ...job, attempt: attemptOf(answer) };
      if (isGone(answer.status)) return undefined;
      throw refusal(answer.status, answer.text);
    },
    async report(job, driver, outcome, state) {
      const headers = job.attempt === undefined ? {} : { [ATTEMPT_HEADER]: String(job.attempt) };
      const body = { ...job.body, owner_id: driver, state: jobStateOf(outcome), ...resourceOf(job.body, state) };
      const answer = await call({ method: 'PUT', path: '/jobmanager/jobs', body, headers });
      if (answer.status >= 300 && !isGone(answer.status)) throw refusal(answer.status, answer.text);
    },
    async tell(state) {
      const body = {
        job_id: state.id,
        resource_uuid: state.uuid,
        resource_name: state.name,
        conditions: state.conditions,
      };
      const answer = await call({ method: 'PUT', path: '/jobmanager/resources/status', body });
      if (answer.status >= 300 && !isGone(answer.status)) throw refusal(answer.status, answer.text);
      return answer.status < 300;
    },
    async owned(orchestrator, driver) {
      const owned: QueuedJob[] = [];
      for (let path: string | undefined = `/jobmanager/jobs?orchestrator=${orchestrator}`; path !== undefined; ) {
        const page: Awaited<ReturnType<typeof list>> = await list(path);
        owned.push(...page.jobs.filter((job) => job.owner === driver));
        path = page.next;
      }
      return owned;
    },
  };
}

function attemptOf({ headers }: PeerAnswer): number | undefined {
  const attempt = Number(headers[ATTEMPT_HEADER]);
  return Number.isInteger(attempt) && attempt > 0 ? attempt : undefined;
}

/** The job is somebody else's or is no more; the release says 400 to both. Anything else is trouble worth another try. */
const isGone = (status: number): boolean => status === 400 || status === 404 || status === 409;

const refusal = (status: number, text: string): RuntimeError =>
  new RuntimeError('ERR_PEER_ANSWER', { service: 'job-manager', reason: `status ${status}: ${text.slice(0, 200)}` });

function queuedJob(body: JobBody): QueuedJob {
  const [place] = placementsOf(body.targets);
  return {
    deployment: {
      id: body.ID as string as DeploymentId,
      application: body.job_group_name,
      instance: body.job_group_id,
      component: body.component ?? body.resource?.resource_name ?? '',
      namespace: body.namespace ?? '',
      target: { cluster: place?.cluster ?? '', node: place?.node ?? '' },
      manifests: (body.manifests ?? []).map(({ yamlString }) => yamlString),
    },
    action: (body.type === undefined ? undefined : jobActionOf(body.type, 'release')) ?? 'create',
    remediation: body.sub_type ?? '',
    owner: body.owner_id || undefined,
    status: (body.state === undefined ? undefined : jobStatusOf(body.state)) ?? 'created',
    body,
  };
}

const resourceOf = (body: JobBody, state: DeploymentState | undefined): Pick<JobBody, 'resource'> | object =>
  state === undefined
    ? {}
    : {
        resource: {
          ...body.resource,
          resource_uuid: state.uuid,
          resource_name: state.name,
          conditions: state.conditions,
        },
      };
