import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { startProcess } from '../process.ts';
import { isThere } from './docker.ts';

const START_MS = 60_000;
const STOP_MS = 30_000;
const POLL_MS = 100;

/** A Docker engine, and how a program is started that can reach the ports it publishes. */
export interface Engine extends AsyncDisposable {
  /** Goes before the command of such a program. */
  readonly enter: readonly string[];
  readonly env: NodeJS.ProcessEnv;
}

/** Why there can be no engine here; undefined when there is one or one can be started. */
export async function engineMissing(): Promise<string | undefined> {
  if (!(await isThere('docker', ['--version']))) return 'there is no docker command';
  if (await isThere('docker', ['version'])) return undefined;
  if (process.platform !== 'linux' || process.getuid?.() !== 0)
    return 'no Docker engine answers, and only root can start one';
  for (const [command, ...args] of OWN_ENGINE_NEEDS) {
    if (!(await isThere(command, args))) return `no Docker engine answers, and to start one ${command} is missing`;
  }
  const rights = await isThere('unshare', ['--net', 'ip', 'link', 'set', 'lo', 'up']);
  return rights ? undefined : 'no Docker engine answers, and no network namespace can be made for one';
}

const OWN_ENGINE_NEEDS = [
  ['dockerd', '--version'],
  ['iptables', '--version'],
  ['unshare', '--version'],
  ['nsenter', '--version'],
  ['ip', '-V'],
] as const;

/** The engine that answers; else one of our own that ends with us. */
export async function openEngine(signal: AbortSignal): Promise<Engine> {
  if (await isThere('docker', ['version'])) {
    return { enter: [], env: process.env, [Symbol.asyncDispose]: () => Promise.resolve() };
  }
  return startEngine(signal);
}

/**
 * In a network namespace of its own, which goes with its last process: bridges, addresses and packet filters of this
 * machine stay as they are.
 */
async function startEngine(signal: AbortSignal): Promise<Engine> {
  const folder = mkdtempSync(join(tmpdir(), 'mk-engine-'));
  const host = `unix://${join(folder, 'docker.sock')}`;
  const pidFile = join(folder, 'dockerd.pid');
  const said: string[] = [];
  const flags = [
    ['--data-root', join(folder, 'data')],
    ['--exec-root', join(folder, 'exec')],
    ['--pidfile', pidFile],
    ['--host', host],
    ['--dns-opt', 'timeout:1'],
    ['--dns-opt', 'attempts:1'],
  ].flat();
  const daemon = startProcess(
    'unshare',
    ['--net', 'sh', '-c', 'ip link set lo up && exec dockerd "$@"', 'dockerd', ...flags],
    {
      watch: 'guard',
      graceMs: STOP_MS,
      onLine: (line) => {
        if (said.push(line) > 20) said.shift();
      },
    },
  );
  const dispose = async (): Promise<void> => {
    await daemon[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  };
  const env = { ...process.env, DOCKER_HOST: host };
  try {
    const deadline = performance.now() + START_MS;
    // The engine has no other sign of being ready than that it answers.
    while (!(await isThere('docker', ['--host', host, 'version']))) {
      signal.throwIfAborted();
      if (daemon.exit() !== undefined || performance.now() > deadline) {
        throw new Error(`the Docker engine did not start: ${said.join('\n')}`);
      }
      await pause(POLL_MS);
    }
    const pid = readFileSync(pidFile, 'utf8').trim();
    return { enter: ['nsenter', `--net=/proc/${pid}/ns/net`], env, [Symbol.asyncDispose]: dispose };
  } catch (error) {
    await dispose();
    throw error;
  }
}
