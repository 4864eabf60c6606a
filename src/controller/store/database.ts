import { Kysely, Migrator, sql, type Transaction } from 'kysely';
import { RuntimeError } from '../../common/errors.ts';
import { databaseError, isSerializationFailure } from './database-error.ts';
import { MIGRATIONS } from './migrations/index.ts';
import { createPostgresDialect } from './postgres-pool.ts';
import type { Schema } from './schema.ts';
import { SqliteDialect } from './sqlite-dialect.ts';

export interface DatabaseOptions {
  /** `postgres://…`, `sqlite:<file>` or the path of a file. */
  readonly url: string;
  readonly maxConnections?: number;
  readonly connectTimeoutMs?: number;
  readonly statementTimeoutMs?: number;
  readonly synchronous?: 'full' | 'normal';
}

export type Query = Kysely<Schema> | Transaction<Schema>;

/** The state of the tier. Services ask through `query` and `transaction`; nobody keeps a copy. */
export interface Database extends AsyncDisposable {
  readonly kind: 'sqlite' | 'postgres';
  readonly query: Kysely<Schema>;
  /** All or nothing. May run `work` again when the database gave one of two conflicting transactions up. */
  transaction<T>(work: (query: Transaction<Schema>) => Promise<T>): Promise<T>;
  /** For health answers: undefined when the database answers, else why not. */
  probe(): Promise<string | undefined>;
}

const MAX_ATTEMPTS = 5;

/** Opens the database and brings its schema up to date; processes that do so at once wait for each other. */
export async function openDatabase(options: DatabaseOptions): Promise<Database> {
  const kind = /^postgres(ql)?:/.test(options.url) ? 'postgres' : 'sqlite';
  const query = new Kysely<Schema>({ dialect: kind === 'postgres' ? postgres(options) : sqlite(options) });
  try {
    await migrate(query);
  } catch (thrown) {
    await query.destroy();
    throw thrown;
  }
  return {
    kind,
    query,
    transaction: (work) => retrying(() => query.transaction().execute(work)),
    probe: () => probe(query),
    [Symbol.asyncDispose]: () => query.destroy(),
  };
}

const postgres = (options: DatabaseOptions) =>
  createPostgresDialect({
    url: options.url,
    maxConnections: options.maxConnections ?? 10,
    connectTimeoutMs: options.connectTimeoutMs ?? 3000,
    statementTimeoutMs: options.statementTimeoutMs ?? 10_000,
  });

const sqlite = (options: DatabaseOptions) =>
  new SqliteDialect({
    path: options.url.replace(/^sqlite:(\/\/)?/, ''),
    busyTimeoutMs: options.statementTimeoutMs ?? 5000,
    synchronous: options.synchronous ?? 'full',
  });

async function migrate(query: Kysely<Schema>): Promise<void> {
  const migrator = new Migrator({ db: query, provider: { getMigrations: () => Promise.resolve({ ...MIGRATIONS }) } });
  const { error, results } = await migrator.migrateToLatest();
  if (error === undefined) return;
  const failed = results?.find((result) => result.status === 'Error')?.migrationName ?? 'before the first step';
  const known = databaseError(error);
  if (known instanceof RuntimeError) throw known;
  throw new Error(`the schema could not be brought up to date (${failed})`, { cause: error });
}

async function retrying<T>(work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await work();
    } catch (thrown) {
      if (attempt >= MAX_ATTEMPTS || !isSerializationFailure(thrown)) throw thrown;
    }
  }
}

async function probe(query: Kysely<Schema>): Promise<string | undefined> {
  try {
    await sql`select 1`.execute(query);
    return undefined;
  } catch (thrown) {
    return thrown instanceof Error ? thrown.message : String(thrown);
  }
}
