import type { ServiceDefinition } from '@grpc/grpc-js';
import { AgentPeer } from '../../contracts/gen/agent_pb.ts';

const pass = (frame: Buffer): Buffer => frame;

/** `AgentPeer` of proto/agent.proto for grpc-js. Frames pass as bytes: `contracts/agent-link` reads and writes them. */
export const AGENT_PEER_SERVICE = {
  link: {
    path: `/${AgentPeer.typeName}/${AgentPeer.method.link.name}`,
    requestStream: true,
    responseStream: true,
    requestSerialize: pass,
    requestDeserialize: pass,
    responseSerialize: pass,
    responseDeserialize: pass,
  },
} as const satisfies ServiceDefinition;

/** Largest frame that is accepted. Frames are closed at 1 MiB; larger ones hold one launch with large literal arguments. */
export const MAX_FRAME_BYTES = 256 * 2 ** 20;

/** Channel options of both sides. */
export const CHANNEL_OPTIONS = {
  'grpc.max_receive_message_length': MAX_FRAME_BYTES,
  'grpc.max_send_message_length': -1,
  // Finds silent cuts where no heartbeat port can be reached.
  'grpc.keepalive_time_ms': 10_000,
  'grpc.keepalive_timeout_ms': 20_000,
  'grpc.enable_channelz': 0,
  'grpc-node.flow_control_window': 4 * 2 ** 20,
} as const;

export const CLIENT_OPTIONS = {
  ...CHANNEL_OPTIONS,
  // Every link has a connection of its own, opens it again at once and repeats what was lost itself.
  'grpc.use_local_subchannel_pool': 1,
  'grpc.initial_reconnect_backoff_ms': 20,
  'grpc.max_reconnect_backoff_ms': 250,
  'grpc.enable_retries': 0,
  'grpc.service_config_disable_resolution': 1,
  'grpc.enable_http_proxy': 0,
} as const;
