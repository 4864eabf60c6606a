import { closeSync, openSync } from 'node:fs';
import { RuntimeError } from '../../../common/errors.ts';
import { encode } from '../../data/value-codec.ts';
import { writes } from '../../model/access.ts';
import type { ExecutionRequest, ExecutorHost } from '../../ports.ts';
import { AttemptData, type FileOutput } from './attempt-data.ts';
import { type Arguments, hookWords, programWords } from './command-line.ts';
import { containerCommand, findEngine } from './container.ts';
import { GuardedProcess, type ProcessEnd, type ProcessSpec } from './guarded-process.ts';
import { allowedPath, findProgram } from './places.ts';
import { type ProgramHook, type ProgramSettings, parseProgramSettings } from './program-settings.ts';

export interface ProgramContext {
  /** Variables that every program gets. */
  readonly environment: Readonly<Record<string, string>>;
  /** Directories that programs are found in, beside PATH. */
  readonly codePaths: readonly string[];
  /** Directories that working directories and stream files may lie in, beside the attempt's own. */
  readonly directories: readonly string[];
  readonly containerOptions: readonly string[];
}

/** What an attempt leaves when it ends well. */
export interface ProgramOutputs {
  readonly files: readonly FileOutput[];
  readonly results: readonly Uint8Array<ArrayBuffer>[];
}

/** A program that is killed by nobody we know ran out of memory, or somebody ended it: not the fault of the task. */
export class ProgramLost extends Error {}

/** Thrown after `stop`, whatever came of the program. */
export class ProgramStopped extends Error {}

/** Printed text kept for a result, and the end of stderr kept for a message; in bytes. */
const MOST_RESULT = 64 * 2 ** 20;
const MOST_REASON = 2048;

type Streams = Pick<ProcessSpec, 'stdin' | 'stdout' | 'stderr'>;

/** One attempt of a BINARY or CONTAINER task: prolog, the program, epilog, one after the other. */
export class ProgramAttempt {
  readonly #request: ExecutionRequest;
  readonly #host: ExecutorHost;
  readonly #context: ProgramContext;
  readonly #settings: ProgramSettings;
  readonly #data: AttemptData;
  #process: GuardedProcess | undefined;
  #stopped = false;
  #stdout: Buffer[] = [];
  #stdoutBytes = 0;
  #stderr = Buffer.alloc(0);

  /** Throws what is wrong with the request. */
  constructor(request: ExecutionRequest, host: ExecutorHost, context: ProgramContext) {
    this.#request = request;
    this.#host = host;
    this.#context = context;
    this.#settings = parseProgramSettings(request.implementation);
    this.#data = new AttemptData(request);
  }

  async run(): Promise<ProgramOutputs> {
    const { values, accessOf } = this.#data.arguments();
    const { parameters, prolog, epilog } = this.#settings;
    const args: Arguments = { program: this.#request.implementation.module, values, parameters };
    if (prolog !== undefined) await this.#runHook(prolog, args);
    const end = await this.#runProgram(args, accessOf);
    if (epilog !== undefined) await this.#runHook(epilog, args);
    return { results: this.#results(end), files: this.#data.collect() };
  }

  /** SIGTERM, after the grace SIGKILL, to the program and all that it has started. */
  stop(graceMs: number): void {
    this.#stopped = true;
    this.#process?.stop(graceMs);
  }

  async #runHook(hook: ProgramHook, args: Arguments): Promise<void> {
    const program = this.#find(hook.binary);
    const words = hookWords(hook.params, args);
    const spec = { program, args: words, cwd: this.#workingDir(), env: this.#environment() };
    this.#check(hook.binary, await this.#execute(spec), hook.failByExitValue);
  }

  async #runProgram(args: Arguments, accessOf: ReadonlyMap<number, number>): Promise<ProcessEnd> {
    const { implementation } = this.#request;
    const words = programWords(this.#settings.args, args);
    const opened: number[] = [];
    try {
      const streams = this.#openStreams(accessOf, opened);
      this.#stdout = [];
      this.#stdoutBytes = 0;
      const container = implementation.language === 'CONTAINER';
      const end = await this.#execute({
        ...(container ? this.#inContainer(words, streams) : this.#plain(words)),
        ...streams,
      });
      if (container) this.#checkEngine(end);
      this.#check(implementation.module, end, this.#settings.failByExitValue);
      return end;
    } finally {
      for (const fd of opened) closeSync(fd);
    }
  }

  #plain(words: readonly string[]): Omit<ProcessSpec, 'onOutput'> {
    const program = this.#find(this.#request.implementation.module);
    return { program, args: words, cwd: this.#workingDir(), env: this.#environment() };
  }

  #inContainer(words: readonly string[], streams: Streams): Omit<ProcessSpec, 'onOutput'> {
    const { environment, containerOptions } = this.#context;
    const { workingDir } = this.#request;
    const engine = findEngine(this.#settings.engine, environment['PATH'] ?? '');
    const cwd = this.#workingDir();
    const { args, container } = containerCommand({
      settings: this.#settings,
      engine,
      options: containerOptions,
      workingDir: cwd,
      writable: [workingDir, cwd],
      readOnly: this.#data.linkedFiles(),
      environment: this.#taskVariables(),
      interactive: streams.stdin !== undefined,
      command: [this.#request.implementation.module, ...words],
    });
    return { program: engine, args, cwd: workingDir, env: environment, container };
  }

  // ------------------------------------------------------------------------------------------ one process

  async #execute(spec: Omit<ProcessSpec, 'onOutput'>): Promise<ProcessEnd> {
    if (this.#stopped) throw new ProgramStopped();
    this.#stderr = Buffer.alloc(0);
    this.#process = new GuardedProcess({ ...spec, onOutput: (stream, chunk) => this.#printed(stream, chunk) });
    const end = await this.#process.ended;
    this.#process = undefined;
    // Its fate is that of whoever stopped it.
    if (this.#stopped) throw new ProgramStopped();
    return end;
  }

  #printed(stream: 'stdout' | 'stderr', chunk: Buffer): void {
    this.#host.output(this.#request.invocation, stream, chunk);
    if (stream === 'stderr') {
      this.#stderr = Buffer.concat([this.#stderr, chunk]).subarray(-MOST_REASON);
    } else if (this.#settings.result !== 'exitValue') {
      this.#stdoutBytes += chunk.length;
      if (this.#stdoutBytes <= MOST_RESULT) this.#stdout.push(chunk);
    }
  }

  #check(program: string, { exitValue, signal }: ProcessEnd, failByExitValue: boolean): void {
    if (signal === 'SIGKILL') throw new ProgramLost(`${program} was killed from outside`);
    if (signal === null && (exitValue === 0 || !failByExitValue)) return;
    const end = signal === null ? `ended with exit value ${exitValue}` : `was ended by ${signal}`;
    throw new RuntimeError('ERR_PROGRAM_FAILED', { program, end, exitValue: exitValue ?? -1, reason: this.#reason() });
  }

  /** 125 is the engine's own: no such image, no daemon, an option that it does not know. */
  #checkEngine({ exitValue }: ProcessEnd): void {
    if (exitValue !== 125) return;
    const { engine = 'The container engine', image } = this.#settings;
    throw new RuntimeError('ERR_CONTAINER_ENGINE', { engine, image, reason: this.#reason() });
  }

  #reason(): string {
    return this.#stderr.toString().trim();
  }

  // ------------------------------------------------------------------------------------------ surroundings

  #find(program: string): string {
    const { environment, codePaths } = this.#context;
    return findProgram(program, { path: environment['PATH'] ?? '', directories: codePaths });
  }

  #workingDir(): string {
    const { workingDir } = this.#settings;
    return workingDir === undefined ? this.#request.workingDir : this.#allowed(workingDir, 'settings.workingDir');
  }

  #allowed(path: string, field: string): string {
    const base = this.#request.workingDir;
    return allowedPath(path, field, base, [base, ...this.#context.directories]);
  }

  #environment(): Readonly<Record<string, string>> {
    return { ...this.#context.environment, ...this.#taskVariables() };
  }

  #taskVariables(): Readonly<Record<string, string>> {
    const { booking, gpus, hostNames = [] } = this.#request;
    const threads = String(Math.max(1, booking.cpus));
    return {
      COMPSS_NUM_THREADS: threads,
      OMP_NUM_THREADS: threads,
      COMPSS_NUM_NODES: String(Math.max(1, hostNames.length)),
      ...(hostNames.length === 0 ? {} : { COMPSS_HOSTNAMES: hostNames.join(',') }),
      ...(gpus.length === 0 ? {} : { CUDA_VISIBLE_DEVICES: gpus.join(',') }),
      ...this.#settings.env,
    };
  }

  // ------------------------------------------------------------------------------------------ streams

  /** Those that are parameters, then those that the settings name. Every file is also put into `opened`. */
  #openStreams(accessOf: ReadonlyMap<number, number>, opened: number[]): Streams {
    const streams: { -readonly [K in keyof Streams]: Streams[K] } = {};
    const set = (name: 'stdin' | 'stdout' | 'stderr', path: string, flags: string): void => {
      const fd = openSync(path, flags);
      opened.push(fd);
      streams[name] = fd;
    };
    for (const name of ['stdin', 'stdout', 'stderr'] as const) {
      const path = this.#settings[name];
      if (path !== undefined) set(name, this.#allowed(path, `settings.${name}`), name === 'stdin' ? 'r' : 'w');
    }
    this.#settings.parameters.forEach(({ stream }, position) => {
      if (stream === 'UNSPECIFIED') return;
      const name = stream.toLowerCase() as 'stdin' | 'stdout' | 'stderr';
      const { path, append } = this.#streamFile(accessOf.get(position), position);
      set(name, path, name === 'stdin' ? 'r' : append ? 'a' : 'w');
    });
    return streams;
  }

  #streamFile(index: number | undefined, position: number): { readonly path: string; readonly append: boolean } {
    const access = index === undefined ? undefined : this.#request.accesses[index];
    if (index !== undefined && access?.kind === 'file') {
      return { path: this.#data.path(index), append: access.direction !== 'OUT' };
    }
    const task = this.#request.implementation.module;
    throw new RuntimeError('ERR_PARAMETER_INVALID', { task, position, reason: 'a standard stream needs a file' });
  }

  // ------------------------------------------------------------------------------------------ results

  #results({ exitValue }: ProcessEnd): readonly Uint8Array<ArrayBuffer>[] {
    const { accesses, outputs } = this.#request;
    const returns = outputs.length - accesses.filter(({ direction }) => writes(direction)).length;
    if (returns === 0) return [];
    if (returns > 1) throw new RuntimeError('ERR_RETURN_COUNT', { returns, found: '1' });
    if (this.#settings.result === 'exitValue') return [encode(exitValue ?? 0)];
    const printed = this.#printedText();
    return [encode(this.#settings.result === 'stdout' ? printed : this.#parsed(printed))];
  }

  #printedText(): string {
    if (this.#stdoutBytes <= MOST_RESULT) return Buffer.concat(this.#stdout).toString();
    throw this.#badResult(`it printed more than ${MOST_RESULT} bytes`);
  }

  #parsed(printed: string): unknown {
    try {
      return JSON.parse(printed) as unknown;
    } catch (error) {
      throw this.#badResult(`it printed no JSON: ${(error as Error).message}`);
    }
  }

  #badResult(reason: string): RuntimeError {
    const program = this.#request.implementation.module;
    return new RuntimeError('ERR_PROGRAM_FAILED', { program, end: 'gave no result', reason });
  }
}
