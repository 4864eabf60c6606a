import { describe, expect, it } from 'vitest';
import { RuntimeError } from '../../../../src/common/errors.ts';
import type { Application } from '../../../../src/contracts/icos/descriptor/application.ts';
import {
  type DescriptorOptions,
  parseDescriptor,
  parseDescriptorJson,
} from '../../../../src/contracts/icos/descriptor/parse-descriptor.ts';

const HELLO_CLOUD = `apiVersion: apps/v1
kind: Deployment
metadata:
  name: hello-cloud
  labels:
    app: hello-cloud
spec:
  replicas: 1
  selector:
    matchLabels:
      app: hello-cloud
  template:
    metadata:
      name: hello-cloud
      labels:
        app: hello-cloud
    spec:
      containers:
      - name: hello-cloud-one
        image: busybox
        command: [ "sleep" ]
        args: [ "100" ]
        resources:
          requests:
            cpu: 1
            memory: 3Gi
      - name: hello-cloud-two
        image: busybox
        command: [ "sleep" ]
        args: [ "100" ]
        resources:
          requests:
            cpu: 2
            memory: 3Gi
`;

const WRAPPED = `
name: mjpeg-ffmpeg-app
description: "camera stream + recorder"
components:
  - name: ffmpeg
    type: kubernetes
    manifests: [{name: ffmpeg-pod}]
    requirements: {cpu: 0.5, memory: 200Mi, architecture: x86_64, nodelabel: {key: color, values: [green]}}
    communication: {incoming: [mjpeg-service]}
    policies:
      - security: high
      - {name: under-alloc, type: custom, fromTemplate: compss-under-allocation, remediation: scale-up,
         variables: {thresholdTimeSeconds: 120, compssTask: provesOtel.example_task}}
  - name: mjpeg
    type: kubernetes
    manifests: [{name: mjpeg-service}, {name: mjpeg}]
    requirements: {devices: squat.ai/video}
policies:
  - {name: pref, type: scheduler, performance: 0.5, energy: 0.3, security: 0.2}
  - {type: security, level: low, apply-to: [ffmpeg, mjpeg]}
manifests:
  - name: ffmpeg-pod
    manifest: {apiVersion: v1, kind: Pod, metadata: {name: ffmpeg-pod}, spec: {containers: [{name: c, image: santojim/ffmpeg}]}}
  - name: mjpeg
    manifest: {apiVersion: v1, kind: Pod, metadata: {name: mjpeg, labels: {app.kubernetes.io/name: mjpeg}}, spec: {containers: [{name: kceu, image: "santojim/camera_to_ip"}]}}
  - name: mjpeg-service
    manifest: {apiVersion: v1, kind: Service, metadata: {name: mjpeg-service}, spec: {selector: {app.kubernetes.io/name: mjpeg}, ports: [{port: 8080}], type: NodePort}}
`;

const header = (component: string, rest = ''): string =>
  `name: app\ncomponents:\n- ${component}\nmanifests:\n- {apiVersion: v1, kind: Pod, metadata: {name: p}}\n${rest}`;

function failure(text: string, options?: DescriptorOptions): RuntimeError {
  try {
    parseDescriptor(text, options);
  } catch (thrown) {
    if (thrown instanceof RuntimeError) return thrown;
    throw thrown;
  }
  throw new Error('the descriptor was accepted');
}

const only = (application: Application) => {
  expect(application.components).toHaveLength(1);
  return application.components[0]!;
};

describe('the four generations', () => {
  it("reads the seed's Deployment: requests summed, text kept with its line ends", () => {
    const text = HELLO_CLOUD.replaceAll('\n', '\r\n');
    const application = parseDescriptor(text);
    expect(application).toMatchObject({ form: 'kubernetes', name: 'hello-cloud' });
    expect(only(application).requirements).toEqual({ cpuMillis: 3000, memoryBytes: 6 * 2 ** 30 });
    expect(only(application).manifests[0]?.yaml).toBe(text);
  });

  it('asks for what all replicas request together, and says when their number is none', () => {
    const three = HELLO_CLOUD.replace('replicas: 1', 'replicas: 3');
    expect(only(parseDescriptor(three)).requirements).toEqual({ cpuMillis: 9000, memoryBytes: 18 * 2 ** 30 });
    const job = HELLO_CLOUD.replace('kind: Deployment', 'kind: Job')
      .replace('apps/v1', 'batch/v1')
      .replace('replicas: 1', 'parallelism: 2');
    expect(only(parseDescriptor(job)).requirements).toEqual({ cpuMillis: 6000, memoryBytes: 12 * 2 ** 30 });
    expect(() => parseDescriptor(HELLO_CLOUD.replace('replicas: 1', 'replicas: many'))).toThrow(
      /spec\.replicas.*whole number/,
    );
  });

  it('reads the same as JSON', () => {
    const deployment = {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'hello-cloud' },
      spec: { template: { spec: { containers: [{ name: 'a', resources: { requests: { cpu: 1, memory: '3Gi' } } }] } } },
    };
    expect(only(parseDescriptorJson(deployment)).requirements).toEqual({ cpuMillis: 1000, memoryBytes: 3 * 2 ** 30 });
  });

  it('reads a header followed by objects, matched by name', () => {
    const application = parseDescriptor(
      'name: app\ncomponents: [{name: web, manifests: [{name: web}]}, {name: db}]\n' +
        '---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\n' +
        '---\napiVersion: v1\nkind: Service\nmetadata: {name: web}\n' +
        '---\napiVersion: v1\nkind: Pod\nmetadata: {name: db}\n',
    );
    expect(application.form).toBe('header-and-manifests');
    expect(application.components.map(({ manifests }) => manifests.map(({ kind }) => kind))).toEqual([
      ['Deployment', 'Service'],
      ['Pod'],
    ]);
  });

  it('reads one document with raw manifests', () => {
    const application = parseDescriptor(header('{name: c, manifests: [{name: p}], requirements: {memory: 7Gi}}'));
    expect(application.form).toBe('manifest-list');
    expect(only(application)).toMatchObject({ type: 'kubernetes', requirements: { memoryBytes: 7 * 2 ** 30 } });
    expect(only(application).manifests[0]?.yaml).toBe('apiVersion: v1\nkind: Pod\nmetadata:\n  name: p\n');
  });

  it('reads wrapped manifests with every requirement and policy', () => {
    const application = parseDescriptor(WRAPPED);
    expect(application).toMatchObject({ form: 'wrapped-manifests', name: 'mjpeg-ffmpeg-app', warnings: [] });
    const [ffmpeg, mjpeg] = application.components;
    expect(ffmpeg?.requirements).toEqual({
      cpuMillis: 500,
      memoryBytes: 200 * 2 ** 20,
      architecture: 'x86_64',
      nodeLabels: [{ key: 'color', values: ['green'] }],
    });
    expect(ffmpeg?.communication.incoming).toEqual(['mjpeg-service']);
    expect(ffmpeg?.policies).toMatchObject([
      { type: 'security', level: 'high', applyTo: ['ffmpeg'] },
      {
        type: 'template',
        name: 'under-alloc',
        fromTemplate: 'compss-under-allocation',
        remediation: 'scale-up',
        variables: { thresholdTimeSeconds: 120, compssTask: 'provesOtel.example_task' },
      },
    ]);
    expect(mjpeg?.requirements).toEqual({ devices: ['squat.ai/video'] });
    expect(mjpeg?.manifests.map(({ kind }) => kind)).toEqual(['Service', 'Pod']);
    expect(application.policies).toMatchObject([
      { type: 'scheduler', performance: 0.5, energy: 0.3, security: 0.2, applyTo: [] },
      { type: 'security', level: 'low', applyTo: ['ffmpeg', 'mjpeg'] },
    ]);
  });

  it('reads compose files beside components of type docker', () => {
    const application = parseDescriptor(
      'name: app\ncomponents: [{name: web, type: docker, manifests: [{name: stack}]}]\n' +
        'manifests: [{name: stack, manifest: {services: {web: {image: nginx, ports: ["22:22"]}}}}]\n',
    );
    const manifest = only(application).manifests[0];
    expect(manifest).toMatchObject({ format: 'docker-compose', name: 'stack' });
    expect(manifest?.yaml).toContain('"22:22"');
  });

  it('places components whose manifests are elsewhere', () => {
    const application = parseDescriptor('components: [{name: a, manifests: [{name: x}]}]', { manifests: 'none' });
    expect(only(application).manifests).toEqual([]);
    expect(failure('components: [{name: a, manifests: [{name: x}]}]').details['field']).toBe(
      'components[0].manifests[0].name',
    );
  });
});

describe('YAML as Kubernetes reads it', () => {
  const pod = (env: string): string =>
    `apiVersion: v1\nkind: Pod\nmetadata: {name: p, annotations: {${env}}}\nspec: {containers: [{name: c}]}\n`;
  const annotations = (env: string): unknown =>
    (only(parseDescriptor(pod(env))).manifests[0]!.content['metadata'] as { annotations: unknown }).annotations;

  it('takes yes and on for booleans, but not as keys, and neither times nor dates', () => {
    expect(annotations('a: yes, on: "yes", c: 22:22, d: 2024-01-01, e: 0644, f: 1_000, g: e0')).toEqual({
      a: true,
      on: 'yes',
      c: '22:22',
      d: '2024-01-01',
      e: 420,
      f: 1000,
      g: 'e0',
    });
  });

  it('quotes what another reader would take for something else', () => {
    const text = 'name: app\ncomponents: [{name: c, manifests: [{name: p}]}]\nmanifests:\n- ';
    const manifest = `{apiVersion: v1, kind: Pod, metadata: {name: p, annotations: {a: "yes", b: "0644", c: "1:30", d: "1e3", e: "null"}}}`;
    const { yaml } = only(parseDescriptor(text + manifest)).manifests[0]!;
    for (const value of ['yes', '0644', '1:30', '1e3', 'null']) expect(yaml).toContain(`"${value}"`);
  });

  it('follows anchors and merge keys', () => {
    const application = parseDescriptor(
      'x: &base {cpu: 1, memory: 1Gi}\nname: app\ncomponents:\n- {name: a, requirements: {<<: *base, cpu: 2}}\n',
      { manifests: 'none' },
    );
    expect(only(application).requirements).toEqual({ cpuMillis: 2000, memoryBytes: 2 ** 30 });
  });
});

describe('what is refused', () => {
  const bomb = ['a0: &a0 [x,x,x,x,x,x,x,x,x,x]']
    .concat(Array.from({ length: 9 }, (_, i) => `a${i + 1}: &a${i + 1} [${Array(10).fill(`*a${i}`).join(',')}]`))
    .join('\n');

  it.each([
    ['invalid YAML', 'name: [', /line 1/],
    ['an unclosed quote', 'name: "x', /line/],
    ['an empty text', '', /empty/],
    ['a scalar', 'hello', /not a map/],
    ['neither form', 'a: 1', /neither components nor/],
    ['exploding anchors', bomb, /more than 50000 values/],
    ['an anchor inside itself', 'a: &a {b: *a}', /nested deeper than 64/],
    ['a cycle of merge keys', 'a: &a {<<: *a}', /nested deeper than 64/],
    ['an unknown anchor', 'a: *b', /unknown|Unresolved|undefined/i],
    ['deep nesting', `a: ${'['.repeat(5000)}`, /nested|line/],
    ['a key twice', 'name: a\nname: b', /name is given twice/],
    ['a key of the prototype', '__proto__: {a: 1}', /reserved/],
    ['a number beyond counting', 'a: 99999999999999999999', /too large/],
    ['an unknown tag', 'a: !!js/function "x"', /line 1/],
  ])('%s', (_, text, message) => {
    const error = failure(text);
    expect(error.code).toBe('ERR_DESCRIPTOR_INVALID');
    expect(error.status).toBe(422);
    expect(error.message).toMatch(message);
  });

  it('a text over the limit, before it is parsed', () => {
    const error = failure('x'.repeat(50 * 2 ** 20));
    expect(error.code).toBe('ERR_DESCRIPTOR_TOO_LARGE');
    expect(error.status).toBe(413);
  });

  it.each([
    ['two components of one name', 'components: [{name: a}, {name: a}]', 'components[1].name'],
    ['no components', 'components: []', 'components'],
    ['a nameless component', 'components: [{type: docker}]', 'components[0].name'],
    ['a name that is no label', 'name: My App\ncomponents: [{name: a}]', 'name'],
    [
      'a quantity with a comma',
      'components: [{name: a, requirements: {memory: "1,5Gi"}}]',
      'components[0].requirements.memory',
    ],
    ['a CPU that is none', 'components: [{name: a, requirements: {cpu: many}}]', 'components[0].requirements.cpu'],
    ['an unknown requirement', 'components: [{name: a, requirements: {gpus: 1}}]', 'components[0].requirements.gpus'],
    ['an unknown type', 'components: [{name: a, type: vm}]', 'components[0].type'],
    ['docker beside kubernetes', 'components: [{name: a}, {name: b, type: docker}]', 'components[1].type'],
    ['an unknown level', 'components: [{name: a, policies: [{security: top}]}]', 'components[0].policies[0].level'],
    [
      'level and threshold',
      'components: [{name: a, policies: [{type: security, level: low, threshold: 3}]}]',
      'components[0].policies[0]',
    ],
    [
      'a policy for nobody',
      'components: [{name: a}]\npolicies: [{security: low, apply-to: b}]',
      'policies[0].apply-to',
    ],
    ['an empty policy', 'components: [{name: a}]\npolicies: [{remediation: patch}]', 'policies[0]'],
  ])('%s', (_, text, field) => {
    expect(failure(text, { manifests: 'none' }).details['field']).toBe(field);
  });

  it.each([
    ['apiVersion: apps/v1\nkind: Deploymnt\nmetadata: {name: a}', '.kind'],
    ['apiVersion: apps/v1\nkind: Pod\nmetadata: {name: a}', '.kind'],
    ['kind: Pod\nmetadata: {name: a}', '.apiVersion'],
    ['apiVersion: v1\nkind: Pod\nmetadata: {name: A_b}\nspec: {containers: [{}]}', '.metadata.name'],
    ['apiVersion: v1\nkind: Service\nmetadata: {name: a}', 'kind'],
    ['apiVersion: v1\nkind: Pod\nmetadata: {name: a}', 'spec.containers'],
  ])('a Kubernetes object that is none: %s', (text, field) => {
    expect(failure(text).details['field']).toBe(field);
  });

  it('all mistakes at once', () => {
    const error = failure('components: [{name: A, requirements: {cpu: x, memory: y}}]', { manifests: 'none' });
    for (const part of ['components[0].name', 'requirements.cpu', 'requirements.memory']) {
      expect(error.message).toContain(part);
    }
  });
});

describe('policies of earlier versions', () => {
  const policy = (text: string) =>
    parseDescriptor(`components: [{name: a}]\npolicies:\n- ${text}`, { manifests: 'none' }).policies[0];

  it.each([
    [
      '{name: p, type: performance, apply_to: [a], expression: "cpu > 0.8", for: 10m, remediations: [scale_pod]}',
      {
        type: 'expression',
        expr: 'cpu > 0.8',
        remediation: 'scale_pod',
        properties: { pendingInterval: '10m' },
        applyTo: ['a'],
      },
    ],
    [
      '{type: custom, spec: {expr: x, violatedIf: "> 1", thresholds: {warning: 1.5, critical: 2}}}',
      { type: 'expression', violatedIf: '> 1', thresholds: { warning: 1.5, critical: 2 } },
    ],
    ['{type: polmanTemplate, component: a, fromTemplate: t}', { type: 'template', fromTemplate: 't', applyTo: ['a'] }],
    ['{redeployOnLostTelemetry: 15m}', { type: 'redeploy-on-lost-telemetry', timeoutMs: 900_000 }],
    ['{type: redeployOnLostTelemetry}', { type: 'redeploy-on-lost-telemetry', timeoutMs: 300_000 }],
    [
      '{type: user-preference, performance: "0.5", energyconsumption: 0.5}',
      { type: 'scheduler', performance: 0.5, energy: 0.5, security: 0 },
    ],
    [
      '{type: node-resource-usage, cpu_threshold_perc: 80, memory_threshold: 1Gi}',
      {
        type: 'node-resource-usage',
        cpuThresholdPercent: 80,
        memoryThresholdBytes: 2 ** 30,
        excludeAppResources: true,
      },
    ],
    ['{type: security, threshold: 40}', { type: 'security', threshold: 40 }],
    ['{type: of-tomorrow, x: 1}', { type: 'other', declaredType: 'of-tomorrow' }],
  ])('%s', (text, expected) => {
    expect(policy(text)).toMatchObject(expected);
  });
});
