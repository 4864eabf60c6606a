import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import {
  type Metadata,
  Server,
  ServerCredentials,
  type ServerUnaryCall,
  type ServiceDefinition,
  type sendUnaryData,
  status,
} from '@grpc/grpc-js';
import { RuntimeError } from '../../common/errors.ts';
import {
  Aggregator,
  ComputeResourcesSchema,
  type Empty,
  EmptySchema,
  type InfrastructureModel,
  InfrastructureModelSchema,
  NodeSchema,
} from '../../contracts/gen/aggregator_pb.ts';
import type { Taxonomy, TaxonomyNode } from '../../contracts/icos/taxonomy.ts';
import { type Authenticator, requirePermission } from '../iam/authenticator.ts';
import type { Answers } from './answers.ts';

/** `Aggregator` of proto/aggregator.proto for grpc-js. */
export const AGGREGATOR_SERVICE = {
  connectToQuerier: {
    path: `/${Aggregator.typeName}/${Aggregator.method.connectToQuerier.name}`,
    requestStream: false,
    responseStream: false,
    requestSerialize: (message: Empty) => Buffer.from(toBinary(EmptySchema, message)),
    requestDeserialize: (bytes: Buffer) => fromBinary(EmptySchema, bytes),
    responseSerialize: (message: InfrastructureModel) => Buffer.from(toBinary(InfrastructureModelSchema, message)),
    responseDeserialize: (bytes: Buffer) => fromBinary(InfrastructureModelSchema, bytes),
  },
} as const satisfies ServiceDefinition;

export interface GrpcListening extends AsyncDisposable {
  readonly port: number;
}

/** The taxonomy's nodes over gRPC, for whoever may read the taxonomy: the token travels as `authorization` metadata. */
export async function listenGrpc(
  answers: Answers,
  authenticator: Authenticator,
  { host, port }: { readonly host: string; readonly port: number },
): Promise<GrpcListening> {
  const server = new Server({ 'grpc.enable_channelz': 0 });
  server.addService(AGGREGATOR_SERVICE, {
    connectToQuerier: (
      call: ServerUnaryCall<Empty, InfrastructureModel>,
      answer: sendUnaryData<InfrastructureModel>,
    ) => {
      modelFor(call.metadata, answers, authenticator).then(
        (model) => answer(null, model),
        (thrown: unknown) => answer(grpcErrorOf(thrown)),
      );
    },
  });
  const address = `${host.includes(':') ? `[${host}]` : host}:${port}`;
  const bound = await new Promise<number>((resolve, reject) => {
    server.bindAsync(address, ServerCredentials.createInsecure(), (error, taken) => {
      if (error === null) resolve(taken);
      else reject(new RuntimeError('ERR_PORT_UNAVAILABLE', { address, reason: error.message }));
    });
  });
  return {
    port: bound,
    [Symbol.asyncDispose]: async () => {
      server.forceShutdown();
      return Promise.resolve();
    },
  };
}

async function modelFor(
  metadata: Metadata,
  answers: Answers,
  authenticator: Authenticator,
): Promise<InfrastructureModel> {
  const [authorization] = metadata.get('authorization');
  const identity = await authenticator.verify({ authorization: authorization?.toString() });
  requirePermission(identity, 'taxonomy:read');
  return infrastructureModelOf(await answers.taxonomy());
}

function grpcErrorOf(thrown: unknown): { code: status; details: string } {
  if (!(thrown instanceof RuntimeError)) return { code: status.INTERNAL, details: 'internal error' };
  const codes: Readonly<Record<number, status>> = {
    401: status.UNAUTHENTICATED,
    403: status.PERMISSION_DENIED,
    503: status.UNAVAILABLE,
  };
  return { code: codes[thrown.status] ?? status.INTERNAL, details: `${thrown.code} ${thrown.message}` };
}

/** `NodeType` of the original: every node of the taxonomy computes. */
const COMPUTE = 0;

export function infrastructureModelOf(taxonomy: Taxonomy): InfrastructureModel {
  const nodes = Object.entries(taxonomy.cluster).flatMap(([cluster, { node }]) =>
    Object.entries(node).map(([name, described]) => nodeOf(cluster, name, described)),
  );
  return create(InfrastructureModelSchema, { nodes });
}

function nodeOf(cluster: string, name: string, { uuid, staticMetrics, dynamicMetrics, labels }: TaxonomyNode) {
  const { cpuCores = 0, cpuArchitecture = '', RAMMemory = 0 } = staticMetrics;
  const { cpuUsagePercent = 0, freeRAM = 0 } = dynamicMetrics;
  const milliCPU = Math.round(cpuCores * 1000);
  return create(NodeSchema, {
    id: uuid ?? `${cluster}/${name}`,
    nodeType: COMPUTE,
    cpuArchitecture,
    resources: create(ComputeResourcesSchema, { milliCPU, memoryInBytes: BigInt(Math.round(RAMMemory)) }),
    availableResources: create(ComputeResourcesSchema, {
      milliCPU: Math.round(milliCPU * (1 - cpuUsagePercent / 100)),
      memoryInBytes: BigInt(Math.round(freeRAM)),
    }),
    labels: { ...labels, cluster, node: name },
  });
}
