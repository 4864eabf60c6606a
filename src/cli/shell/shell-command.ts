import type { Arguments, Options } from '../args.ts';
import { usageError } from '../exit.ts';
import type { Terminal } from '../terminal.ts';
import type { ControllerApi } from './controller-api.ts';

/** Options that every command of the shell takes. */
export const SHELL_OPTIONS = {
  controller: {
    kind: 'text',
    short: 'c',
    help: 'Controller to talk to (METAKERNEL_CONTROLLER; the one in use; 127.0.0.1:8080)',
  },
  lighthouse: { kind: 'text', help: 'Lighthouse to ask for a controller that answers (METAKERNEL_LIGHTHOUSE)' },
  json: { kind: 'switch', help: 'JSON on stdout, for scripts' },
  help: { kind: 'switch', short: 'h', help: 'This text' },
} as const satisfies Options;

export interface ShellContext {
  readonly terminal: Terminal;
  readonly env: NodeJS.ProcessEnv;
  readonly cwd: string;
  readonly interrupted: AbortSignal;
  readonly json: boolean;
  readonly lighthouse: string | undefined;
  /** The controller; asked for only by commands that need one. */
  connect(): Promise<ControllerApi>;
}

export interface ShellCommand<O extends Options = Options> {
  /** Words that name it, each with its other spellings: `deployments|deployment create`. */
  readonly name: string;
  readonly usage: string;
  readonly summary: string;
  readonly options: O;
  run(args: Arguments<O>, context: ShellContext): Promise<number>;
}

/** Keeps the types of the options for `run`, then forgets them. */
export const shellCommand = <O extends Options>(definition: ShellCommand<O>): ShellCommand =>
  definition as unknown as ShellCommand;

export function idIn(args: { readonly positionals: readonly string[] }, what: string): string {
  const [id, extra] = args.positionals;
  if (id === undefined) throw usageError(`the id of the ${what} is missing`);
  if (extra !== undefined) throw usageError(`${JSON.stringify(extra)} is one argument too many`);
  return encodeURIComponent(id);
}

export function noArguments(args: { readonly positionals: readonly string[] }): void {
  const [extra] = args.positionals;
  if (extra !== undefined) throw usageError(`${JSON.stringify(extra)} is one argument too many`);
}
