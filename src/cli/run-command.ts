import { packageVersion } from '../telemetry/version.ts';
import { CliError, EXIT, usageError } from './exit.ts';
import { commandHelp, generalHelp } from './help.ts';
import { type Invocation, runEntry } from './invocation.ts';
import { findCommand } from './registry.ts';
import type { Terminal } from './terminal.ts';

/** Runs one command line; resolves with its exit code and never rejects. */
export async function runCommand(invocation: Invocation): Promise<number> {
  try {
    return await dispatch(invocation);
  } catch (error) {
    return report(error, invocation);
  }
}

type OwnParser = (argv: readonly string[], invocation: Invocation) => Promise<number>;

/** Commands that read their arguments themselves. */
const OWN_PARSERS: ReadonlyMap<string, () => Promise<OwnParser>> = new Map([
  ['agent', async () => (await import('./commands/agent.ts')).agent],
  ['worker', async () => (await import('./commands/worker.ts')).worker],
  ['run', async () => (await import('./commands/run.ts')).run],
  ['controller', async () => (await import('./commands/controller.ts')).controller],
  ['join', async () => (await import('./commands/controller.ts')).join],
  ['certs', async () => (await import('./commands/certs.ts')).certs],
  ['shell', async () => (await import('./commands/shell.ts')).shell],
]);

async function dispatch(invocation: Invocation): Promise<number> {
  const [name, ...rest] = invocation.argv;
  const { terminal } = invocation;
  if (name === undefined) {
    terminal.error(generalHelp());
    return EXIT.usage;
  }
  if (name === 'version' || name === '--version' || name === '-v') {
    terminal.out(packageVersion());
    return EXIT.ok;
  }
  if (name === 'help' || name === '--help' || name === '-h') return help(rest[0], terminal);
  const own = OWN_PARSERS.get(name);
  if (own !== undefined) return (await own())(rest, invocation);
  const entry = findCommand(name);
  if (entry === undefined) throw usageError(`there is no command ${name}; see metakernel help`);
  return runEntry(entry, rest, invocation);
}

async function help(name: string | undefined, terminal: Terminal): Promise<number> {
  const entry = name === undefined ? undefined : findCommand(name);
  if (name !== undefined && entry === undefined && !OWN_PARSERS.has(name)) {
    throw usageError(`there is no command ${name}; see metakernel help`);
  }
  if (entry !== undefined) terminal.out(commandHelp(entry, await entry.load()));
  else terminal.out(name === undefined ? generalHelp() : `see metakernel ${name} --help`);
  return EXIT.ok;
}

function report(error: unknown, { terminal, argv }: Invocation): number {
  if (!(error instanceof CliError)) {
    terminal.error(`metakernel: ${messageOf(error)}`);
    return EXIT.failed;
  }
  if (argv.includes('--json') && error.body !== undefined) terminal.out(JSON.stringify(error.body));
  terminal.error(`metakernel: ${error.message}`);
  return error.exitCode;
}

const messageOf = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error);
  const code = (error as { code?: unknown }).code;
  return typeof code === 'string' && code.startsWith('ERR_') ? `${error.message} (${code})` : error.message;
};
