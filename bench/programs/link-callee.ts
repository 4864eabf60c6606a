/** The second process of noop-agents-link: a callee whose tasks do nothing, and a unary gRPC service as the baseline. */
import { Server, ServerCredentials, type ServerUnaryCall, type sendUnaryData } from '@grpc/grpc-js';
import { Callee } from '../../test/support/link-case.ts';
import { UNARY_SERVICE } from './unary-service.ts';

process.on('disconnect', () => process.exit(0));
const nothing = Buffer.alloc(0);
const callee = await Callee.start(() => [nothing]);
const server = new Server({ 'grpc.enable_channelz': 0 });
server.addService(UNARY_SERVICE, {
  call: (call: ServerUnaryCall<Buffer, Buffer>, done: sendUnaryData<Buffer>) => done(null, call.request),
});
const unary = await new Promise<number>((resolve, reject) => {
  server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) => {
    if (error === null) resolve(port);
    else reject(error);
  });
});
process.send?.({ link: callee.port, unary });
