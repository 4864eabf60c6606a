import { PostgresDialect, type PostgresPool, type PostgresPoolClient } from 'kysely';
import pg from 'pg';
import { databaseError } from './database-error.ts';

export interface PostgresOptions {
  /** `postgres://user:password@host:port/database?…` */
  readonly url: string;
  readonly maxConnections: number;
  readonly connectTimeoutMs: number;
  readonly statementTimeoutMs: number;
}

const INT8 = 20;

/** Times and counters are 64-bit columns that stay far below 2^53. */
const types = {
  getTypeParser: ((oid: number, format?: 'text' | 'binary') =>
    oid === INT8 && format !== 'binary'
      ? Number
      : pg.types.getTypeParser(oid, format)) as typeof pg.types.getTypeParser,
};

export const createPostgresDialect = (options: PostgresOptions): PostgresDialect =>
  new PostgresDialect({ pool: new TranslatingPool(options) });

/** A pool whose errors say that the database is away when it is; it connects anew by itself when it is back. */
class TranslatingPool implements PostgresPool {
  readonly #pool: pg.Pool;
  readonly #names = new StatementNames();

  constructor(options: PostgresOptions) {
    this.#pool = new pg.Pool({
      connectionString: options.url,
      max: options.maxConnections,
      connectionTimeoutMillis: options.connectTimeoutMs,
      statement_timeout: options.statementTimeoutMs,
      idle_in_transaction_session_timeout: options.statementTimeoutMs,
      application_name: 'metakernel',
      keepAlive: true,
      types,
    });
    // An idle connection that the server closes is thrown away by the pool; without a listener it would end the process.
    this.#pool.on('error', () => undefined);
  }

  async connect(): Promise<PostgresPoolClient> {
    const client = await this.#pool.connect().catch(rethrow);
    return new TranslatingClient(client, this.#names);
  }

  end(): Promise<void> {
    return this.#pool.end();
  }
}

const rethrow = (thrown: unknown): never => {
  throw databaseError(thrown);
};

const MAX_NAMES = 200;

/**
 * Statements with a name are parsed and planned once per connection. Only the first so many different ones get a name:
 * lists of values make ever new texts, and the server keeps each of them.
 */
class StatementNames {
  readonly #names = new Map<string, string>();

  of(text: string): string | undefined {
    const known = this.#names.get(text);
    if (known !== undefined || this.#names.size >= MAX_NAMES) return known;
    const name = `mk${this.#names.size}`;
    this.#names.set(text, name);
    return name;
  }
}

class TranslatingClient {
  readonly #client: pg.PoolClient;
  readonly #names: StatementNames;
  readonly #onError = (): void => undefined;

  constructor(client: pg.PoolClient, names: StatementNames) {
    this.#client = client;
    this.#names = names;
    client.on('error', this.#onError);
  }

  query = (async (sql: string, parameters: readonly unknown[]) => {
    try {
      const name = this.#names.of(sql);
      const values = [...parameters];
      return await this.#client.query(name === undefined ? { text: sql, values } : { name, text: sql, values });
    } catch (thrown) {
      throw databaseError(thrown);
    }
  }) as unknown as PostgresPoolClient['query'];

  release(): void {
    this.#client.off('error', this.#onError);
    this.#client.release();
  }
}
