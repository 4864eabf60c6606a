import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

export interface ProcessOptions {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  /**
   * How the child learns that we are gone. `stdin`: it watches its standard input itself, as an agent with
   * `--exit-with-parent` does. `guard`: any other program, under guard.ts.
   */
  readonly watch: 'stdin' | 'guard';
  /** Time from SIGTERM to SIGKILL. */
  readonly graceMs?: number;
  /** Gets every line the child prints; without it the output goes where ours goes. */
  readonly onLine?: (line: string, stream: 'stdout' | 'stderr') => void;
}

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/**
 * A child that does not outlive us, however we end. It has a process group of its own, so that Ctrl-C in a terminal
 * reaches us alone and we end it in order. Disposing stops it and waits for its end.
 */
export interface RunningProcess extends AsyncDisposable {
  /** Of the child itself; of its guard with `watch: 'guard'`. */
  readonly pid: number;
  /** Rejects when the program cannot be started. */
  readonly exited: Promise<Exit>;
  /** Undefined while it runs. */
  exit(): Exit | undefined;
  kill(signal: NodeJS.Signals): void;
  /** SIGTERM, after the grace SIGKILL; resolves when it has ended. */
  stop(): Promise<Exit>;
}

const DEFAULT_GRACE_MS = 10_000;
const guard = join(import.meta.dirname, 'guard.ts');

export function startProcess(program: string, args: readonly string[], options: ProcessOptions): RunningProcess {
  const { watch, graceMs = DEFAULT_GRACE_MS } = options;
  const [command, argv] =
    watch === 'guard' ? [process.execPath, [guard, String(graceMs), program, ...args]] : [program, [...args]];
  const output = options.onLine === undefined ? 'inherit' : 'pipe';
  const child = spawn(command, argv, {
    cwd: options.cwd,
    env: options.env ?? process.env,
    detached: true,
    stdio: ['pipe', output, output],
  });
  // The pipe is only held open; a child that is gone already must not raise EPIPE here.
  child.stdin?.on('error', () => undefined);
  if (options.onLine !== undefined) forwardLines(child, options.onLine);
  return manage(child, watch === 'guard' ? graceMs + 1_000 : graceMs);
}

function forwardLines(child: ChildProcess, onLine: NonNullable<ProcessOptions['onLine']>): void {
  for (const stream of ['stdout', 'stderr'] as const) {
    const input = child[stream];
    if (input !== null) createInterface({ input }).on('line', (line) => onLine(line, stream));
  }
}

function manage(child: ChildProcess, graceMs: number): RunningProcess {
  let ended: Exit | undefined;
  const exited = new Promise<Exit>((resolve, reject) => {
    child.once('error', reject);
    // 'close' and not 'exit': by then its last lines have been read.
    child.once('close', (code, signal) => {
      ended = { code, signal };
      resolve(ended);
    });
  });
  exited.catch(() => undefined);
  const stop = async (): Promise<Exit> => {
    child.kill('SIGTERM');
    const timer = setTimeout(() => child.kill('SIGKILL'), graceMs);
    try {
      return await exited;
    } finally {
      clearTimeout(timer);
    }
  };
  return {
    pid: child.pid ?? -1,
    exited,
    exit: () => ended,
    kill: (signal) => void child.kill(signal),
    stop,
    [Symbol.asyncDispose]: async () => {
      await stop().catch(() => undefined);
    },
  };
}
