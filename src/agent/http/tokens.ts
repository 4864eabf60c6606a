import { createHash, timingSafeEqual } from 'node:crypto';
import { RuntimeError } from '../../common/errors.ts';
import { ROLES, type Role } from '../../contracts/agent/role.ts';

/** Bearer tokens as digests: comparing takes the same time whatever the text, and the tokens themselves are not kept. */
export interface TokenTable {
  /** Undefined: no token of this table. */
  roleOf(token: string): Role | undefined;
}

const MIN_LENGTH = 16;

/**
 * One token a line, optionally after a role (`read s3cret…`; admin when none is given). Empty lines and those that
 * start with `#` are skipped. Throws ERR_CONFIG_INVALID without ever repeating a token.
 */
export function parseTokens(text: string): TokenTable {
  const entries = text
    .split(/\r?\n/)
    .map((line, index) => ({ line: line.trim(), number: index + 1 }))
    .filter(({ line }) => line !== '' && !line.startsWith('#'))
    .map(({ line, number }) => parseLine(line, number));
  if (entries.length === 0) throw invalid('holds no token');
  return { roleOf: (token) => find(entries, token) };
}

interface Entry {
  readonly digest: Buffer;
  readonly role: Role;
}

function parseLine(line: string, number: number): Entry {
  const words = line.split(/\s+/);
  const token = words.at(-1) ?? '';
  const role = words.length === 1 ? 'admin' : ROLES.find((name) => name === words[0]);
  if (words.length > 2 || role === undefined) throw invalid(`line ${number} must be "<token>" or "<role> <token>"`);
  if (token.length < MIN_LENGTH) throw invalid(`the token in line ${number} has less than ${MIN_LENGTH} characters`);
  return { digest: digestOf(token), role };
}

/** Looks at every entry: the time does not tell which one matched. */
function find(entries: readonly Entry[], token: string): Role | undefined {
  const digest = digestOf(token);
  let role: Role | undefined;
  for (const entry of entries) if (timingSafeEqual(entry.digest, digest)) role = entry.role;
  return role;
}

const digestOf = (token: string): Buffer => createHash('sha256').update(token).digest();

const invalid = (reason: string): RuntimeError => new RuntimeError('ERR_CONFIG_INVALID', { key: 'tokenFile', reason });

/** What this agent shows to other agents of its pool: its first token of the role admin, else of run. */
export function outgoingToken(text: string): string | undefined {
  const lines = text
    .split(/\r?\n/)
    .map((line) => line.trim().split(/\s+/))
    .filter(([first = '']) => first !== '' && !first.startsWith('#'));
  const found =
    lines.find((words) => words.length === 1 || words[0] === 'admin') ?? lines.find(([first]) => first === 'run');
  return found?.at(-1);
}
