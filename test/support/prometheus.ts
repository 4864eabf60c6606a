import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';

/** Why there can be no Prometheus here, or undefined when there can. */
export function prometheusProblem(): string | undefined {
  if (spawnSync('prometheus', ['--version']).error) return 'Prometheus is not installed (Debian: prometheus)';
  if (spawnSync('setpriv', ['--version']).error) return 'setpriv (util-linux) is not installed';
  return undefined;
}

/** A page of metrics over HTTP whose text a test decides. */
export interface Exporter extends AsyncDisposable {
  readonly address: string;
  metrics: string;
  /** Scrapes that were answered with the present text. */
  readonly scrapes: () => number;
}

export async function startExporter(metrics: string): Promise<Exporter> {
  let text = metrics;
  let scrapes = 0;
  const server = createHttpServer((_request, response) => {
    response.writeHead(200, { 'content-type': 'text/plain; version=0.0.4' }).end(text);
    scrapes += 1;
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    get metrics() {
      return text;
    },
    set metrics(next) {
      text = next;
      scrapes = 0;
    },
    scrapes: () => scrapes,
    [Symbol.asyncDispose]: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

/**
 * A real Prometheus on loopback with a data directory of its own. It dies with this process, also when that is killed.
 */
export interface PrometheusServer extends AsyncDisposable {
  readonly url: string;
  /** Resolves with the value once the expression has one; for "it has been scraped". */
  until(expression: string, accept?: (value: number) => boolean): Promise<number>;
  stop(): Promise<void>;
  /** Again on the same port and data. */
  restart(): Promise<void>;
}

export interface PrometheusOptions {
  readonly targets: readonly string[];
  /** A scrape that does not end within it makes every series of its target stale. */
  readonly scrapeIntervalMs?: number;
}

const DEADLINE_MS = 60_000;
const POLL_MS = 50;

export async function startPrometheus({
  targets,
  scrapeIntervalMs = 1000,
}: PrometheusOptions): Promise<PrometheusServer> {
  const folder = mkdtempSync(join(tmpdir(), 'metakernel-prometheus-'));
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  writeFileSync(join(folder, 'prometheus.yml'), configuration(targets, scrapeIntervalMs));
  let process = await run(folder, port, url);
  const stop = async (): Promise<void> => {
    if (process.exitCode !== null || process.signalCode !== null) return;
    const ended = once(process, 'exit');
    process.kill('SIGKILL');
    await ended;
  };
  return {
    url,
    async until(expression, accept = () => true) {
      const deadline = Date.now() + DEADLINE_MS;
      for (;;) {
        const value = await firstValue(url, expression);
        if (value !== undefined && accept(value)) return value;
        if (Date.now() > deadline) throw new Error(`Prometheus had no fitting value for ${expression}: ${value}`);
        await wait(POLL_MS);
      }
    },
    stop,
    restart: async () => {
      process = await run(folder, port, url);
    },
    [Symbol.asyncDispose]: async () => {
      await stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

const configuration = (targets: readonly string[], scrapeIntervalMs: number): string =>
  [
    'global:',
    `  scrape_interval: ${scrapeIntervalMs}ms`,
    `  scrape_timeout: ${scrapeIntervalMs}ms`,
    'scrape_configs:',
    '- job_name: fleet',
    '  honor_labels: true',
    '  static_configs:',
    `  - targets: ${JSON.stringify(targets)}`,
    '',
  ].join('\n');

async function run(folder: string, port: number, url: string): Promise<ReturnType<typeof spawn>> {
  const server = spawn(
    'setpriv',
    [
      '--pdeathsig=KILL',
      'prometheus',
      `--config.file=${join(folder, 'prometheus.yml')}`,
      `--storage.tsdb.path=${join(folder, 'data')}`,
      `--web.listen-address=127.0.0.1:${port}`,
      '--log.level=error',
    ],
    { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] },
  );
  let log = '';
  server.stderr?.on('data', (chunk: Buffer) => (log = (log + chunk.toString()).slice(-4000)));
  const deadline = Date.now() + DEADLINE_MS;
  for (;;) {
    const ready = await fetch(`${url}/-/ready`).catch(() => undefined);
    if (ready?.ok === true) return server;
    if (server.exitCode !== null || Date.now() > deadline) throw new Error(`Prometheus did not start:\n${log}`);
    await wait(POLL_MS);
  }
}

async function firstValue(url: string, expression: string): Promise<number | undefined> {
  const answer = await fetch(`${url}/api/v1/query?query=${encodeURIComponent(expression)}`);
  const body = (await answer.json()) as { data?: { result?: { value: [number, string] }[] } };
  const value = body.data?.result?.[0]?.value[1];
  return value === undefined ? undefined : Number(value);
}

/** Prometheus cannot be asked which port it took, so one is looked for first. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
