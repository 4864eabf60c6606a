import type { ResourceDescription } from '../../runtime/model/resource.ts';
import type { Adaptor, NodeContext, NodeHandle, NodeWatcher } from '../../runtime/ports.ts';
import { type GrpcAgentAdaptor, invalid, parseHost, parsePort } from '../grpc-agent/adaptor.ts';

export interface GrpcWorkerSpec {
  readonly scheme: 'grpc-worker';
  readonly name: string;
  readonly host: string;
  /** Tried in this order. */
  readonly ports: readonly number[];
}

const PROPERTIES = ['Port', 'MinPort', 'MaxPort', 'Host'];
/** COMPSs gives its workers a range of two. */
const MAX_PORTS = 64;

/**
 * Dedicated worker processes (`metakernel worker`), over the link of agents. Their tasks cannot submit tasks. Properties:
 * `Host` (the node's name), `Port` (46102), or COMPSs's `MinPort` and `MaxPort`, of which the first that answers is taken.
 */
export class GrpcWorkerAdaptor implements Adaptor<GrpcWorkerSpec> {
  readonly scheme = 'grpc-worker';
  readonly aliases = ['es.bsc.compss.nio.master.NIOAdaptor'];
  readonly #link: GrpcAgentAdaptor;

  constructor(link: GrpcAgentAdaptor) {
    this.#link = link;
  }

  parseSpec(name: string, properties: Readonly<Record<string, string>>): GrpcWorkerSpec {
    for (const key of Object.keys(properties)) {
      if (!PROPERTIES.includes(key)) throw invalid(key, `the grpc-worker adaptor knows ${PROPERTIES.join(', ')} only`);
    }
    const host = parseHost(properties['Host'] ?? name);
    return { scheme: 'grpc-worker', name, host, ports: parsePorts(properties) };
  }

  async connect(
    spec: GrpcWorkerSpec,
    description: ResourceDescription,
    context: NodeContext,
    watcher: NodeWatcher,
    signal: AbortSignal,
  ): Promise<NodeHandle> {
    const { name, host, ports } = spec;
    let failure: unknown;
    for (const port of ports) {
      const target = { scheme: 'grpc-agent', name, host, port } as const;
      try {
        return await this.#link.connect(target, { ...description, nestedTasks: false }, context, watcher, signal);
      } catch (error) {
        failure ??= error;
      }
    }
    throw failure;
  }
}

function parsePorts(properties: Readonly<Record<string, string>>): readonly number[] {
  const { Port, MinPort, MaxPort } = properties;
  if (Port !== undefined || MinPort === undefined) return [parsePort(Port)];
  const [first, last] = [parsePort(MinPort, 'MinPort'), parsePort(MaxPort ?? MinPort, 'MaxPort')];
  if (last < first || last - first >= MAX_PORTS)
    throw invalid('MaxPort', `${first} to ${last} is no range of at most ${MAX_PORTS} ports`);
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
}
