import { describe, expect, it } from 'vitest';
import { AS_WRITTEN, applyScale, scaled } from '../../../src/controller/deployment/process/scale.ts';
import { isMetakernelImage, readWorkload, type Workload } from '../../../src/controller/deployment/process/workload.ts';
import { agentPool, type PoolSketch } from '../../support/controller/agent-pool.ts';

const read = (sketch: PoolSketch): Workload => {
  const result = readWorkload([agentPool(sketch)]);
  if ('reason' in result) throw new Error(`${result.reason}: ${result.message}`);
  return result.workload;
};
const refusal = (...manifests: string[]) => {
  const result = readWorkload(manifests);
  if ('workload' in result) throw new Error('it was taken');
  return result;
};

describe('the image', () => {
  it.each([
    'metakernel',
    'metakernel:0.1',
    'registry.example:5000/team/metakernel:latest',
    'x/metakernel@sha256:ab',
    'icos-metakernel',
  ])('%s is ours', (image) => expect(isMetakernelImage(image)).toBe(true));
  it.each(['busybox', 'metakernel-ui:1', 'metakernel/busybox', 'notmetakernel', 'metakernel:5000/busybox'])(
    '%s is not',
    (image) => expect(isMetakernelImage(image)).toBe(false),
  );
  it('that is not ours is named in the reason', () => {
    expect(refusal(agentPool({ image: 'docker.io/busybox' }))).toEqual({
      reason: 'ImageUnsupported',
      message: 'Container agent: the process driver runs metakernel alone, and the image is docker.io/busybox',
    });
  });
});

describe('a workload', () => {
  it('whose aliases multiply is refused with a reason', () => {
    const levels = Array.from({ length: 9 }, (_, level) => {
      const items = level === 0 ? 'x' : Array.from({ length: 9 }, () => `*l${level - 1}`).join(', ');
      return `l${level}: &l${level} [${items}]`;
    });
    const bomb = ['kind: Pod', 'metadata: {name: bomb}', ...levels].join('\n');
    expect(refusal(bomb)).toMatchObject({ reason: 'ManifestInvalid', message: expect.stringMatching(/alias/) });
  });

  it('has replicas, arguments, environment, resources and host ports', () => {
    const workload = read({
      args: ['--app-path', '/apps'],
      env: [{ name: 'GREETING', value: 'hello' }, { name: 'EMPTY' }],
      requests: { cpu: '1500m', memory: '2Gi' },
      ports: [
        { name: 'rest', containerPort: 8080, hostPort: 46_999 },
        { containerPort: 46_103, hostPort: 47_001 },
        { containerPort: 1 },
      ],
    });
    expect(workload).toEqual({
      ignored: [],
      agents: [
        {
          replicas: 1,
          spec: {
            name: 'pool',
            args: ['--app-path', '/apps'],
            env: { GREETING: 'hello', EMPTY: '' },
            cpus: 2,
            memoryBytes: 2 * 2 ** 30,
            hostPorts: { rest: 46_999, data: 47_001 },
          },
        },
      ],
    });
  });

  it('leaves to the arguments what they say themselves', () => {
    const workload = read({ args: ['--cpus', '4', '--memory=3'], requests: { cpu: 1, memory: '1Gi' } });
    expect(workload.agents[0]!.spec).toMatchObject({ cpus: undefined, memoryBytes: undefined });
  });

  it('may be a pod, and may bring objects that mean nothing to a process', () => {
    const pod =
      'apiVersion: v1\nkind: Pod\nmetadata: {name: one}\nspec: {containers: [{name: c, image: metakernel, args: [agent]}]}';
    const service = 'apiVersion: v1\nkind: Service\nmetadata: {name: svc}\nspec: {}';
    const result = readWorkload([`${pod}\n---\n${service}`]);
    expect(result).toMatchObject({
      workload: { agents: [{ replicas: 1, spec: { name: 'one' } }], ignored: ['Service svc'] },
    });
  });

  it('takes the program as command too', () => {
    expect(read({ command: ['/usr/bin/metakernel', 'agent'], args: ['--debug'] }).agents[0]!.spec.args).toEqual([
      '--debug',
    ]);
  });

  it.each<[string, PoolSketch, string, RegExp]>([
    ['another command', { command: ['sh', '-c', 'x'] }, 'CommandUnsupported', /sh, not metakernel/],
    ['another subcommand', { command: ['metakernel', 'controller'] }, 'CommandUnsupported', /"controller"/],
    ['a kind that needs a cluster', { kind: 'DaemonSet' }, 'KindUnsupported', /DaemonSet pool/],
    [
      'code before the agent',
      { env: [{ name: 'NODE_OPTIONS', value: '--require /x' }] },
      'EnvUnsupported',
      /NODE_OPTIONS/,
    ],
    [
      'values from elsewhere',
      { env: [{ name: 'A', valueFrom: { secretKeyRef: {} } }] },
      'EnvUnsupported',
      /A has no plain value/,
    ],
    [
      'one port for several',
      { replicas: 2, ports: [{ name: 'rest', containerPort: 1, hostPort: 2 }] },
      'PortUnsupported',
      /2 replicas/,
    ],
    [
      'a port of nobody',
      { ports: [{ name: 'http', containerPort: 80, hostPort: 80 }] },
      'PortUnsupported',
      /neither rest/,
    ],
    ['a quantity that is none', { requests: { memory: '1,5Gi' } }, 'ManifestInvalid', /comma/],
    ['replicas that are none', { replicas: -1 }, 'ManifestInvalid', /replicas/],
  ])('%s is refused with the reason', (_, sketch, reason, message) => {
    const refused = refusal(agentPool(sketch));
    expect(refused.reason).toBe(reason);
    expect(refused.message).toMatch(message);
  });

  it('that is no YAML, or runs nothing, is refused', () => {
    expect(refusal('a: [')).toMatchObject({ reason: 'ManifestInvalid' });
    expect(refusal()).toMatchObject({ reason: 'NothingToRun' });
    expect(refusal('kind: Service\nmetadata: {name: s}')).toMatchObject({ reason: 'NothingToRun' });
  });
});

describe('scaling', () => {
  it('never goes below one replica and one core', () => {
    const workload = read({ replicas: 2, requests: { cpu: 2, memory: '4Gi' } });
    const down = Array.from({ length: 5 }).reduce<typeof AS_WRITTEN>(
      (scale) => scaled(scaled(scale, 'scale-down'), 'scale-in'),
      AS_WRITTEN,
    );
    expect(applyScale(workload, down).agents[0]).toMatchObject({ replicas: 1, spec: { cpus: 1 } });
    const up = scaled(scaled(AS_WRITTEN, 'scale-up'), 'scale-out');
    expect(applyScale(workload, up).agents[0]).toMatchObject({
      replicas: 3,
      spec: { cpus: 3, memoryBytes: 5 * 2 ** 30 },
    });
    expect(scaled(up, 'patch')).toEqual(up);
  });
});
