import { RuntimeError } from '../../common/errors.ts';

/** PostgreSQL's classes 08 (connection), 53 (resources), 57P (shutting down), and what sockets say. */
const UNAVAILABLE = /^(08|53|57P)|^E(CONN|PIPE|TIMEDOUT|HOSTUNREACH|NOTFOUND|AI_AGAIN)/;
/** SQLite: locked beyond the time-out, no space, disk error, not a database, cannot open. */
const SQLITE_UNAVAILABLE: ReadonlySet<number> = new Set([5, 6, 10, 13, 14, 26]);
/** SQLite's extended codes carry the plain one in their low byte. */
const SQLITE_PRIMARY = 0xff;
/** pg's own errors have no code. */
const CONNECTION_TEXT = /timeout exceeded when trying to connect|Connection terminated|connection error|Client has/i;
const RETRIED = new Set(['40001', '40P01']);

interface DriverError extends Error {
  readonly code?: string;
  readonly errcode?: number;
  readonly syscall?: string;
}

/** A database that is away is an error of the table; everything else stays what it was. */
export function databaseError(thrown: unknown): unknown {
  if (!(thrown instanceof Error)) return thrown;
  const { code = '', errcode, syscall, message } = thrown as DriverError;
  const sqlite = errcode !== undefined && SQLITE_UNAVAILABLE.has(errcode & SQLITE_PRIMARY);
  if (!sqlite && syscall !== 'connect' && !UNAVAILABLE.test(code) && !(code === '' && CONNECTION_TEXT.test(message)))
    return thrown;
  return new RuntimeError('ERR_DATABASE_UNAVAILABLE', { reason: message || code }, { cause: thrown });
}

/** PostgreSQL gave one of two conflicting transactions up; running it again is the answer. */
export const isSerializationFailure = (thrown: unknown): boolean =>
  thrown instanceof Error && RETRIED.has((thrown as DriverError).code ?? '');

/** The database answered, and a row with that key is there already. */
export function isUniqueViolation(thrown: unknown): boolean {
  if (!(thrown instanceof Error)) return false;
  const { code, errcode } = thrown as DriverError;
  return code === '23505' || errcode === 2067 || errcode === 1555;
}
