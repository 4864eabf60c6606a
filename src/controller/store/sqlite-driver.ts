import { resolve } from 'node:path';
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';
import {
  type CompiledQuery,
  type DatabaseConnection,
  type Driver,
  type QueryResult,
  CompiledQuery as Raw,
  type TransactionSettings,
} from 'kysely';
import { databaseError } from './database-error.ts';

export interface SqliteOptions {
  /** A file, or `:memory:`. */
  readonly path: string;
  /** How long a statement waits for another process that is writing. */
  readonly busyTimeoutMs: number;
  /** `full` survives a power cut; `normal` loses the last moments of one, never of a killed process. */
  readonly synchronous: 'full' | 'normal';
}

/**
 * One connection to one file in WAL mode. node:sqlite is synchronous, so a second connection of this process would
 * gain nothing; transactions take turns. They begin immediate: a transaction that reads first and writes later would
 * otherwise fail when another process wrote in between.
 */
export class SqliteDriver implements Driver {
  readonly #options: SqliteOptions;
  readonly #turns: Turns;
  #connection: SqliteConnection | undefined;

  constructor(options: SqliteOptions) {
    this.#options = options;
    this.#turns = turnsAt(options.path);
  }

  async init(): Promise<void> {
    await this.#turns.take();
    try {
      this.#connection = this.#open();
    } finally {
      this.#turns.pass();
    }
  }

  #open(): SqliteConnection {
    const database = new DatabaseSync(this.#options.path, {
      timeout: this.#options.busyTimeoutMs,
      enableForeignKeyConstraints: true,
    });
    database.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = ${this.#options.synchronous}`);
    return new SqliteConnection(database);
  }

  async acquireConnection(): Promise<DatabaseConnection> {
    await this.#turns.take();
    if (this.#connection === undefined) throw new Error('the driver is not initialised');
    return this.#connection;
  }

  releaseConnection(): Promise<void> {
    this.#turns.pass();
    return Promise.resolve();
  }

  async beginTransaction(connection: DatabaseConnection, _settings: TransactionSettings): Promise<void> {
    await connection.executeQuery(Raw.raw('begin immediate'));
  }

  async commitTransaction(connection: DatabaseConnection): Promise<void> {
    await connection.executeQuery(Raw.raw('commit'));
  }

  async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    await connection.executeQuery(Raw.raw('rollback'));
  }

  destroy(): Promise<void> {
    this.#connection?.close();
    this.#connection = undefined;
    return Promise.resolve();
  }
}

/** Compiled statements are kept: compiling costs more than running most of them. */
const MAX_STATEMENTS = 256;

class SqliteConnection implements DatabaseConnection {
  readonly #database: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();

  constructor(database: DatabaseSync) {
    this.#database = database;
  }

  executeQuery<Row>(query: CompiledQuery): Promise<QueryResult<Row>> {
    try {
      const statement = this.#statement(query.sql);
      const parameters = query.parameters as SQLInputValue[];
      if (statement.columns().length > 0) return Promise.resolve({ rows: statement.all(...parameters) as Row[] });
      const { changes } = statement.run(...parameters);
      return Promise.resolve({ rows: [], numAffectedRows: BigInt(changes) });
    } catch (thrown) {
      return Promise.reject(databaseError(thrown));
    }
  }

  // biome-ignore lint/correctness/useYield: the interface wants a generator, and nothing here streams
  async *streamQuery<Row>(): AsyncIterableIterator<QueryResult<Row>> {
    throw new Error('streaming is not supported: read pages instead');
  }

  close(): void {
    this.#statements.clear();
    this.#database.close();
  }

  #statement(sql: string): StatementSync {
    const known = this.#statements.get(sql);
    if (known !== undefined) return known;
    const oldest = this.#statements.size >= MAX_STATEMENTS ? this.#statements.keys().next().value : undefined;
    if (oldest !== undefined) this.#statements.delete(oldest);
    const statement = this.#database.prepare(sql);
    this.#statements.set(sql, statement);
    return statement;
  }
}

/**
 * Turns belong to the file: a connection waiting for another one of the same thread would block the thread that the
 * other needs to go on. Held weakly, so that a file nobody has open is forgotten.
 */
const turnsByFile = new Map<string, WeakRef<Turns>>();

function turnsAt(path: string): Turns {
  if (path === ':memory:') return new Turns();
  const file = resolve(path);
  const known = turnsByFile.get(file)?.deref();
  if (known !== undefined) return known;
  for (const [other, turns] of turnsByFile) if (turns.deref() === undefined) turnsByFile.delete(other);
  const turns = new Turns();
  turnsByFile.set(file, new WeakRef(turns));
  return turns;
}

/** First come, first served. */
class Turns {
  readonly #waiting: (() => void)[] = [];
  #taken = false;

  take(): Promise<void> {
    if (!this.#taken) {
      this.#taken = true;
      return Promise.resolve();
    }
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  pass(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#taken = false;
    else next();
  }
}
