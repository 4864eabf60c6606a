import { parseArguments } from './args.ts';
import { AgentClient, type ConnectionOptions, connectionOf } from './client.ts';
import { type Command, type CommandContext, GLOBAL_OPTIONS } from './commands/command.ts';
import { EXIT } from './exit.ts';
import { commandHelp } from './help.ts';
import type { Entry } from './registry.ts';
import type { Terminal } from './terminal.ts';

export interface Invocation {
  readonly argv: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  readonly cwd: string;
  readonly terminal: Terminal;
  readonly interrupted: AbortSignal;
}

export async function runEntry(entry: Entry, argv: readonly string[], invocation: Invocation): Promise<number> {
  const command = await entry.load();
  const options = { ...GLOBAL_OPTIONS, ...command.options };
  const args = parseArguments(argv, options, command.stopAtPositional ?? 0);
  if (args.options.help) {
    invocation.terminal.out(commandHelp(entry, command));
    return EXIT.ok;
  }
  return command.run(args as Parameters<Command['run']>[0], contextOf(invocation, args.options));
}

interface GlobalValues extends ConnectionOptions {
  readonly json: boolean;
  readonly quiet: boolean;
}

export function contextOf({ env, cwd, terminal, interrupted }: Invocation, values: GlobalValues): CommandContext {
  const client = new AgentClient(connectionOf(values, env));
  return { client, terminal, env, cwd, interrupted, json: values.json, quiet: values.quiet || values.json };
}
