import { afterAll } from 'vitest';
import { type Database, openDatabase } from '../../../src/controller/store/database.ts';
import { type PostgresServer, startPostgres } from '../postgres.ts';

/**
 * Suites that need a database and care not which run on SQLite, and once more on PostgreSQL with
 * `MK_TEST_DATABASE=postgres` (the suite "controller on PostgreSQL" of `make test-long`).
 */
const onPostgres = process.env['MK_TEST_DATABASE'] === 'postgres';

let starting: Promise<PostgresServer> | undefined;
const urls = new Map<string, Promise<string>>();

if (onPostgres) {
  afterAll(async () => {
    await (await starting)?.[Symbol.asyncDispose]();
  }, 60_000);
}

async function createUrl(): Promise<string> {
  starting ??= startPostgres();
  return (await starting).createDatabase();
}

/** A new database, migrated; closed by the test. */
export const openTierDatabase = async (): Promise<Database> =>
  openDatabase({ url: onPostgres ? await createUrl() : ':memory:' });

/** What a controller is told beside its flags: one database for all that share a state directory. */
export async function databaseFlags(flags: readonly string[]): Promise<readonly string[]> {
  const state = flags.find((flag) => flag.startsWith('--state-dir='));
  if (!onPostgres || state === undefined || flags.some((flag) => flag.startsWith('--database='))) return [];
  const url = urls.get(state) ?? createUrl();
  urls.set(state, url);
  return [`--database=${await url}`];
}
