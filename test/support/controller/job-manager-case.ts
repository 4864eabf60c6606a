import { silentLogger } from '../../../src/common/logger.ts';
import type { JobBody, JobGroupBody } from '../../../src/contracts/icos/job.ts';
import type { Role } from '../../../src/controller/iam/authenticator.ts';
import type { JobManagerSettings } from '../../../src/controller/job-manager/context.ts';
import { createJobManagerService } from '../../../src/controller/job-manager/main.ts';
import type { Service } from '../../../src/controller/service/listening.ts';
import type { Database } from '../../../src/controller/store/database.ts';
import { bearer, byText } from '../identities.ts';
import { createScriptedMatchmaker, type ScriptedMatchmaker } from './scripted-matchmaker.ts';

export type Who = readonly [subject: string, role: Role];
export const ANN: Who = ['ann', 'user'];
export const BOB: Who = ['bob', 'user'];
export const DRIVER: Who = ['ocm-driver', 'service'];
export const ADMIN: Who = ['root', 'admin'];

export interface Answer<T = unknown> {
  readonly status: number;
  readonly body: T;
  readonly headers: Readonly<Record<string, unknown>>;
}

export interface CallOptions {
  readonly who?: Who;
  readonly headers?: Readonly<Record<string, string>>;
}

type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/** A job manager over a real database and a matchmaker that says what the test wants, under the test's clock. */
export interface JobManagerCase extends AsyncDisposable {
  readonly service: Service;
  readonly matchmaker: ScriptedMatchmaker;
  readonly clock: { now: number };
  /** A string is sent as YAML, anything else as JSON. */
  call<T = unknown>(method: Method, url: string, body?: unknown, options?: CallOptions): Promise<Answer<T>>;
  create(descriptor: string, who?: Who): Promise<JobGroupBody>;
  executable(driver: string, orchestrator?: string): Promise<readonly JobBody[]>;
  promote(job: string, driver: string): Promise<number>;
  /** What a driver of the release does: the job as it was listed, with changes, goes back. */
  report(job: JobBody, changes: object): Promise<Answer<JobBody>>;
  jobs(group: string): Promise<readonly JobBody[]>;
}

export async function createJobManagerCase(
  database: Database,
  options: Partial<JobManagerSettings> & { readonly policyManagerUrl?: string } = {},
): Promise<JobManagerCase> {
  const matchmaker = await createScriptedMatchmaker();
  const clock = { now: Date.parse('2024-09-01T10:00:00.123Z') };
  const { policyManagerUrl, ...settings } = options;
  const service = await createJobManagerService(
    {
      database,
      authenticator: byText,
      logger: silentLogger,
      matchmakerUrl: matchmaker.url,
      ...(policyManagerUrl === undefined ? {} : { policyManagerUrl }),
    },
    { now: () => clock.now, sweepMs: 10, watchMs: 10, ...settings },
  );
  const call = async <T>(
    method: Method,
    url: string,
    body?: unknown,
    { who = ANN, headers = {} }: CallOptions = {},
  ) => {
    const payload = body === undefined ? {} : { payload: body as object };
    const type = typeof body === 'string' ? { 'content-type': 'application/x-yaml' } : {};
    const answer = await service.app.inject({
      method,
      url,
      headers: { ...bearer(...who), ...type, ...headers },
      ...payload,
    });
    return {
      status: answer.statusCode,
      body: (answer.body === '' ? undefined : answer.json()) as T,
      headers: answer.headers,
    };
  };
  const driver = { who: DRIVER };
  return {
    service,
    matchmaker,
    clock,
    call,
    create: async (descriptor, who = ANN) => {
      const answer = await call<JobGroupBody>('POST', '/jobmanager/groups', descriptor, { who });
      if (answer.status !== 201) throw new Error(JSON.stringify(answer.body));
      return answer.body;
    },
    executable: async (owner, orchestrator = 'ocm') =>
      (await call<JobBody[]>('GET', `/jobmanager/jobs/executable/${orchestrator}/${owner}`, undefined, driver)).body,
    promote: async (job, owner) =>
      (await call('PATCH', `/jobmanager/jobs/promote/${job}`, { owner_id: owner }, driver)).status,
    report: (job, changes) =>
      call<JobBody>('PUT', `/jobmanager/jobs?id=${job.ID}&orchestrator=ocm`, { ...job, ...changes }, driver),
    jobs: async (group) =>
      (await call<JobGroupBody>('GET', `/jobmanager/groups/${group}`, undefined, { who: ADMIN })).body.jobs ?? [],
    [Symbol.asyncDispose]: async () => {
      await service.app.close();
      await service[Symbol.asyncDispose]();
      await matchmaker[Symbol.asyncDispose]();
    },
  };
}

/** Two drivers of one hub each. */
export const HUB_A = '0b54ad31-02e4-4c3e-9ff9-0b7e2f1f6d01';
export const HUB_B = '1c65be42-13f5-4d4f-8aa0-1c8f3a2a7e02';

export const component = (name: string, requirements = ''): string =>
  `- {name: ${name}, type: kubernetes, manifests: [{name: ${name}}]${requirements === '' ? '' : `, requirements: {${requirements}}`}}`;

const pod = (name: string, image: string): string =>
  `- {apiVersion: v1, kind: Pod, metadata: {name: ${name}}, spec: {containers: [{name: c, image: ${image}}]}}`;

/** A descriptor of the release with one pod per component. */
export const application = (names: readonly string[], { image = 'busybox', name = 'mjpeg-ffmpeg-app' } = {}): string =>
  [
    `name: ${name}`,
    'description: the description',
    'components:',
    ...names.map((each) => component(each)),
    'manifests:',
    ...names.map((each) => pod(each, image)),
  ].join('\n');

/** What a driver has made of the job that `deployed` gives. */
export const DEPLOYED_RESOURCE = 'b3a1e1ce-7d6f-4a55-8fd5-000000000001';

/** A deployed job of one component. */
export async function deployed(tier: JobManagerCase): Promise<{ readonly group: JobGroupBody; readonly job: JobBody }> {
  const group = await tier.create(application(['ffmpeg']));
  const [job] = group.jobs ?? [];
  await tier.promote(job!.ID, HUB_A);
  const resource = { ...job!.resource, resource_uuid: DEPLOYED_RESOURCE, resource_name: 'ffmpeg-x7k2p' };
  const answer = await tier.report(job!, { state: 3, resource });
  return { group, job: answer.body };
}
