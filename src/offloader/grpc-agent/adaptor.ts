import { RuntimeError } from '../../common/errors.ts';
import type { Logger } from '../../common/logger.ts';
import type { ResourceDescription } from '../../runtime/model/resource.ts';
import type { Adaptor, NodeContext, NodeHandle, NodeWatcher } from '../../runtime/ports.ts';
import { AgentNode, type TicketSigner } from './agent-node.ts';
import type { Heartbeats } from './heartbeats.ts';
import { DEFAULT_TIMING, LinkClient, type LinkTiming, type LinkTunnel } from './link-client.ts';
import { descriptionFromWire } from './model-wire.ts';
import type { LinkSecurity } from './security.ts';

export interface GrpcAgentSpec {
  readonly scheme: 'grpc-agent';
  readonly name: string;
  readonly host: string;
  readonly port: number;
  /** `host` and `port` are its end here. */
  readonly tunnel?: LinkTunnel;
}

export interface GrpcAgentOptions {
  readonly heartbeats: Heartbeats;
  readonly sign: TicketSigner;
  readonly logger: Logger;
  readonly security?: LinkSecurity;
  readonly timing?: Partial<LinkTiming>;
}

const DEFAULT_PORT = 46102;

/** Other agents over gRPC. Properties: `Port` (46102), `Host` (the node's name). Workers are reached the same way. */
export class GrpcAgentAdaptor implements Adaptor<GrpcAgentSpec> {
  readonly scheme = 'grpc-agent';
  readonly aliases = ['es.bsc.compss.agent.comm.CommAgentAdaptor'];
  readonly #options: GrpcAgentOptions;

  constructor(options: GrpcAgentOptions) {
    this.#options = options;
  }

  parseSpec(name: string, properties: Readonly<Record<string, string>>): GrpcAgentSpec {
    for (const key of Object.keys(properties)) {
      if (key !== 'Port' && key !== 'Host') throw invalid(key, 'the grpc-agent adaptor knows Port and Host only');
    }
    const host = parseHost(properties['Host'] ?? name);
    return { scheme: 'grpc-agent', name, host, port: parsePort(properties['Port']) };
  }

  async connect(
    spec: GrpcAgentSpec,
    description: ResourceDescription,
    context: NodeContext,
    watcher: NodeWatcher,
    signal: AbortSignal,
  ): Promise<NodeHandle> {
    const node = new AgentNode(description, context, watcher, this.#options.sign);
    const link = this.#link(spec, context, {
      section: (section) => node.take(section),
      lost: (reason) => watcher.lost(reason),
    });
    node.bind(link);
    await link.open(signal);
    // Units that nobody declared are those that the peer says it has.
    const declared = description.processors.length > 0;
    const offered = link.welcome.description;
    if (!declared && offered !== undefined) {
      node.resize({
        ...descriptionFromWire(offered),
        ...description,
        processors: descriptionFromWire(offered).processors,
      });
    }
    return node;
  }

  #link(spec: GrpcAgentSpec, context: NodeContext, events: ConstructorParameters<typeof LinkClient>[1]): LinkClient {
    const { heartbeats, security = {}, timing = {}, logger } = this.#options;
    const { name, incarnation, host, dataPort } = context.self;
    return new LinkClient(
      {
        target: spec,
        caller: { name, incarnation, host, dataPort, linkKey: context.mover.linkKey(spec.name) },
        security,
        timing: { ...DEFAULT_TIMING, ...timing },
        heartbeats,
        logger,
      },
      events,
    );
  }
}

export const invalid = (key: string, reason: string): RuntimeError =>
  new RuntimeError('ERR_CONFIG_INVALID', { key, reason });

export function parseHost(host: string): string {
  if (!/^[\w.:%[\]-]+$/.test(host)) throw invalid('Host', `${JSON.stringify(host)} is no host name or address`);
  return host;
}

export function parsePort(text: string | undefined, key = 'Port'): number {
  if (text === undefined) return DEFAULT_PORT;
  const port = Number(text);
  if (!/^\d+$/.test(text) || port < 1 || port > 65_535) throw invalid(key, `${JSON.stringify(text)} is no port`);
  return port;
}
