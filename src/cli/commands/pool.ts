/** The pool of an agent: what is in it, and changing it. */
import { jsonNewResource, jsonReduceResource } from '../../contracts/agent/json-write.ts';
import type { NodeDescription, ProcessorKind } from '../../contracts/agent/model.ts';
import { type ResourcesReply, resourcesReply } from '../../contracts/agent/views.ts';
import type { OptionValues } from '../args.ts';
import { EXIT, usageError } from '../exit.ts';
import { bytes, table } from '../format.ts';
import { command, noMore, required } from './command.ts';

export const resources = command({
  usage: '',
  options: {},
  async run(args, { client, terminal, json }) {
    noMore(args, 0);
    const reply = await client.json('/COMPSs/resources', resourcesReply);
    terminal.out(json ? JSON.stringify(reply) : resourceTable(reply));
    return EXIT.ok;
  },
});

function resourceTable({ resources: rows }: ResourcesReply): string {
  const head = ['NODE', 'STATE', 'CPUS', 'FREE', 'RUNNING', 'QUEUED', 'DONE', 'MEMORY', 'IN', 'OUT', 'ADAPTOR'];
  return table(
    head,
    rows.map((row) => [
      row.self === true ? `${row.name} (self)` : row.name,
      row.state ?? '',
      unitsOf(row, 'CPU'),
      row.freeCpus ?? 0,
      row.running ?? 0,
      row.queued ?? 0,
      row.completed ?? 0,
      row.description.memory_size === -1 ? '-' : `${row.description.memory_size} GB`,
      row.bytesIn === undefined ? '-' : bytes(row.bytesIn),
      row.bytesOut === undefined ? '-' : bytes(row.bytesOut),
      row.scheme ?? row.adaptor,
    ]),
  );
}

const unitsOf = ({ description }: ResourcesReply['resources'][number], type: string): number =>
  description.processors
    .filter((processor) => (processor.type ?? 'CPU') === type)
    .reduce((sum, { units }) => sum + units, 0);

const AMOUNTS = {
  cpu: { kind: 'number', help: 'CPU units' },
  cpuName: { kind: 'text', help: 'Name of the processor (MainProcessor)' },
  gpu: { kind: 'number', help: 'GPUs' },
  fpga: { kind: 'number', help: 'FPGAs' },
  memory: { kind: 'number', help: 'Memory, GB' },
  storage: { kind: 'number', help: 'Disk, GB' },
} as const;

function describe(values: OptionValues<typeof AMOUNTS>, defaultCpus: number): NodeDescription {
  const kinds: readonly (readonly [ProcessorKind, string, number | undefined])[] = [
    ['CPU', values.cpuName ?? 'MainProcessor', values.cpu ?? defaultCpus],
    ['GPU', 'gpu', values.gpu],
    ['FPGA', 'FPGA', values.fpga],
  ];
  return {
    processors: kinds.flatMap(([type, name, units]) =>
      units === undefined || units === 0 ? [] : [{ type, name, units }],
    ),
    ...(values.memory === undefined ? {} : { memoryGb: values.memory }),
    ...(values.storage === undefined ? {} : { storageGb: values.storage }),
  };
}

export const addResources = command({
  usage: 'NODE [KEY=VALUE…]',
  details: 'Adds a node, or capacity to a known one. Properties such as Port=46102 say how the adaptor reaches it.',
  options: {
    ...AMOUNTS,
    adaptor: { kind: 'text', help: "Scheme or COMPSs's class name (grpc-agent)" },
  },
  async run(args, { client, terminal, json }) {
    const name = required(args, 0, 'the name of the node');
    const resource = {
      name,
      adaptor: args.options.adaptor ?? 'grpc-agent',
      description: describe(args.options, 1),
      projectProperties: {},
      resourceProperties: Object.fromEntries(args.positionals.slice(1).map(property)),
    };
    await client.request('/COMPSs/addResources', { method: 'PUT', body: jsonNewResource(resource) });
    terminal.out(json ? JSON.stringify({ node: name, added: true }) : `${name} added`);
    return EXIT.ok;
  },
});

function property(text: string): [string, string] {
  const at = text.indexOf('=');
  if (at < 1) throw usageError(`${text} is no property; write KEY=VALUE`);
  return [text.slice(0, at), text.slice(at + 1)];
}

export const reduceResources = command({
  usage: 'NODE',
  details: 'Takes capacity away from a node as it becomes free. Without an amount: one CPU.',
  options: AMOUNTS,
  async run(args, { client, terminal, json }) {
    const name = required(args, 0, 'the name of the node');
    noMore(args, 1);
    const other = args.options.gpu ?? args.options.fpga ?? args.options.memory ?? args.options.storage;
    const request = { name, description: describe(args.options, other === undefined ? 1 : 0) };
    await client.request('/COMPSs/removeResources', { method: 'PUT', body: jsonReduceResource(request) });
    terminal.out(json ? JSON.stringify({ node: name, reducing: true }) : `${name} will be reduced as it becomes free`);
    return EXIT.ok;
  },
});

const nodeCommand = (endpoint: 'removeNode' | 'lostNode', details: string, done: string) =>
  command({
    usage: 'NODE',
    details,
    options: {},
    async run(args, { client, terminal, json }) {
      const workerName = required(args, 0, 'the name of the node');
      noMore(args, 1);
      await client.request(`/COMPSs/${endpoint}`, { method: 'PUT', body: { workerName } });
      terminal.out(json ? JSON.stringify({ node: workerName, [endpoint]: true }) : `${workerName} ${done}`);
      return EXIT.ok;
    },
  });

export const removeNode = nodeCommand(
  'removeNode',
  'Removes a node when its tasks have ended.',
  'leaves when its tasks have ended',
);
export const lostNode = nodeCommand(
  'lostNode',
  'Says that a node is dead: what ran there runs elsewhere.',
  'counts as lost',
);
