/** The chaos run itself, as the first process of its namespaces: see run.ts, which starts it. */
import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { dataBody } from '../../src/contracts/agent/views.ts';
import { ChaosNode, keepPool, poolComplete } from './cluster.ts';
import { mountTmpfs, pause } from './commands.ts';
import { measureDetection } from './detection.ts';
import { faultKinds } from './fault-kinds.ts';
import { inflictFaults } from './faults.ts';
import { LinkProxy } from './link-proxy.ts';
import { createNetwork } from './network.ts';
import type { InsideOptions } from './options.ts';
import { runPrograms } from './runs.ts';
import { Tally } from './tally.ts';

const NODES = 6;
const LANES = 2;
const SCRATCH_MB = 256;
/** For what a loss has left to be noticed and let go of. */
const SETTLE_MS = 60_000;

const options = JSON.parse(process.argv[2] ?? '{}') as InsideOptions;
const startedAt = performance.now();
const say = (line: string): void => console.log(`${((performance.now() - startedAt) / 1000).toFixed(1)} ${line}`);

// Whoever started us is gone: so is all of this.
process.stdin.on('end', () => process.exit(1)).resume();

const logsOf = (): string => join(options.out, `seed-${options.seed}`);

function createNodes(): ChaosNode[] {
  const scratch = join(options.out, 'scratch');
  const logs = logsOf();
  rmSync(logs, { recursive: true, force: true });
  mkdirSync(logs, { recursive: true });
  mountTmpfs('/dev/shm', SCRATCH_MB);
  mountTmpfs(scratch, SCRATCH_MB);
  createNetwork(NODES);
  const folders = {
    appPath: [join(import.meta.dirname, 'apps'), join(import.meta.dirname, '../../examples/kmeans')],
    scratch,
    logs,
  };
  return Array.from({ length: NODES }, (_, index) => new ChaosNode(index + 1, folders));
}

async function unrest(nodes: readonly ChaosNode[], tally: Tally): Promise<void> {
  const { seed, rate, minutes, out } = options;
  const signal = AbortSignal.timeout(minutes * 60_000);
  const first = nodes[0]!;
  const runs = { first, seed, folder: join(out, 'scratch/runs'), logs: logsOf(), tally, signal, say };
  const lanes = Array.from({ length: LANES }, (_, lane) => runPrograms(runs, lane));
  const sampler = setInterval(() => void tally.sample(first), 1_000);
  await using proxy = await LinkProxy.start(NODES, seed);
  await inflictFaults({ seed, rate, nodes, kinds: faultKinds(proxy), tally, signal, say });
  await Promise.all(lanes);
  clearInterval(sampler);
  await tally.sample(first);
}

/** Versions of data that an agent still holds when nothing runs; what it says when they do not go. */
async function dataLeft(node: ChaosNode, end: number): Promise<string | undefined> {
  for (;;) {
    const held = await node.client.json('/COMPSs/data', dataBody, { signal: AbortSignal.timeout(5_000) }).catch(String);
    if (typeof held !== 'string' && held.store.versions === 0) return undefined;
    if (performance.now() > end) return `${node.name} holds ${JSON.stringify(held)}`;
    await pause(200);
  }
}

/** Processes beside us; one that has ended and was not waited for is no more than its number. */
function processesLeft(): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && name !== String(process.pid))
    .flatMap((pid) => {
      try {
        const state = / ([A-Z]) /.exec(readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/^.*\)/, ''))?.[1];
        return state === 'Z' ? [] : [`${pid} ${readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')}`];
      } catch {
        return [];
      }
    });
}

async function countLeaks(nodes: readonly ChaosNode[], tally: Tally, stopPool: () => Promise<void>): Promise<void> {
  const end = performance.now() + SETTLE_MS;
  const data = await Promise.all(nodes.map((node) => dataLeft(node, end)));
  await stopPool();
  await Promise.all(nodes.map((node) => node.stop()));
  const stopped = performance.now() + SETTLE_MS;
  while (processesLeft().length > 0 && performance.now() < stopped) await pause(100);
  for (const leak of [...data, ...processesLeft()]) {
    if (leak === undefined) continue;
    tally.leaks += 1;
    say(`LEAK ${leak}`);
  }
}

async function chaos(): Promise<number> {
  const tally = new Tally();
  const nodes = createNodes();
  await Promise.all(nodes.map((node) => node.start()));
  say(`${NODES} agents run`);
  const keeping = new AbortController();
  const pool = keepPool(nodes, keeping.signal);
  await poolComplete(nodes);
  const found = await measureDetection(nodes);
  say(found);
  await unrest(nodes, tally);
  console.log(found);
  await countLeaks(nodes, tally, async () => {
    keeping.abort();
    await pool;
  });
  console.log(tally.summary());
  console.log(tally.lastLine(options.seed));
  return tally.passed ? 0 : 1;
}

process.exit(await chaos());
