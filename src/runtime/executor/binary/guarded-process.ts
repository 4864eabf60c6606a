import { type ChildProcess, execFile, spawn } from 'node:child_process';

/** A container that the process stands for: it is the engine's, so it outlives the process unless it is removed. */
export interface ContainerName {
  readonly engine: string;
  readonly name: string;
}

export interface ProcessSpec {
  /** Path of an executable file. */
  readonly program: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  /** Open files that the process gets as its standard streams; absent: nothing to read, and `onOutput` gets the rest. */
  readonly stdin?: number;
  readonly stdout?: number;
  readonly stderr?: number;
  readonly container?: ContainerName;
  readonly onOutput: (stream: 'stdout' | 'stderr', chunk: Buffer) => void;
}

export interface ProcessEnd {
  /** Null when a signal ended it. */
  readonly exitValue: number | null;
  readonly signal: NodeJS.Signals | null;
}

/**
 * The program replaces the shell, in a process group of its own. Beside it a watcher reads a pipe whose other end the
 * agent holds: the kernel closes it however the agent dies, and the watcher then kills the group (a container is
 * removed first, twice because a dying client may still be creating it). A program that leaves its group escapes.
 */
const GUARD = `engine=$1 name=$2; shift 2
( trap '' TERM INT HUP; exec </dev/null >/dev/null 2>&1; read -r _ <&3
  if [ -n "$name" ]; then kill -s KILL "$$"; "$engine" rm -f "$name"; sleep 1; "$engine" rm -f "$name"; fi
  kill -s KILL -- "-$$" ) &
exec 3<&-
exec "$@"`;

/** One running program with all that it starts. */
export class GuardedProcess {
  readonly #child: ChildProcess;
  readonly #container: ContainerName | undefined;
  readonly #env: ProcessSpec['env'];
  readonly ended: Promise<ProcessEnd>;
  #over = false;
  #stopping = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(spec: ProcessSpec) {
    const { program, args, cwd, env, stdin, stdout, stderr, container } = spec;
    this.#container = container;
    this.#env = env;
    this.#child = spawn(
      '/bin/sh',
      ['-c', GUARD, 'metakernel', container?.engine ?? '', container?.name ?? '', program, ...args],
      { cwd, env, detached: true, stdio: [stdin ?? 'ignore', stdout ?? 'pipe', stderr ?? 'pipe', 'pipe'] },
    );
    for (const stream of ['stdout', 'stderr'] as const) {
      this.#child[stream]?.on('data', (chunk: Buffer) => spec.onOutput(stream, chunk));
    }
    // Nobody writes to it; a watcher that was killed must not raise ECONNRESET here.
    this.#child.stdio[3]?.on('error', () => undefined);
    this.ended = this.#follow();
  }

  /** SIGTERM to the group, SIGKILL after the grace; 0 or less: at once. */
  stop(graceMs: number): void {
    if (this.#over || this.#timer !== undefined) return;
    this.#stopping = true;
    if (graceMs <= 0) {
      this.#kill();
      return;
    }
    this.#signal('SIGTERM');
    this.#timer = setTimeout(() => this.#kill(), graceMs);
  }

  #follow(): Promise<ProcessEnd> {
    return new Promise((resolve, reject) => {
      this.#child.once('error', reject);
      this.#child.once('exit', () => {
        this.#over = true;
        clearTimeout(this.#timer);
        // An engine's client that is told to end does so before its container has: until that is gone the watcher stays.
        // The group is what was left behind, and the watcher: it lives as long as one of them does.
        if (this.#stopping) this.#remove(() => this.#signal('SIGKILL'));
        else this.#signal('SIGKILL');
      });
      this.#child.once('close', (exitValue, signal) => {
        this.#child.stdio[3]?.destroy();
        resolve({ exitValue, signal });
      });
    });
  }

  /** A client ends with its container; without an engine that answers, the client is all there is to kill. */
  #kill(): void {
    this.#remove(() => {
      if (!this.#over) this.#signal('SIGKILL');
    });
  }

  #remove(then: () => void): void {
    if (this.#container === undefined) then();
    else execFile(this.#container.engine, ['rm', '-f', this.#container.name], { env: this.#env }, then);
  }

  #signal(signal: NodeJS.Signals): void {
    const { pid } = this.#child;
    if (pid === undefined) return;
    try {
      process.kill(-pid, signal);
    } catch {
      // The group has ended already.
    }
  }
}
