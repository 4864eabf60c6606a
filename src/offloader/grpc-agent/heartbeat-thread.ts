/** The heartbeat thread: answers and asks while the main thread is busy. Started by `heartbeats.ts`. */
import { parentPort, workerData } from 'node:worker_threads';
import { Answers } from './heartbeat-answers.ts';
import type { FromHeartbeats, HeartbeatWorkerData, ToHeartbeats } from './heartbeat-messages.ts';
import { Watch } from './heartbeat-watch.ts';

if (parentPort === null) throw new Error('heartbeat-thread.ts runs in a worker thread only');
const port = parentPort;
const { host, port: listenPort, incarnation, pulse, pulseMs } = workerData as HeartbeatWorkerData;
const tell = (message: FromHeartbeats): void => port.postMessage(message);

const turned = new BigInt64Array(pulse);
const lagMs = (): number => {
  const late = Number(process.hrtime.bigint() - Atomics.load(turned, 0)) / 1e6 - pulseMs;
  return Math.max(0, late);
};

const watches = new Map<number, Watch>();
const answers = new Answers(incarnation, lagMs, (id) => tell({ type: 'silent', id }));
answers.listen(
  host,
  listenPort,
  (bound) => tell({ type: 'listening', port: bound }),
  (reason) => tell({ type: 'failed', reason }),
);

function startWatch(id: number, target: Extract<ToHeartbeats, { type: 'watch' }>['target']): void {
  const watch = new Watch(target, {
    gone: (reason, evidence) => {
      watches.delete(id);
      tell({ type: 'gone', id, reason, evidence });
    },
    lag: (late) => tell({ type: 'lag', id, lagMs: late }),
  });
  watches.set(id, watch);
}

function close(): void {
  for (const watch of watches.values()) watch.end();
  watches.clear();
  answers.close();
  port.close();
}

port.on('message', (message: ToHeartbeats) => {
  switch (message.type) {
    case 'watch':
      startWatch(message.id, message.target);
      break;
    case 'unwatch':
      watches.get(message.id)?.end();
      watches.delete(message.id);
      break;
    case 'expect':
      answers.expect(message.id, message.linkId, message.silenceMs);
      break;
    case 'unexpect':
      answers.forget(message.id);
      break;
    case 'close':
      close();
      break;
  }
});
