/**
 * No-op tasks a second over the link to a second process, without the schedulers of the two agents: the adaptor, the stream
 * and the callee's service. Baseline: unary calls of grpc-js on one connection, as many in flight as is best for it.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { Client, credentials } from '@grpc/grpc-js';
import { aLaunch, Caller } from '../test/support/link-case.ts';
import { UNARY_SERVICE } from './programs/unary-service.ts';
import { benchmark } from './support/report.ts';

const TASKS = 100_000;
const IN_FLIGHT = 2048;
const BATCH = 256;
const CALLS = 10_000;
const CALLS_IN_FLIGHT = 64;

const child = fork(join(import.meta.dirname, 'programs/link-callee.ts'), { execArgv: ['--conditions=source'] });
const [ports] = (await once(child, 'message')) as [{ link: number; unary: number }];
const caller = await Caller.connect(ports.link);
const client = new Client(`127.0.0.1:${ports.unary}`, credentials.createInsecure(), { 'grpc.enable_channelz': 0 });
let next = 0;

async function offload(): Promise<number> {
  const { outcomes } = caller.told;
  outcomes.clear();
  let launched = 0;
  const started = performance.now();
  await caller.until(() => {
    while (launched < TASKS && launched + BATCH - outcomes.size <= IN_FLIGHT) {
      const batch = Array.from({ length: BATCH }, () => aLaunch(next++, 'nothing', { args: ARGS }));
      caller.node.launch(batch);
      launched += BATCH;
    }
    return outcomes.size >= launched && launched >= TASKS;
  });
  return (launched * 1000) / (performance.now() - started);
}

const ARGS = Buffer.alloc(24, 1);

function call(): Promise<number> {
  const { path, requestSerialize, responseDeserialize } = UNARY_SERVICE.call;
  const started = performance.now();
  return new Promise((resolve, reject) => {
    let sent = 0;
    let answered = 0;
    const send = (): void => {
      sent += 1;
      client.makeUnaryRequest(path, requestSerialize, responseDeserialize, ARGS, (error) => {
        if (error !== null) return reject(error);
        answered += 1;
        if (answered === CALLS) resolve((CALLS * 1000) / (performance.now() - started));
        else if (sent < CALLS) send();
      });
    };
    for (let index = 0; index < CALLS_IN_FLIGHT; index++) send();
  });
}

await benchmark({
  name: 'noop-agents-link',
  unit: 'tasks/s',
  baselineName: 'grpc-js unary, 64 in flight',
  measure: offload,
  baseline: call,
  details: () => ({ 'in flight': IN_FLIGHT, 'per launch call': BATCH, 'argument bytes': ARGS.length }),
});
client.close();
await caller[Symbol.asyncDispose]();
child.kill();
