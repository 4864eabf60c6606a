/**
 * From spawn until the REST interface answers and the agent link takes connections, of the bundled agent; and its memory
 * then, idle (PSS: what is shared with other processes counts by their share). Baseline: a bare node:http server.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { request } from 'undici';
import { startAgentProcess } from '../scripts/demo/agents.ts';
import { startProgram } from './support/program.ts';
import { benchmark } from './support/report.ts';

const root = join(import.meta.dirname, '..');
const out = join(root, 'out/bench/dist');
const KIB_PER_MIB = 1024;

const built = spawnSync(process.execPath, [join(root, 'scripts/build.ts'), '--no-types', '--out', out], {
  stdio: 'inherit',
});
if (built.status !== 0) throw new Error(`the bundle could not be made: ${built.status}`);

interface Start {
  readonly ms: number;
  readonly mib: number;
}

async function agentStart(): Promise<Start> {
  const started = performance.now();
  await using agent = await startAgentProcess({
    name: 'startup',
    cpus: 2,
    appPath: out,
    program: [process.execPath, join(out, 'main.js')],
  });
  await answers(`${agent.client.connection.url}/COMPSs/test`);
  await takesConnections(agent.grpcPort);
  return { ms: performance.now() - started, mib: proportionalMib(agent.pid) };
}

async function bareStart(): Promise<Start> {
  const started = performance.now();
  await using bare = await startProgram('bare-http.ts', []);
  await answers(bare.url);
  return { ms: performance.now() - started, mib: proportionalMib(bare.pid) };
}

async function answers(url: string): Promise<void> {
  const { statusCode, body } = await request(url);
  await body.dump();
  if (statusCode !== 200) throw new Error(`${url}: ${statusCode}`);
}

const takesConnections = (port: number): Promise<void> =>
  new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve();
    });
    socket.on('error', reject);
  });

function proportionalMib(pid: number): number {
  const kib = /^Pss:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1];
  if (kib === undefined) throw new Error(`the kernel does not tell the memory of process ${pid}`);
  return Number(kib) / KIB_PER_MIB;
}

const baselineName = 'node:http alone';
await benchmark({
  name: 'startup',
  unit: 'ms',
  baselineName,
  samples: 15,
  measure: async () => (await agentStart()).ms,
  baseline: async () => (await bareStart()).ms,
});
await benchmark({
  name: 'startup-memory',
  unit: 'MiB',
  baselineName,
  measure: async () => (await agentStart()).mib,
  baseline: async () => (await bareStart()).mib,
});
