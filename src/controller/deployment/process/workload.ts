/** Reads from Kubernetes objects which agents to run here, or why they cannot be run as local processes. */
import { parseAllDocuments } from 'yaml';
import { z } from 'zod';
import { parseCpu, parseMemory } from '../../../common/quantity.ts';

export interface AgentSpec {
  readonly name: string;
  /** Arguments of the CLI after `agent`. */
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** CPU units and memory to declare when the arguments do not; absent: the agent's own defaults. */
  readonly cpus: number | undefined;
  readonly memoryBytes: number | undefined;
  /** Ports that must be these on the host. */
  readonly hostPorts: Partial<Record<PortName, number>>;
}
export type PortName = 'rest' | 'grpc' | 'data';

/** Containers with the number of times each is to run. */
export interface Workload {
  readonly agents: readonly { readonly spec: AgentSpec; readonly replicas: number }[];
  /** Objects that have no effect on a process and do no harm: told to the user. */
  readonly ignored: readonly string[];
}

export type ReadWorkload = { readonly workload: Workload } | { readonly reason: string; readonly message: string };

const quantity = z.union([z.string(), z.number()]);
const envEntry = z.looseObject({ name: z.string().regex(/^[A-Za-z_][A-Za-z0-9_.-]*$/), value: z.string().optional() });
const container = z.looseObject({
  name: z.string(),
  image: z.string(),
  command: z.array(z.string()).optional(),
  args: z.array(z.union([z.string(), z.number(), z.boolean()]).transform(String)).default([]),
  env: z.array(envEntry).default([]),
  envFrom: z.array(z.unknown()).max(0, 'is not supported by processes').optional(),
  ports: z
    .array(
      z.looseObject({
        name: z.string().optional(),
        containerPort: z.int(),
        hostPort: z.int().min(1).max(65_535).optional(),
      }),
    )
    .default([]),
  resources: z
    .looseObject({ requests: z.looseObject({ cpu: quantity.optional(), memory: quantity.optional() }).optional() })
    .optional(),
});
type Container = z.output<typeof container>;
const podSpec = z.looseObject({
  containers: z.array(container).min(1),
  initContainers: z.array(z.unknown()).max(0, 'are not supported by processes').optional(),
});
const pod = z.looseObject({ spec: podSpec });
const replicated = z.looseObject({
  spec: z.looseObject({ replicas: z.int().min(0).max(1000).default(1), template: pod }),
});
const object = z.looseObject({
  kind: z.string(),
  metadata: z.looseObject({ name: z.string() }),
});

const REPLICATED: ReadonlySet<string> = new Set(['Deployment', 'StatefulSet', 'ReplicaSet']);
const WITHOUT_EFFECT: ReadonlySet<string> = new Set(['Service', 'Namespace', 'ServiceAccount']);

/** A refusal on the way through the objects; caught where they are read. */
class Unsupported extends Error {
  readonly reason: string;
  constructor(reason: string, message: string) {
    super(message);
    this.reason = reason;
  }
}

export function readWorkload(manifests: readonly string[]): ReadWorkload {
  try {
    const objects = manifests.flatMap(readObjects);
    const agents = objects.flatMap(agentsOf);
    if (agents.length === 0) throw new Unsupported('NothingToRun', 'No manifest has a container');
    const ignored = objects.filter(({ kind }) => WITHOUT_EFFECT.has(kind));
    return { workload: { agents, ignored: ignored.map(({ kind, metadata }) => `${kind} ${metadata.name}`) } };
  } catch (thrown) {
    if (thrown instanceof Unsupported) return { reason: thrown.reason, message: thrown.message };
    throw thrown;
  }
}

function readObjects(text: string): z.output<typeof object>[] {
  const documents = parseAllDocuments(text, { logLevel: 'silent' });
  return [...documents]
    .filter((document) => document.contents !== null)
    .map((document) => {
      const problem = document.errors[0]?.message;
      if (problem !== undefined) throw new Unsupported('ManifestInvalid', problem);
      return valid(object, plainValue(document), 'manifest');
    });
}

/** Aliases that multiply are refused here. */
function plainValue(document: { toJS(options: { maxAliasCount: number }): unknown }): unknown {
  try {
    return document.toJS({ maxAliasCount: 100 });
  } catch (thrown) {
    throw new Unsupported('ManifestInvalid', thrown instanceof Error ? thrown.message : String(thrown));
  }
}

function valid<Schema extends z.ZodType>(schema: Schema, value: unknown, what: string): z.output<Schema> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new Unsupported('ManifestInvalid', `${what}: ${issue?.path.join('.') ?? ''} ${issue?.message ?? ''}`);
}

function agentsOf(manifest: z.output<typeof object>): Workload['agents'] {
  const { kind, metadata } = manifest;
  const what = `${kind} ${metadata.name}`;
  if (WITHOUT_EFFECT.has(kind)) return [];
  if (kind === 'Pod') return containersOf(valid(pod, manifest, what).spec, 1, metadata.name);
  if (!REPLICATED.has(kind)) {
    throw new Unsupported(
      'KindUnsupported',
      `${what}: the process driver runs Pod, ${[...REPLICATED].join(', ')}; other kinds need a cluster`,
    );
  }
  const { spec } = valid(replicated, manifest, what);
  return containersOf(spec.template.spec, spec.replicas, metadata.name);
}

const containersOf = (spec: z.output<typeof podSpec>, replicas: number, owner: string): Workload['agents'] =>
  spec.containers.map((one) => {
    const name = spec.containers.length === 1 ? owner : `${owner}-${one.name}`;
    return { spec: agentOf(one, name, replicas), replicas };
  });

/** `registry.example:5000/team/metakernel:0.1@sha256:…` is one; the tag decides nothing, since this version runs. */
export const isMetakernelImage = (image: string): boolean =>
  /(^|\/|-)metakernel$/.test(image.replace(/@.*$/, '').replace(/:[^/:]*$/, ''));

function agentOf(one: Container, name: string, replicas: number): AgentSpec {
  if (!isMetakernelImage(one.image)) {
    throw new Unsupported(
      'ImageUnsupported',
      `Container ${one.name}: the process driver runs metakernel alone, and the image is ${one.image}`,
    );
  }
  const [subcommand, ...rest] = commandOf(one);
  const args = rest[0] === 'start' ? rest.slice(1) : rest;
  if (subcommand !== 'agent') {
    throw new Unsupported(
      'CommandUnsupported',
      `Container ${one.name}: only "metakernel agent start …" can be deployed, not "${subcommand ?? ''}"`,
    );
  }
  const { requests } = one.resources ?? {};
  return {
    name,
    args,
    env: envOf(one),
    cpus: declared(args, '--cpus') ? undefined : wholeCores(requests?.cpu),
    memoryBytes: declared(args, '--memory') ? undefined : bytesOf(requests?.memory),
    hostPorts: hostPortsOf(one, replicas),
  };
}

function commandOf({ name, command = [], args }: Container): readonly string[] {
  const [program, ...rest] = command;
  if (program === undefined) return args;
  if (/(^|\/)metakernel$/.test(program)) return [...rest, ...args];
  throw new Unsupported('CommandUnsupported', `Container ${name}: its command is ${program}, not metakernel`);
}

/** They would run code before the agent does. */
const REFUSED_ENV = /^(NODE_OPTIONS|NODE_PATH|LD_.*)$/;

function envOf({ name, env }: Container): Readonly<Record<string, string>> {
  for (const { name: variable, value, ...rest } of env) {
    if (value === undefined && Object.keys(rest).length > 0) {
      throw new Unsupported('EnvUnsupported', `Container ${name}: ${variable} has no plain value`);
    }
    if (REFUSED_ENV.test(variable)) {
      throw new Unsupported('EnvUnsupported', `Container ${name}: ${variable} may not be set`);
    }
  }
  return Object.fromEntries(env.map(({ name: variable, value = '' }) => [variable, value]));
}

const declared = (args: readonly string[], flag: string): boolean =>
  args.some((arg) => arg === flag || arg.startsWith(`${flag}=`));

function wholeCores(cpu: string | number | undefined): number | undefined {
  const parsed = cpu === undefined ? undefined : parseCpu(cpu);
  if (parsed === undefined) return undefined;
  if ('reason' in parsed) throw new Unsupported('ManifestInvalid', `resources.requests.cpu: ${parsed.reason}`);
  return Math.max(1, Math.ceil(parsed.value / 1000));
}

function bytesOf(memory: string | number | undefined): number | undefined {
  const parsed = memory === undefined ? undefined : parseMemory(memory);
  if (parsed === undefined) return undefined;
  if ('reason' in parsed) throw new Unsupported('ManifestInvalid', `resources.requests.memory: ${parsed.reason}`);
  return parsed.value;
}

const DEFAULT_PORTS: Readonly<Record<number, PortName>> = { 46101: 'rest', 46102: 'grpc', 46103: 'data' };

/** A container has an address of its own; here all share one, so only `hostPort` fixes a port. */
function hostPortsOf({ name, ports }: Container, replicas: number): AgentSpec['hostPorts'] {
  const fixed: Partial<Record<PortName, number>> = {};
  for (const port of ports) {
    if (port.hostPort === undefined) continue;
    const known = port.name ?? DEFAULT_PORTS[port.containerPort];
    if (known !== 'rest' && known !== 'grpc' && known !== 'data') {
      const message = `Container ${name}: port ${port.containerPort} is named neither rest, grpc nor data`;
      throw new Unsupported('PortUnsupported', message);
    }
    if (replicas > 1) {
      const message = `Container ${name}: ${replicas} replicas on one machine cannot share hostPort ${port.hostPort}`;
      throw new Unsupported('PortUnsupported', message);
    }
    fixed[known] = port.hostPort;
  }
  return fixed;
}
