import { randomUUID } from 'node:crypto';
import type { JobBody } from '../../../src/contracts/icos/job.ts';
import type { It1JobBody } from '../../../src/contracts/icos/job-it1.ts';

/** What the driver would have put on its hub, by resource id. */
export interface DeployedWork {
  readonly name: string;
  readonly cluster: string;
  readonly manifests: readonly string[];
}

export interface OcmDriverOptions {
  readonly jobManagerUrl: string;
  readonly token: string;
  /** The UID of its hub. */
  readonly hub: string;
}

/**
 * The OCM deployment driver as it talks on the wire, playing the hub itself. One `tick` is what the original does every
 * fifteen seconds: list, promote, execute, report.
 */
export class OcmDriver {
  readonly work = new Map<string, DeployedWork>();
  readonly #options: OcmDriverOptions;

  constructor(options: OcmDriverOptions) {
    this.#options = options;
  }

  /** The states that it reported, by job. */
  async tick(): Promise<readonly JobBody[]> {
    const { hub } = this.#options;
    const jobs = (await this.#json('GET', `/jobmanager/jobs/executable/ocm/${hub}`)) as JobBody[];
    const reported: JobBody[] = [];
    for (const job of jobs) {
      const target = job.targets as { readonly node_name?: string };
      if ((target.node_name ?? '') === '') continue;
      const { status } = await this.#send('PATCH', `/jobmanager/jobs/promote/${job.ID}`, { owner_id: hub });
      if (status !== 204) continue;
      const done = job.type === 6 ? this.#remove(job) : this.#apply(job);
      reported.push((await this.#json('PUT', `/jobmanager/jobs?id=${job.ID}&orchestrator=ocm`, done)) as JobBody);
    }
    return reported;
  }

  /** What it tells about everything on its hub, also about what is not the job manager's. */
  async sync(status: 'True' | 'False'): Promise<readonly number[]> {
    const answers: number[] = [];
    for (const [uuid, { name }] of this.work) {
      const body = { id: '', job_id: '', resource_uuid: uuid, resource_name: name, conditions: [available(status)] };
      answers.push((await this.#send('PUT', '/jobmanager/resources/status', body)).status);
    }
    return answers;
  }

  /** It writes the job back with lower-case `id`, the way its own types are spelt. */
  #apply(job: JobBody): object {
    const uuid = randomUUID();
    const name = `${job.resource?.resource_name}-x7k2p`;
    const target = job.targets as { readonly cluster_name: string };
    const manifests = (job.manifests ?? []).map(({ yamlString }) => yamlString);
    this.work.set(uuid, { name, cluster: target.cluster_name, manifests });
    const conditions = [...(job.resource?.conditions ?? []), applied, available('True')];
    const { ID, ...rest } = job;
    return {
      ...rest,
      id: ID,
      state: 3,
      resource: { ...job.resource, resource_uuid: uuid, resource_name: name, conditions },
    };
  }

  #remove(job: JobBody): object {
    this.work.delete(job.resource?.resource_uuid ?? '');
    return { ...job, state: 1 };
  }

  async #json(method: string, path: string, body?: unknown): Promise<unknown> {
    const answer = await this.#send(method, path, body);
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
    return answer.json();
  }

  #send(method: string, path: string, body?: unknown): Promise<Response> {
    return sendJson(`${this.#options.jobManagerUrl}${path}`, method, this.#options.token, body);
  }
}

const applied = {
  type: 'Applied',
  status: 'True',
  observedGeneration: 1,
  lastTransitionTime: '2024-09-01T10:00:05Z',
  reason: 'AppliedManifestWorkComplete',
  message: 'Apply manifest work complete',
};

const available = (status: 'True' | 'False') => ({
  ...applied,
  type: 'Available',
  status,
  reason: status === 'True' ? 'ResourcesAvailable' : 'ResourcesNotAvailable',
  message: status === 'True' ? 'All resources are available' : 'A resource is not available',
});

export const sendJson = (url: string, method: string, token: string, body?: unknown): Promise<Response> =>
  fetch(url, {
    method,
    headers: {
      authorization: `Bearer ${token}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });

/** A driver of the seed's generation: one list of jobs, a lock flag, no owner but its credential. */
export class It1Driver {
  readonly deployed = new Map<string, string>();
  readonly #options: Omit<OcmDriverOptions, 'hub'> & { readonly base: '/deployment/jobs' | '/jobmanager/jobs' };

  constructor(options: Omit<OcmDriverOptions, 'hub'> & { readonly base: '/deployment/jobs' | '/jobmanager/jobs' }) {
    this.#options = options;
  }

  async tick(): Promise<readonly It1JobBody[]> {
    const list = await this.#send('GET', '/executable');
    const jobs = (await list.json()) as It1JobBody[];
    const reported: It1JobBody[] = [];
    for (const job of jobs) {
      const lock = await this.#send('PUT', `/${job.ID}`, { ...job, locker: true, state: 2 });
      if (!lock.ok) continue;
      const uuid = randomUUID();
      if (job.type === 7) this.deployed.delete(job.ID);
      else this.deployed.set(job.ID, job.manifest);
      const done = await this.#send('PUT', `/${job.ID}`, { ID: job.ID, uuid, locker: true, state: 3 });
      reported.push((await done.json()) as It1JobBody);
    }
    return reported;
  }

  #send(method: string, path: string, body?: unknown): Promise<Response> {
    const { jobManagerUrl, base, token } = this.#options;
    return sendJson(`${jobManagerUrl}${base}${path}`, method, token, body);
  }
}
