import type { Arguments, Options } from '../args.ts';
import type { AgentClient } from '../client.ts';
import { usageError } from '../exit.ts';
import type { Terminal } from '../terminal.ts';

/** Options that every command takes. */
export const GLOBAL_OPTIONS = {
  agent: {
    kind: 'text',
    short: 'a',
    help: 'Address of the agent: URL, host:port or host (METAKERNEL_AGENT; 127.0.0.1:46101)',
  },
  tokenFile: {
    kind: 'text',
    help: 'File with the bearer token (METAKERNEL_TOKEN_FILE; METAKERNEL_TOKEN holds one itself)',
  },
  ca: { kind: 'text', help: 'CA that the agent has a certificate of, PEM (METAKERNEL_CA)' },
  cert: { kind: 'text', help: 'Certificate to show to the agent, PEM (METAKERNEL_CERT)' },
  key: { kind: 'text', help: 'Private key of --cert, PEM (METAKERNEL_KEY)' },
  json: { kind: 'switch', help: 'JSON on stdout, for scripts' },
  quiet: { kind: 'switch', short: 'q', help: 'No progress' },
  help: { kind: 'switch', short: 'h', help: 'This text' },
} as const satisfies Options;

export interface CommandContext {
  readonly client: AgentClient;
  readonly terminal: Terminal;
  readonly json: boolean;
  readonly quiet: boolean;
  readonly env: NodeJS.ProcessEnv;
  readonly cwd: string;
  /** Aborted by the first Ctrl-C. */
  readonly interrupted: AbortSignal;
}

export interface Command<O extends Options = Options> {
  /** What follows the name. */
  readonly usage: string;
  readonly details?: string;
  readonly options: O;
  /** Positionals after which everything belongs to the program that is run. */
  readonly stopAtPositional?: number;
  run(args: Arguments<O>, context: CommandContext): Promise<number>;
}

/** Keeps the types of the options for `run`, then forgets them. */
export const command = <O extends Options>(definition: Command<O>): Command => definition as unknown as Command;

export function required(args: { readonly positionals: readonly string[] }, place: number, what: string): string {
  const value = args.positionals[place];
  if (value === undefined) throw usageError(`${what} is missing`);
  return value;
}

export function noMore(args: { readonly positionals: readonly string[] }, count: number): void {
  const extra = args.positionals[count];
  if (extra !== undefined) throw usageError(`${JSON.stringify(extra)} is one argument too many`);
}
