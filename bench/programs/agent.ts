/** `agent.ts <options as JSON>`: the far agent of a benchmark, and on request what baselines need beside it. */
import { Server, ServerCredentials, type ServerUnaryCall, type sendUnaryData } from '@grpc/grpc-js';
import { TestAgent, type TestAgentOptions } from '../../test/support/agents.ts';
import { UNARY_SERVICE } from './unary-service.ts';

const agent = await TestAgent.start(JSON.parse(process.argv[2] ?? '{}') as TestAgentOptions);
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
console.log(JSON.stringify({ link: agent.port, unary }));
process.once('SIGTERM', () => process.exit(0));
process.stdin.on('end', () => process.exit(0)).resume();
