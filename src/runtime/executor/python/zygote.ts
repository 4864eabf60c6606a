import { type ChildProcess, spawn } from 'node:child_process';
import type { Writable } from 'node:stream';

export interface ZygoteOptions {
  readonly interpreter: string;
  /** Folder that holds the package `metakernel`. */
  readonly bindings: string;
  /** Directories for sys.path, first first, before what PYTHONPATH of the agent says. */
  readonly pythonPath: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
}

export interface ZygoteEvents {
  /** A worker has gone, and why: 'exit code 3', 'signal 9 (SIGKILL)'. */
  exited(worker: number, how: string): void;
  /** It has gone itself, and all workers with it. `reason` has what it printed; `killed`: by a signal, not by itself. */
  gone(reason: string, killed: boolean): void;
}

const BOOT = 'import sys; sys.path[:] = [p for p in sys.path if p]; from metakernel.zygote import main; main()';
const STDERR_CHARACTERS = 2000;

/**
 * The process that workers are forked from. Orders go to its standard input and notices come on its descriptor 3, a line
 * each; it ends when its standard input does, and dies with this process however that ends.
 */
export class Zygote {
  readonly #child: ChildProcess;
  readonly #events: ZygoteEvents;
  readonly #interpreter: string;
  readonly #exited: Promise<void>;
  #stderr = '';
  #rest = '';
  #over = false;

  constructor(options: ZygoteOptions, events: ZygoteEvents) {
    this.#events = events;
    this.#interpreter = options.interpreter;
    const known = options.env['PYTHONPATH'];
    const path = [options.bindings, ...options.pythonPath, ...(known ? [known] : [])].join(':');
    this.#child = spawn(options.interpreter, ['-c', BOOT], {
      stdio: ['pipe', 'ignore', 'pipe', 'pipe'],
      env: { ...options.env, PYTHONPATH: path, METAKERNEL_PARENT: String(process.pid) },
    });
    this.#exited = new Promise((resolve) => {
      const end = (how: string, killed: boolean): void => {
        resolve();
        this.#end(how, killed);
      };
      this.#child.on('error', (error) => end(error.message, false));
      this.#child.on('close', (code, signal) => end(signal ?? `exit code ${code}`, signal !== null));
    });
    this.#child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-STDERR_CHARACTERS);
    });
    (this.#child.stdio[3] as NodeJS.ReadableStream).setEncoding('utf8').on('data', (text: string) => this.#read(text));
    this.#orders.on('error', () => undefined);
  }

  get #orders(): Writable {
    return this.#child.stdin!;
  }

  /**
   * `paths`: the socket that the worker connects to, its control file, the start of the paths of its output files, the
   * folder for large values, and the folder for those that have no room there.
   */
  fork(worker: number, paths: readonly string[]): void {
    this.#orders.write(`F\t${worker}\t${paths.join('\t')}\n`);
  }

  /** To the worker alone, or to its whole process group. Nothing when it has gone. */
  signal(worker: number, signal: number, group: boolean): void {
    if (this.#orders.writable) this.#orders.write(`K\t${worker}\t${signal}\t${group ? 1 : 0}\n`);
  }

  async close(): Promise<void> {
    this.#over = true;
    this.#orders.end();
    await this.#exited;
  }

  #read(text: string): void {
    const lines = (this.#rest + text).split('\n');
    this.#rest = lines.pop() ?? '';
    for (const line of lines) {
      const [kind, worker, how] = line.split('\t');
      if (kind === 'X') this.#events.exited(Number(worker), how ?? '');
    }
  }

  #end(how: string, killed: boolean): void {
    if (this.#over) return;
    this.#over = true;
    const said = this.#stderr.trim();
    this.#events.gone(`${this.#interpreter}: ${how}${said === '' ? '' : `: ${said}`}`, killed);
  }
}
