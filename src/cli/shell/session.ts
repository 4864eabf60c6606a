/** What the shell remembers between two calls: the controller in use, and the log-in at each. */
import { chmodSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { CliError } from '../exit.ts';

const session = z.object({
  controller: z.string().optional(),
  /** Refresh tokens by the controller that they were given by: none is ever sent to another one. */
  tokens: z.record(z.string(), z.string()).default({}),
});
export type Session = z.output<typeof session>;

export function sessionFile(env: NodeJS.ProcessEnv): string {
  const base = env['XDG_CONFIG_HOME'] ?? join(env['HOME'] ?? homedir(), '.config');
  return env['METAKERNEL_SHELL_SESSION'] ?? join(base, 'metakernel', 'shell.json');
}

export function readSession(env: NodeJS.ProcessEnv): Session {
  const file = sessionFile(env);
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return { tokens: {} };
    throw new CliError(`the session ${file} cannot be read: ${String(thrown)}`);
  }
  try {
    return session.parse(JSON.parse(text));
  } catch {
    throw new CliError(`${file} is no session of this shell; remove it and log in again`);
  }
}

/** Whole or not at all, and for its owner alone. */
export function writeSession(env: NodeJS.ProcessEnv, value: Session): void {
  const file = sessionFile(env);
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const draft = `${file}.${process.pid}`;
  writeFileSync(draft, `${JSON.stringify(value, null, 2)}\n`, { mode: 0o600 });
  chmodSync(draft, 0o600);
  renameSync(draft, file);
}
