import { join } from 'node:path';
import { type RunningProcess, startProcess } from '../../../scripts/process.ts';
import { runCommand } from '../../../src/cli/run-command.ts';
import type { CommandResult } from '../command-line.ts';
import { databaseFlags } from './tier-database.ts';

const launcher = join(import.meta.dirname, '../../../bin/metakernel');

interface Listening {
  readonly pid: number;
  readonly domain: string;
  readonly role?: string;
  readonly urls: Readonly<Record<string, string>>;
}

const FREE_PORTS = ['shell', 'aggregator', 'job-manager', 'matchmaker'].map((name) => `--${name}-port=0`);

/** `metakernel controller` (or `join`) as a process of its own, on free ports unless told otherwise. It dies with this one. */
export class RunningControllerProcess implements AsyncDisposable {
  readonly process: RunningProcess;
  readonly listening: Listening;
  readonly log: readonly string[];

  private constructor(process: RunningProcess, listening: Listening, log: readonly string[]) {
    this.process = process;
    this.listening = listening;
    this.log = log;
  }

  static async start(flags: readonly string[], command = 'controller'): Promise<RunningControllerProcess> {
    const log: string[] = [];
    const listening = Promise.withResolvers<Listening>();
    const all = [
      ...FREE_PORTS,
      '--json',
      '--exit-with-parent',
      '--driver-poll-ms=100',
      ...(await databaseFlags(flags)),
      ...flags,
    ];
    const process = startProcess(launcher, [command, ...all], {
      watch: 'stdin',
      graceMs: 20_000,
      onLine: (line, stream) => {
        log.push(line);
        if (stream === 'stdout' && line.startsWith('{"pid":')) listening.resolve(JSON.parse(line) as Listening);
      },
    });
    const ended = process.exited.then(({ code, signal }) => {
      throw new Error(`the controller ended (${code ?? signal}) before it listened:\n${log.join('\n')}`);
    });
    ended.catch(() => undefined);
    return new RunningControllerProcess(process, await Promise.race([listening.promise, ended]), log);
  }

  get url(): string {
    return this.listening.urls['shell-backend'] ?? '';
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.process[Symbol.asyncDispose]();
  }
}

/** Runs `metakernel shell …` in this process. */
export async function runShell(
  argv: readonly string[],
  env: NodeJS.ProcessEnv,
  interrupted = new AbortController().signal,
  onLine: (line: string) => void = () => undefined,
): Promise<CommandResult> {
  const out: string[] = [];
  const err: string[] = [];
  const exitCode = await runCommand({
    argv: ['shell', ...argv],
    env,
    cwd: import.meta.dirname,
    terminal: {
      interactive: false,
      colours: false,
      columns: 100,
      out: (line) => {
        out.push(`${line}\n`);
        onLine(line);
      },
      error: (line) => err.push(`${line}\n`),
      raw: (chunk) => out.push(Buffer.from(chunk).toString()),
      status: () => undefined,
    },
    interrupted,
  });
  return { exitCode, out: out.join(''), err: err.join('') };
}
