import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { join } from 'node:path';
import type { AgentSpec, PortName } from './workload.ts';

export interface AgentProgram {
  /** What starts the CLI: a program and its first arguments (`node`, `…/bin/metakernel`). */
  readonly command: readonly [string, ...string[]];
  readonly host: string;
  readonly readyMs: number;
  /** From SIGTERM to SIGKILL. */
  readonly graceMs: number;
}

export interface AgentStart {
  readonly name: string;
  readonly spec: AgentSpec;
  readonly ports: Readonly<Record<PortName, number>>;
  /** Of its own: working directory and logs. */
  readonly folder: string;
}

/** One agent as a child of this process. */
export interface AgentProcess {
  readonly pid: number;
  readonly url: string;
  /** Port of the agent link: with it another agent takes this one into its pool. */
  readonly linkPort: number;
  /** Resolves when its REST interface answers; rejects with the reason when it ends before that or takes too long. */
  readonly ready: Promise<void>;
  /** Resolves with how it ended, whatever ended it. */
  readonly ended: Promise<string>;
  stop(): Promise<void>;
}

const PROBE_MS = 100;

/**
 * Starts an agent that cannot outlive this process: it holds the other end of the agent's standard input, which the
 * kernel closes however this process ends, and the agent ends with its input (`--exit-with-parent`).
 */
export function startAgent(program: AgentProgram, start: AgentStart): AgentProcess {
  mkdirSync(start.folder, { recursive: true });
  const [command, ...first] = program.command;
  const log = openSync(join(start.folder, 'agent.log'), 'a');
  const child = spawn(command, [...first, 'agent', 'start', ...argumentsOf(program, start)], {
    cwd: start.folder,
    env: environmentOf(start.spec),
    stdio: ['pipe', log, log],
    detached: true,
  });
  closeSync(log);
  child.stdin?.on('error', () => undefined);
  const ended = endOf(child);
  const url = `http://${program.host}:${start.ports.rest}`;
  const ready = readiness(url, ended, program.readyMs);
  ready.catch(() => undefined);
  return {
    pid: child.pid ?? -1,
    url,
    linkPort: start.ports.grpc,
    ready,
    ended,
    stop: () => stop(child, ended, program.graceMs),
  };
}

/** What the manifest says comes last and wins, but for the ports: two agents of one machine must not share them. */
function argumentsOf({ host }: AgentProgram, { name, spec, ports }: AgentStart): readonly string[] {
  const { cpus, memoryBytes } = spec;
  return [
    '--exit-with-parent',
    ...['--host', host, '--name', name],
    ...(cpus === undefined ? [] : ['--cpus', String(cpus)]),
    ...(memoryBytes === undefined ? [] : ['--memory', String(memoryBytes / 2 ** 30)]),
    ...spec.args,
    ...['--rest-port', String(ports.rest), '--grpc-port', String(ports.grpc), '--data-port', String(ports.data)],
  ];
}

/** Only what a program needs to run at all: the environment of a controller holds secrets. */
const INHERITED = ['PATH', 'HOME', 'LANG', 'LC_ALL', 'TZ', 'TMPDIR'] as const;

const environmentOf = ({ env }: AgentSpec): NodeJS.ProcessEnv => ({
  ...Object.fromEntries(INHERITED.map((name) => [name, process.env[name]]).filter(([, value]) => value !== undefined)),
  ...env,
});

function endOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    child.once('error', (error) => resolve(`it could not be started: ${error.message}`));
    child.once('exit', (code, signal) =>
      resolve(signal === null ? `it ended with code ${code}` : `${signal} ended it`),
    );
  });
}

async function readiness(url: string, ended: Promise<string>, readyMs: number): Promise<void> {
  const deadline = performance.now() + readyMs;
  let end: string | undefined;
  void ended.then((how) => {
    end = how;
  });
  while (end === undefined) {
    const answer = await fetch(`${url}/COMPSs/test`, { signal: AbortSignal.timeout(1_000) }).catch(() => undefined);
    // Any answer is one: an agent with a token file refuses this request and is up.
    if (answer !== undefined) return void (await answer.arrayBuffer());
    if (performance.now() > deadline) throw new Error(`it did not answer at ${url} in ${readyMs} ms`);
    await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, PROBE_MS))]);
  }
  throw new Error(end);
}

async function stop(child: ChildProcess, ended: Promise<string>, graceMs: number): Promise<void> {
  signalGroup(child, 'SIGTERM');
  const timer = setTimeout(() => signalGroup(child, 'SIGKILL'), graceMs);
  await ended;
  clearTimeout(timer);
  // Whatever it started and left behind.
  signalGroup(child, 'SIGKILL');
}

function signalGroup({ pid }: ChildProcess, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch {
    // The group has ended.
  }
}
