import { join } from 'node:path';
import { Client, credentials } from '@grpc/grpc-js';
import { TestAgent } from '../../test/support/agents.ts';
import { UNARY_SERVICE } from '../programs/unary-service.ts';
import { startProgram } from './program.ts';

const codePath = join(import.meta.dirname, '../programs/tasks');

export interface TwoAgents extends AsyncDisposable {
  /** What the exported function of `far.ts` gives, called on this agent; its tasks run on the other one. */
  call(method: string, count: number): Promise<number>;
  /** Calls a second: unary calls of grpc-js on one connection to the other process. */
  unary(calls: number, inFlight: number): Promise<number>;
}

/** An agent of this process and one of another, which has `cpus` units, and a unary service there for baselines. */
export async function twoAgents(cpus: number): Promise<TwoAgents> {
  await using opened = new AsyncDisposableStack();
  const common = { codePath, checkInputs: false };
  const program = opened.use(
    await startProgram('agent.ts', [JSON.stringify({ ...common, name: 'b', cpus, software: ['far'] })]),
  );
  const { link, unary } = JSON.parse(program.url) as { link: number; unary: number };
  const agent = opened.use(await TestAgent.start({ ...common, name: 'a', cpus: 1, software: ['near'] }));
  await agent.add('b', link);
  const client = opened.adopt(
    new Client(`127.0.0.1:${unary}`, credentials.createInsecure(), { 'grpc.enable_channelz': 0 }),
    (one) => one.close(),
  );
  const resources = opened.move();
  return {
    call: async (method, count) => Number(await agent.call(method, [count], { module: 'far.ts' })),
    unary: (calls, inFlight) => callEach(client, calls, inFlight),
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}

const ARGUMENT = Buffer.alloc(24, 1);

function callEach(client: Client, calls: number, inFlight: number): Promise<number> {
  const { path, requestSerialize, responseDeserialize } = UNARY_SERVICE.call;
  const started = performance.now();
  return new Promise((resolve, reject) => {
    let sent = 0;
    let answered = 0;
    const send = (): void => {
      sent += 1;
      client.makeUnaryRequest(path, requestSerialize, responseDeserialize, ARGUMENT, (error) => {
        if (error !== null) return reject(error);
        answered += 1;
        if (answered === calls) resolve((calls * 1000) / (performance.now() - started));
        else if (sent < calls) send();
      });
    };
    for (let index = 0; index < Math.min(inFlight, calls); index++) send();
  });
}
