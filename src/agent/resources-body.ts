/** The pool as `GET /COMPSs/resources` and `printResources` show it. */
import type { ResourcesReply } from '../contracts/agent/views.ts';
import type { Processor } from '../runtime/model/resource.ts';
import type { ResourceView } from './backend.ts';

const UNASSIGNED = '[unassigned]';

/** What COMPSs calls the class of a node of each scheme: not the adaptor that was asked for. */
const NODE_CLASSES: ReadonlyMap<string, string> = new Map([
  ['local', 'es.bsc.compss.types.COMPSsMaster'],
  ['grpc-agent', 'es.bsc.compss.agent.comm.CommAgentWorker'],
  ['rest', 'es.bsc.compss.agent.rest.master.RemoteRESTAgent'],
  ['grpc-worker', 'es.bsc.compss.nio.master.NIOWorkerNode'],
  ['ssh', 'es.bsc.compss.gat.master.GATWorkerNode'],
]);

type ResourceBody = ResourcesReply['resources'][number];

/** With `extended` also what COMPSs's answer does not have. */
export function resourcesBody(resources: readonly ResourceView[], time: number, extended: boolean): ResourcesReply {
  return {
    time,
    resources: resources.map((resource) => ({
      ...compssBody(resource, extended),
      ...(extended ? more(resource) : {}),
    })),
  };
}

function compssBody({ description }: ResourceView, extended: boolean): ResourceBody {
  return {
    name: description.name,
    description: {
      processors: description.processors.map((processor) => processorBody(processor, extended)),
      memory_size: description.memoryGb ?? -1,
      memory_type: description.memoryType ?? UNASSIGNED,
      storage_size: description.storageGb ?? -1,
      storage_type: description.storageType ?? UNASSIGNED,
      storage_bandwidth: description.storageBandwidth ?? -1,
    },
    adaptor: NODE_CLASSES.get(description.scheme) ?? description.scheme,
  };
}

const processorBody = (processor: Processor, extended: boolean): ResourceBody['description']['processors'][number] => ({
  name: processor.name,
  ...(extended ? { type: processor.type } : {}),
  architecture: processor.architecture ?? UNASSIGNED,
  units: processor.units,
});

function more(resource: ResourceView): Partial<ResourceBody> {
  const { description, self, state, freeCpus, running, queued, completed, pid, bytesIn, bytesOut } = resource;
  return {
    scheme: description.scheme,
    self,
    state,
    freeCpus,
    running,
    queued,
    completed,
    ...(pid === undefined ? {} : { pid }),
    ...(bytesIn === undefined ? {} : { bytesIn }),
    ...(bytesOut === undefined ? {} : { bytesOut }),
  };
}

/** What `printResources` writes on the agent's stdout. */
export function resourcesText(resources: readonly ResourceView[], time: number): string {
  const lines = resources.flatMap((resource) => ['\tRESOURCE = [', ...resourceLines(resource), '\t]']);
  return [`TIMESTAMP = ${time}`, 'RESOURCES = [', ...lines, ']'].join('\n');
}

function resourceLines({ description, self }: ResourceView): string[] {
  const units = (type: Processor['type']): number =>
    description.processors.filter((processor) => processor.type === type).reduce((sum, { units }) => sum + units, 0);
  return [
    `NAME = ${description.name}`,
    'TYPE = WORKER',
    `CPU_COMPUTING_UNITS = ${units('CPU')}`,
    `GPU_COMPUTING_UNITS = ${units('GPU')}`,
    `FPGA_COMPUTING_UNITS = ${units('FPGA')}`,
    `OTHER_COMPUTING_UNITS = ${units('OTHER')}`,
    `MEMORY = ${description.memoryGb ?? -1}`,
    `SET = ${self ? 'Static' : 'Non-Critical'}`,
  ].map((line) => `\t\t${line}`);
}
