import type { Logger } from '../../common/logger.ts';
import { GrpcAgentAdaptor } from '../../offloader/grpc-agent/adaptor.ts';
import type { TicketSigner } from '../../offloader/grpc-agent/agent-node.ts';
import { startHeartbeats } from '../../offloader/grpc-agent/heartbeats.ts';
import type { LinkTiming } from '../../offloader/grpc-agent/link-client.ts';
import type { LinkSecurity } from '../../offloader/grpc-agent/security.ts';
import { GrpcWorkerAdaptor } from '../../offloader/grpc-worker/adaptor.ts';
import { SshAdaptor, type SshOptions } from '../../offloader/ssh/adaptor.ts';
import { signTicket, TICKET_TTL_MS } from '../../runtime/data/ticket.ts';
import type { ResourceDescription } from '../../runtime/model/resource.ts';
import type { PeerRuntime } from './peer-link.ts';
import { PeerService, type PeerServiceOptions } from './peer-service.ts';

export interface PeerEndpointOptions {
  readonly runtime: PeerRuntime;
  readonly describe: () => ResourceDescription;
  readonly logger: Logger;
  /** Address of the gRPC port and of the heartbeat port. */
  readonly host: string;
  /** 0: any free one; both. */
  readonly port: number;
  readonly heartbeatPort?: number;
  readonly security?: LinkSecurity;
  readonly service?: Pick<PeerServiceOptions, 'check' | 'refused' | 'maxFrameBytes'>;
  readonly timing?: Partial<LinkTiming>;
  readonly graceMs?: number;
  /** Default: no code is copied to hosts. */
  readonly ssh?: SshOptions;
}

/** Everything of an agent that has to do with other agents over gRPC: it is called and calls with one heartbeat thread. */
export interface PeerEndpoint extends AsyncDisposable {
  readonly adaptor: GrpcAgentAdaptor;
  readonly workers: GrpcWorkerAdaptor;
  readonly ssh: SshAdaptor;
  readonly service: PeerService;
  readonly port: number;
  readonly heartbeatPort: number;
}

/** Throws ERR_PORT_UNAVAILABLE; nothing is left open then. */
export async function startPeerEndpoint(options: PeerEndpointOptions): Promise<PeerEndpoint> {
  const { runtime, describe, logger, host, security = {}, timing = {}, graceMs } = options;
  const { incarnation } = runtime.self;
  const heartbeats = await startHeartbeats({ host, port: options.heartbeatPort ?? 0, incarnation });
  const grace = graceMs === undefined ? {} : { graceMs };
  const service = new PeerService({ runtime, describe, heartbeats, logger, security, ...grace, ...options.service });
  const close = async (): Promise<void> => {
    await service[Symbol.asyncDispose]();
    await heartbeats[Symbol.asyncDispose]();
  };
  try {
    const port = await service.listen(host, options.port);
    const adaptor = new GrpcAgentAdaptor({ heartbeats, sign, logger, security, timing });
    const workers = new GrpcWorkerAdaptor(adaptor);
    const ssh = new SshAdaptor({ codePaths: [], ...options.ssh, link: { heartbeats, sign, logger, timing }, logger });
    return { adaptor, workers, ssh, service, port, heartbeatPort: heartbeats.port, [Symbol.asyncDispose]: close };
  } catch (error) {
    await close();
    throw error;
  }
}

const sign: TicketSigner = (key, issuer, reader, keys) =>
  signTicket(key, { issuer, reader, keys, expiry: Date.now() + TICKET_TTL_MS });
