/**
 * `make demo-controller`: a lighthouse, two controllers that join it in two domains, a Prometheus where one is installed;
 * through the shell a pool of three agents is deployed to one domain and k-means run on it, something that cannot be
 * placed is explained, and all is undeployed. Exit code 0 only when every step came out as it should and nothing is left.
 */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeDataset } from '../examples/kmeans/dataset.ts';
import { type Model, maxRelativeError } from '../examples/kmeans/model.ts';
import { referenceKmeans } from '../examples/kmeans/reference.ts';
import { runCommand } from '../src/cli/run-command.ts';
import type { JobGroupBody } from '../src/contracts/icos/job.ts';
import { type RunningProcess, startProcess } from './process.ts';

const root = join(import.meta.dirname, '..');
const launcher = join(root, 'bin/metakernel');
const POINTS = Number(process.env['POINTS'] ?? 24_000);
const OPTIONS = { k: 8, iterations: 10, epsilon: 1e-6, seed: 7, standardise: false };
const TOLERANCE = 1e-9;
const AGENTS = 3;

class DemoError extends Error {}

interface Listening {
  readonly role?: string;
  readonly urls: Readonly<Record<string, string>>;
}

/** One of our own long-running commands; resolves when it listens. */
async function serve(opened: AsyncDisposableStack, name: string, args: readonly string[]): Promise<Listening> {
  const listening = Promise.withResolvers<Listening>();
  const running: RunningProcess = startProcess(
    launcher,
    [...args, '--json', '--exit-with-parent', '--log-level=error'],
    {
      watch: 'stdin',
      graceMs: 20_000,
      onLine: (line, stream) => {
        if (stream === 'stdout' && line.startsWith('{"pid":')) listening.resolve(JSON.parse(line) as Listening);
        else console.error(`  ${name}: ${line}`);
      },
    },
  );
  opened.use(running);
  const ended = running.exited.then(({ code }): never => {
    throw new DemoError(`${name} ended with ${code} before it listened`);
  });
  ended.catch(() => undefined);
  return Promise.race([listening.promise, ended]);
}

/** Runs a command as a user would type it; what it prints is shown unless it is asked for as JSON. */
async function metakernel(env: NodeJS.ProcessEnv, argv: readonly string[]): Promise<{ code: number; out: string }> {
  const quiet = argv.includes('--json');
  console.log(`\n$ metakernel ${argv.map((word) => (word.length > 100 ? `${word.slice(0, 60)}…` : word)).join(' ')}`);
  const out: string[] = [];
  const code = await runCommand({
    argv,
    env,
    cwd: root,
    terminal: {
      interactive: false,
      colours: false,
      columns: 120,
      out: (text) => {
        out.push(text);
        if (!quiet) console.log(indented(text));
      },
      error: (text) => console.log(indented(text)),
      raw: (chunk) => process.stdout.write(chunk),
      status: () => undefined,
    },
    interrupted: new AbortController().signal,
  });
  return { code, out: out.join('\n') };
}

const indented = (text: string): string => text.trimEnd().replaceAll(/^/gm, '  ');

function must(condition: boolean, what: string): void {
  if (!condition) throw new DemoError(`not as it should be: ${what}`);
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address !== null ? address.port : 0;
}

/** It watches itself: what counts here is that the aggregator asks a real one. */
async function startPrometheus(opened: AsyncDisposableStack, folder: string): Promise<readonly string[]> {
  if (spawnSync('prometheus', ['--version']).error !== undefined) {
    console.log('No Prometheus is installed: the aggregator knows the nodes that announce themselves.');
    return [];
  }
  const port = await freePort();
  const config = join(folder, 'prometheus.yml');
  const target = `127.0.0.1:${port}`;
  writeFileSync(
    config,
    `global: {scrape_interval: 1s}\nscrape_configs: [{job_name: self, static_configs: [{targets: ['${target}']}]}]\n`,
  );
  const flags = [
    `--config.file=${config}`,
    `--storage.tsdb.path=${join(folder, 'tsdb')}`,
    `--web.listen-address=${target}`,
  ];
  opened.use(startProcess('prometheus', flags, { watch: 'guard', onLine: () => undefined }));
  console.log(`A Prometheus runs at ${target}.`);
  return [`--prometheus-url=http://${target}`];
}

/** A descriptor of agents that find the example program. */
const poolDescriptor = (name: string, requirements: string): string => `name: ${name}
components:
- {name: pool, manifests: [{name: pool}], requirements: ${requirements}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: pool}
spec:
  replicas: ${AGENTS}
  selector: {matchLabels: {app: pool}}
  template:
    metadata: {labels: {app: pool}}
    spec:
      containers:
      - name: agent
        image: metakernel:latest
        args: [agent, start, --cpus, "1", --app-path, ${join(root, 'examples/kmeans')}]
`;

async function joinDomain(
  opened: AsyncDisposableStack,
  folder: string,
  lighthouse: string,
  domain: string,
  more: readonly string[],
): Promise<string> {
  const port = await freePort();
  const ports = ['aggregator', 'job-manager', 'matchmaker'].map((name) => `--${name}-port=0`);
  const own = [
    `--domain=${domain}`,
    `--name=${domain}-head`,
    `--shell-port=${port}`,
    `--state-dir=${join(folder, domain)}`,
  ];
  const { role, urls } = await serve(opened, domain, ['join', `--lighthouse=${lighthouse}`, ...own, ...ports, ...more]);
  must(role === 'controller', `${domain} has its first node as controller`);
  console.log(`${domain}: had no controller, so this node became it, at ${urls['shell-backend']}`);
  return urls['shell-backend'] ?? '';
}

async function runKmeans(env: NodeJS.ProcessEnv, group: JobGroupBody, folder: string): Promise<void> {
  const told = group.jobs?.[0]?.resource?.conditions?.find(({ type }) => type === 'Available')?.message ?? '';
  const agents = [...told.matchAll(/(http:\/\/[\d.:]+) \(link (\d+)\)/g)].map(([, url = '', link = '']) => ({
    url,
    link,
  }));
  must(agents.length === AGENTS, `${AGENTS} agents are told: ${told}`);
  const [first, ...others] = agents;
  const onFirst = { ...env, METAKERNEL_AGENT: first?.url };
  for (const [index, { link }] of others.entries()) {
    const added = await metakernel(onFirst, [
      'add-resources',
      '--cpu',
      '1',
      `pool-${index + 1}`,
      'Host=127.0.0.1',
      `Port=${link}`,
    ]);
    must(added.code === 0, 'an agent is added to the pool');
  }
  const files = await makeDataset(folder, POINTS);
  const names = files.map((file) => `@${file}`).join(',');
  const { k, iterations, epsilon, seed } = OPTIONS;
  // A word that begins with @ would be a file of the call; @@ makes it text.
  const words = [`@${names}`, k, iterations, epsilon, seed].map(String);
  console.log(`\nk-means of ${POINTS} points in ${files.length} files, on ${AGENTS} agents:`);
  const { code, out } = await metakernel(onFirst, ['call', '--json', 'kmeans.ts', 'train', ...words]);
  must(code === 0, `k-means: ${out.slice(0, 500)}`);
  const { results } = JSON.parse(out) as { readonly results: readonly { readonly value?: unknown }[] };
  const model = results[0]?.value as Model;
  const error = maxRelativeError(model, referenceKmeans(files, OPTIONS));
  console.log(
    `  ${model.iterations} iterations, inertia ${model.inertia.toFixed(1)}, off a plain run by ${error.toExponential(1)}`,
  );
  must(error <= TOLERANCE, 'the centres are those of a plain run');
  await metakernel(onFirst, ['resources']);
}

async function demo(opened: AsyncDisposableStack, folder: string): Promise<void> {
  const prometheus = await startPrometheus(opened, folder);
  const light = await serve(opened, 'lighthouse', [
    'controller',
    '--only=lighthouse',
    '--shell-port=0',
    `--state-dir=${join(folder, 'light')}`,
  ]);
  const lighthouse = light.urls['lighthouse'] ?? '';
  const [dom1] = await Promise.all([
    joinDomain(opened, folder, lighthouse, 'dom1', prometheus),
    joinDomain(opened, folder, lighthouse, 'dom2', []),
  ]);
  const env = {
    ...process.env,
    METAKERNEL_LIGHTHOUSE: lighthouse,
    METAKERNEL_SHELL_SESSION: join(folder, 'session.json'),
  };
  const onDom1 = { ...env, METAKERNEL_CONTROLLER: dom1 };
  await untilListed(env);
  await metakernel(onDom1, ['shell', 'resources']);

  const pool = join(folder, 'pool.yaml');
  writeFileSync(pool, poolDescriptor('agents', '{cpu: 1}'));
  must(
    (await metakernel(onDom1, ['shell', 'deployments', 'create', '--file', pool, '--watch'])).code === 0,
    'the pool is deployed',
  );
  const [group] = JSON.parse((await metakernel(onDom1, ['shell', 'deployments', 'list', '--json'])).out) as [
    JobGroupBody,
  ];
  await metakernel(onDom1, ['shell', 'jobs', 'story', group.jobs?.[0]?.ID ?? '']);
  await runKmeans(env, group, folder);

  const large = join(folder, 'large.yaml');
  writeFileSync(large, poolDescriptor('too-large', '{cpu: 4096, memory: 64Ti}'));
  const refused = await metakernel(onDom1, ['shell', 'deployments', 'create', '--file', large]);
  must(/cpu: .* wanted/.test(refused.out), 'it is said why something does not fit');

  const stopped = await metakernel(onDom1, ['shell', 'deployments', 'stop', group.ID, '--watch']);
  must(/Stopped/.test(stopped.out), 'the pool is undeployed');
  must((await metakernel(onDom1, ['shell', 'deployments', 'delete', group.ID])).code === 0, 'it is forgotten');
  must(processesIn(join(folder, 'dom1')).length === 0, 'no agent is left');
}

/** Both controllers announce themselves a moment after they listen. */
async function untilListed(env: NodeJS.ProcessEnv): Promise<void> {
  for (const deadline = Date.now() + 15_000; ; await new Promise((resolve) => setTimeout(resolve, 200))) {
    const answer = await fetch(`${env['METAKERNEL_LIGHTHOUSE']}/api/v3/controller`);
    if (answer.ok && answer.status === 200 && ((await answer.json()) as unknown[]).length === 2) break;
    must(Date.now() < deadline, 'both controllers are listed');
  }
  await metakernel(env, ['shell', 'controllers']);
}

function processesIn(folder: string): readonly string[] {
  return readdirSync('/proc').filter((pid) => {
    try {
      return /^\d+$/.test(pid) && readlinkSync(`/proc/${pid}/cwd`).startsWith(folder);
    } catch {
      return false;
    }
  });
}

const folder = mkdtempSync(join(tmpdir(), 'metakernel-demo-controller-'));
const opened = new AsyncDisposableStack();
const interrupted = Promise.withResolvers<never>();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.once(signal, () => interrupted.reject(new DemoError(`ended by ${signal}`)));
}
try {
  await Promise.race([demo(opened, folder), interrupted.promise]);
  process.exitCode = 0;
} catch (thrown) {
  console.error(thrown instanceof DemoError ? `\n${thrown.message}` : thrown);
  process.exitCode = 1;
}
await opened.disposeAsync();
const left = processesIn(folder);
rmSync(folder, { recursive: true, force: true });
console.log(left.length === 0 ? '\nEverything has ended; nothing is left.' : `\nstill running: ${left.join(', ')}`);
process.exit(left.length === 0 ? process.exitCode : 1);
