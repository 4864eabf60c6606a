import { describe, expect, it } from 'vitest';
import { deployedResourceBody, resourceStatusBody } from '../../../../src/contracts/icos/deployed-resource.ts';
import { ZERO_TIME } from '../../../../src/contracts/icos/go-json.ts';
import { incomplianceBody } from '../../../../src/contracts/icos/incompliance.ts';
import { jobBody, jobGroupBody, promoteBody } from '../../../../src/contracts/icos/job.ts';
import { it1JobBody, it1JobUpdateBody, NIL_UUID, toIt1Job } from '../../../../src/contracts/icos/job-it1.ts';
import { controllerBody } from '../../../../src/contracts/icos/lighthouse.ts';
import { it1MatchAnswer, matchAnswer } from '../../../../src/contracts/icos/matchmaker.ts';
import { placementsOf, targetsBody } from '../../../../src/contracts/icos/target.ts';
import { parseTaxonomy, toIt1Taxonomy } from '../../../../src/contracts/icos/taxonomy.ts';

const NOW = '2024-09-01T10:00:00.123Z';
const times = { created_at: NOW, updated_at: NOW };
const GROUP = 'cb05f5df-590c-4f23-87ea-57ef964c4fa5';
const JOB = '1ea125ca-6887-4097-9124-593abb5188f9';

const condition = (id: number, reason: string, message: string) => ({
  ...times,
  ID: id,
  type: 'Created',
  status: 'True',
  observedGeneration: 1,
  lastTransitionTime: NOW,
  reason,
  message,
});

const releasedJob = {
  ...times,
  ID: JOB,
  job_group_id: GROUP,
  job_group_name: 'mjpeg-ffmpeg-app',
  type: 5,
  state: 1,
  manifests: [{ ...times, ID: 1, yamlString: 'apiVersion: v1\nkind: Pod\nmetadata:\n  name: ffmpeg-pod\n' }],
  targets: { ...times, ID: 1, cluster_name: 'icos-cluster-b', node_name: 'icosedge', orchestrator: 'ocm' },
  orchestrator: 'ocm',
  resource: {
    ...times,
    ID: '7a2d1c9e-4b1f-4a3e-9c53-0d7c2b0a1f11',
    job_id: JOB,
    resource_name: 'ffmpeg',
    conditions: [
      condition(1, 'AwaitingForTarget', 'Waiting for the Target'),
      condition(2, 'AwaitingForExecution', 'Waiting an Orchestrator to take the Job'),
    ],
  },
  namespace: 'mjpeg-ffmpeg-app',
};
const group = {
  ...times,
  ID: GROUP,
  appName: 'mjpeg-ffmpeg-app',
  appDescription: 'the description',
  jobs: [releasedJob],
};

describe('job group of the release', () => {
  it('comes through unchanged', () => {
    expect(jobGroupBody.parse(group)).toEqual(group);
  });

  it('is read in the casing of the OCM driver, members of its own ignored', () => {
    const { ID, ...rest } = releasedJob;
    const parsed = jobBody.parse({ ...rest, id: ID, JOB_GROUP_ID: GROUP, extra: 1, owner_id: null, manifests: null });
    expect(parsed.ID).toBe(ID);
    expect(parsed.manifests).toBeNull();
    expect(parsed).not.toHaveProperty('extra');
    expect(parsed.owner_id).toBeUndefined();
  });

  it('prefers the exact spelling when both are there', () => {
    expect(promoteBody.parse({ Owner_ID: JOB, owner_id: GROUP })).toEqual({ owner_id: GROUP });
  });

  it('reads an unmatched job: a target object without a cluster', () => {
    const unmatched = {
      ...releasedJob,
      targets: { ...times, ID: 4, cluster_name: '', orchestrator: '' },
      orchestrator: '',
    };
    const parsed = jobBody.parse(unmatched);
    expect(placementsOf(parsed.targets)).toEqual([]);
    expect(toIt1Job(parsed).targets).toEqual([]);
  });

  it('refuses a type of no generation and an id that is none', () => {
    expect(jobBody.safeParse({ ...releasedJob, type: 9 }).error?.issues[0]?.path).toEqual(['type']);
    expect(jobBody.safeParse({ ...releasedJob, ID: 'x' }).error?.issues[0]?.path).toEqual(['ID']);
  });
});

describe('targets', () => {
  it.each([
    [{ cluster_name: 'c', node_name: 'n', orchestrator: 'ocm' }],
    [[{ cluster_name: 'c', node_name: 'n', orchestrator: 'ocm' }]],
  ])('is read as object and as array', (targets) => {
    expect(placementsOf(targetsBody.parse(targets))).toEqual([{ cluster: 'c', node: 'n', orchestrator: 'ocm' }]);
  });

  it('may be an empty array', () => {
    expect(placementsOf(targetsBody.parse([]))).toEqual([]);
  });
});

describe('resource status of the OCM driver', () => {
  it('is read with its zero times and empty ids', () => {
    const body = {
      created_at: ZERO_TIME,
      updated_at: ZERO_TIME,
      id: '',
      job_id: '',
      resource_uuid: '0d5c6c0e-5a5e-4a3f-8f8e-2e9a4cf0a001',
      resource_name: 'ffmpeg-x7k2p',
      conditions: [
        {
          type: 'Available',
          status: 'True',
          observedGeneration: 1,
          lastTransitionTime: '2024-09-01T10:00:05Z',
          reason: 'ResourcesAvailable',
          message: 'All resources are available',
        },
      ],
    };
    const parsed = resourceStatusBody.parse(body);
    expect(parsed).toMatchObject({ ID: '', job_id: '', resource_uuid: body.resource_uuid });
    expect(parsed.conditions[0]).toMatchObject({ ID: 0, created_at: ZERO_TIME, reason: 'ResourcesAvailable' });
  });

  it('needs the id of the resource, which a job may not have yet', () => {
    expect(resourceStatusBody.safeParse({ resource_uuid: '' }).success).toBe(false);
    expect(deployedResourceBody.parse({ resource_uuid: '' }).resource_uuid).toBe('');
  });
});

describe('incompliance of the policy manager', () => {
  const body = {
    id: '5b0c3c1e-2f5e-4a9d-9d0b-0a40d1d1a001',
    currentValue: '235.365',
    threshold: 'warning',
    policyName: 'compss-low-performance-20',
    policyId: '65f1',
    measurementBackend: 'prom-1',
    extraLabels: { icos_host_id: 'h' },
    subject: {
      type: 'app',
      appName: 'compss-example-app',
      appInstance: 'compss-example-app-002',
      appComponent: 'component1',
    },
    remediation: 'scale-up',
    anotherParameter: 'x',
  };

  it('is read with a policy id that is no UUID and parameters beside', () => {
    const parsed = incomplianceBody.parse(body);
    expect(parsed).toMatchObject({ policyId: '65f1', remediation: 'scale-up', currentValue: '235.365' });
    expect(parsed.subject.appComponent).toBe('component1');
  });

  it('needs a policy name and a remediation', () => {
    const { policyName: _, ...nameless } = body;
    expect(incomplianceBody.safeParse(nameless).success).toBe(false);
    expect(incomplianceBody.safeParse({ ...body, remediation: '' }).success).toBe(false);
  });
});

describe('the matchmaker', () => {
  it('answers the release with a target object or an empty array', () => {
    const answer = {
      components: [
        {
          name: 'ffmpeg',
          type: 'kubernetes',
          manifests: [{ name: 'ffmpeg-pod' }],
          requirements: { memory: '7Gi' },
          policies: [{ security: 'high' }],
          targets: { cluster_name: 'icos-cluster-b', node_name: 'icosedge', orchestrator: 'ocm' },
        },
        { name: 'other', targets: [] },
      ],
    };
    const parsed = matchAnswer.parse(answer);
    expect(parsed.components.map(({ targets }) => placementsOf(targets).length)).toEqual([1, 0]);
    expect(parsed.components[0]?.['requirements']).toEqual({ memory: '7Gi' });
  });

  it('answers the seed with the list on top of the Deployment', () => {
    const answer = { kind: 'Deployment', targets: [{ cluster_name: '10.42.0.85:8080', node_name: 'k3s-worker1' }] };
    expect(it1MatchAnswer.parse(answer)).toEqual(answer);
  });
});

describe('a job of the seed', () => {
  const seedJob = {
    ID: '51abf632-6f1c-4c23-88aa-692a084d7ace',
    uuid: NIL_UUID,
    type: 5,
    state: 1,
    manifest: 'apiVersion: apps/v1\r\nkind: Deployment\r\n',
    targets: [
      { id: 2, JobID: '51abf632-6f1c-4c23-88aa-692a084d7ace', cluster_name: 'k3s-worker1', node_name: 'k3s-worker1' },
    ],
    locker: false,
    updatedAt: '2023-10-17T07:59:52.494Z',
  };

  it('comes through unchanged, the digit that its annex lost put back', () => {
    expect(it1JobBody.parse(seedJob)).toEqual(seedJob);
    expect(it1JobBody.parse({ ...seedJob, uuid: '0000000-0000-0000-0000-000000000000' }).uuid).toBe(NIL_UUID);
  });

  it('is what a released job becomes', () => {
    const job = toIt1Job(jobBody.parse({ ...releasedJob, type: 6, owner_id: GROUP, state: 2 }));
    expect(job).toMatchObject({ ID: JOB, uuid: NIL_UUID, type: 7, state: 2, locker: true, updatedAt: NOW });
    expect(job.targets).toEqual([{ id: 1, JobID: JOB, cluster_name: 'icos-cluster-b', node_name: 'icosedge' }]);
    expect(job.manifest).toContain('name: ffmpeg-pod');
    expect(it1JobBody.parse(job)).toEqual(job);
  });

  it('is written by drivers in parts', () => {
    const update = it1JobUpdateBody.parse({ ID: seedJob.ID, uuid: seedJob.ID, locker: true, state: 2 });
    expect(update).toEqual({ ID: seedJob.ID, uuid: seedJob.ID, locker: true, state: 2 });
    expect(it1JobUpdateBody.parse({})).toEqual({});
  });
});

describe('lighthouse', () => {
  it('takes a name and an address and nothing else', () => {
    const entry = { name: 'dom1', address: 'dom1.icos-project.eu:8080' };
    expect(controllerBody.parse(entry)).toEqual(entry);
    expect(controllerBody.safeParse({ ...entry, extra: 1 }).success).toBe(false);
    expect(controllerBody.safeParse({ ...entry, address: 'http://x/y' }).success).toBe(false);
    expect(controllerBody.safeParse({ name: 'x' }).error?.issues[0]?.path).toEqual(['address']);
  });
});

describe('taxonomy', () => {
  const node = {
    type: 'ocm',
    uuid: 'h1',
    name: 'icosedge',
    location: { latitude: 41.38, longitude: 2.11 },
    vulnerabilities: { Critical: 6 },
    ScaScore: 42,
    staticMetrics: { cpuArchitecture: 'x86_64', cpuCores: 4, RAMMemory: 16_686_080_000 },
    dynamicMetrics: { freeRAM: 7_756_066_816, availableStorage: {} },
    networkInterfaces: { eth0: { name: 'eth0', status: 'up', ingressUssage: '1', engressUssage: '2' } },
    devices: { usb: { name: 'usb', type: 'usb-video', status: 'available', path: 'squat.ai/video' } },
  };
  const cluster = {
    type: 'ocm',
    uuid: 'c1',
    name: 'icos-cluster-b',
    serviceLevelAgreement: {},
    API: {},
    node: { icosedge: node },
    pod: { 'aggregator-7b55c4fbd7-x8x42': { name: 'aggregator-7b55c4fbd7-x8x42', numberOfContainers: 1 } },
  };
  const released = {
    timestamp: { oldestTimestamp: 1_711_629_626.314, timeSinceOldest: 109.45 },
    cluster: { 'icos-cluster-b': cluster },
  };

  it('of the release comes through unchanged', () => {
    expect(parseTaxonomy(released)).toEqual(released);
  });

  it('of the seed has the clusters at the top, pods grouped by deployment', () => {
    const seed = toIt1Taxonomy(parseTaxonomy(released));
    expect(Object.keys(seed)).toEqual(['icos-cluster-b']);
    expect(seed['icos-cluster-b']?.deployment).toEqual({
      aggregator: { container: { 'aggregator-7b55c4fbd7-x8x42': { name: 'aggregator-7b55c4fbd7-x8x42' } } },
    });
    const back = parseTaxonomy(seed);
    expect(back.cluster['icos-cluster-b']?.node).toEqual(cluster.node);
    expect(Object.keys(back.cluster['icos-cluster-b']?.pod ?? {})).toEqual(Object.keys(cluster.pod));
  });
});
