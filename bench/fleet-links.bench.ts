/**
 * One agent and a fleet of simulated ones (a link and heartbeats each, all answered by one other process): the 99th
 * percentile of the time to place an application of 100 tasks on 100 of them and to hear that all have run. Baseline: the
 * same in a fleet of just 100. `FLEET` sets the size.
 */

import type { TaskId } from '../src/runtime/model/ids.ts';
import { TestAgent } from '../test/support/agents.ts';
import { startProgram } from './support/program.ts';
import { benchmark, percentile } from './support/report.ts';

const FLEET = Number(process.env['FLEET'] ?? 3500);
const WIDTH = 100;
const APPLICATIONS = 100;
const CONNECTING = 50;
const timing = { heartbeatMs: 1000, deadlineMs: 20_000, silenceMs: 60_000, connectMs: 60_000 };

async function fleetOf(size: number, port: number): Promise<TestAgent> {
  const agent = await TestAgent.start({ name: 'a', cpus: 0, codePath: import.meta.dirname, timing });
  for (let from = 0; from < size; from += CONNECTING) {
    const names = Array.from({ length: Math.min(CONNECTING, size - from) }, (_, index) => `n${from + index}`);
    await Promise.all(names.map((name) => agent.add(name, port, { units: 1 })));
  }
  return agent;
}

/** Milliseconds from the first submission until the last task is known to have ended. */
function place({ dispatcher }: TestAgent): Promise<number> {
  const started = performance.now();
  return new Promise((resolve) => {
    let left = WIDTH;
    let took = 0;
    const scope = dispatcher.openScope({
      name: 'application',
      settled: (_seq: number, _task: TaskId) => {
        left -= 1;
        if (left > 0) return;
        took = performance.now() - started;
        scope.close();
      },
      notice: () => undefined,
      ended: () => resolve(took),
    });
    const implementations = [{ language: 'JS' as const, module: 'm.ts', method: 'nothing' }];
    const core = scope.register({ signature: 'm.ts#nothing', implementations });
    scope.submit(
      Array.from({ length: WIDTH }, (_, seq) => ({
        scope: scope.id,
        seq,
        core,
        accesses: [],
        returns: [],
        notify: true,
      })),
    );
  });
}

async function worst(agent: TestAgent): Promise<number> {
  const took: number[] = [];
  for (let round = 0; round < APPLICATIONS; round++) took.push(await place(agent));
  return percentile(took, 0.99);
}

await using callee = await startProgram('fleet-callee.ts', []);
await using small = await fleetOf(WIDTH, Number(callee.url));
await using otherCallee = await startProgram('fleet-callee.ts', []);
const started = performance.now();
await using large = await fleetOf(FLEET, Number(otherCallee.url));
const connected = performance.now() - started;

await benchmark({
  name: 'fleet-links',
  unit: 'ms (p99)',
  baselineName: `a fleet of ${WIDTH}`,
  measure: () => worst(large),
  baseline: () => worst(small),
  samples: 7,
  details: () => ({
    agents: large.dispatcher.core.resources().length - 1,
    lost: large.nodes.connecting().length,
    'seconds to connect them': connected / 1000,
    'heartbeats a second': (FLEET * 1000) / timing.heartbeatMs,
    'resident MiB': process.memoryUsage().rss / 2 ** 20,
  }),
});
