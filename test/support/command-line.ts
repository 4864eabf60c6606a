import { runCommand } from '../../src/cli/run-command.ts';

export interface CommandResult {
  readonly exitCode: number;
  readonly out: string;
  readonly err: string;
}

export interface CommandSurroundings {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

/** Runs a command line in this process. */
export async function commandLine(
  argv: readonly string[],
  { env = {}, cwd = import.meta.dirname }: CommandSurroundings = {},
): Promise<CommandResult> {
  const out: string[] = [];
  const err: string[] = [];
  const exitCode = await runCommand({
    argv,
    env,
    cwd,
    terminal: {
      interactive: false,
      colours: false,
      columns: 100,
      out: (line) => out.push(`${line}\n`),
      error: (line) => err.push(`${line}\n`),
      raw: (chunk) => out.push(Buffer.from(chunk).toString()),
      status: () => undefined,
    },
    interrupted: new AbortController().signal,
  });
  return { exitCode, out: out.join(''), err: err.join('') };
}
