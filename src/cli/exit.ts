/** What a command ends with. Scripts rely on the numbers. */
export const EXIT = {
  ok: 0,
  /** The application failed or was lost; the request was refused. */
  failed: 1,
  usage: 2,
  cancelled: 3,
  /** The agent cannot be reached. */
  unreachable: 4,
  interrupted: 130,
} as const;

/** Ends the command with a message on stderr. */
export class CliError extends Error {
  readonly exitCode: number;
  /** Body of the agent's refusal, for --json. */
  readonly body: unknown;

  constructor(message: string, exitCode: number = EXIT.failed, body?: unknown) {
    super(message);
    this.exitCode = exitCode;
    this.body = body;
  }
}

export const usageError = (message: string): CliError => new CliError(message, EXIT.usage);
