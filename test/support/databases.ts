import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe } from 'vitest';
import { type Database, openDatabase } from '../../src/controller/store/database.ts';
import { type PostgresServer, postgresProblem, startPostgres } from './postgres.ts';

/** What a suite that runs on both databases gets: as many empty ones as it asks for. */
export interface DatabaseSource {
  readonly kind: 'sqlite' | 'postgres';
  /** The URL of a new, empty database. */
  createUrl(): Promise<string>;
  /** A new one, opened and migrated; closed by the test (`await using`). */
  open(): Promise<Database>;
  /** The server, where there is one, to be crashed and restarted. */
  server(): PostgresServer;
}

/** Runs the suite on SQLite and, where it is installed, on PostgreSQL; says so where it is not. */
export function onEveryDatabase(name: string, suite: (source: DatabaseSource) => void): void {
  describe(`${name} on SQLite`, () => suite(sqliteSource()));
  onPostgres(name, suite);
}

export function onPostgres(name: string, suite: (source: DatabaseSource) => void): void {
  const problem = postgresProblem();
  if (problem !== undefined) console.warn(`skipped: ${name} on PostgreSQL: ${problem}`);
  describe.skipIf(problem !== undefined)(`${name} on PostgreSQL`, () => suite(postgresSource()));
}

function sqliteSource(): DatabaseSource {
  let folder = '';
  let files = 0;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'metakernel-sqlite-'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const createUrl = (): Promise<string> => {
    files += 1;
    return Promise.resolve(join(folder, `${files}.db`));
  };
  return {
    kind: 'sqlite',
    createUrl,
    open: async () => openDatabase({ url: await createUrl() }),
    server: () => {
      throw new Error('SQLite has no server');
    },
  };
}

function postgresSource(): DatabaseSource {
  let server: PostgresServer | undefined;
  beforeAll(async () => {
    server = await startPostgres();
  });
  afterAll(() => server?.[Symbol.asyncDispose]());
  const running = (): PostgresServer => {
    if (server === undefined) throw new Error('PostgreSQL is started before the first test');
    return server;
  };
  return {
    kind: 'postgres',
    createUrl: () => running().createDatabase(),
    open: async () => openDatabase({ url: await running().createDatabase(), connectTimeoutMs: 1000 }),
    server: running,
  };
}
