import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';
import type { CompiledQuery, DatabaseConnection, Driver, QueryResult, TransactionSettings } from 'kysely';
import { databaseError } from './database-error.ts';
import { CommitGroup } from './sqlite-commit-group.ts';
import { type Turns, turnsAt } from './sqlite-turns.ts';

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
  #file: OpenFile | undefined;
  #gathering: NodeJS.Immediate | undefined;

  constructor(options: SqliteOptions) {
    this.#options = options;
    this.#turns = turnsAt(options.path);
  }

  async init(): Promise<void> {
    await this.#turns.take(this);
    try {
      this.#file = new OpenFile(this.#options);
    } finally {
      this.#turns.pass();
    }
  }

  async acquireConnection(): Promise<DatabaseConnection> {
    await this.#turns.take(this);
    if (this.#file === undefined) throw new Error('the driver is not initialised');
    return new Turn(this.#file);
  }

  releaseConnection(connection: DatabaseConnection): Promise<void> {
    const turn = connection as Turn;
    if (!turn.isPassed) this.#end(turn);
    return Promise.resolve();
  }

  beginTransaction(connection: DatabaseConnection, _settings: TransactionSettings): Promise<void> {
    return attempt(() => (connection as Turn).begin());
  }

  /** The turn ends here, not with the release: whoever is next may share the commit that this one waits for. */
  async commitTransaction(connection: DatabaseConnection): Promise<void> {
    const turn = connection as Turn;
    const isDurable = turn.join();
    this.#end(turn);
    await isDurable;
  }

  rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    return attempt(() => (connection as Turn).leave());
  }

  destroy(): Promise<void> {
    this.#turns.finishRest(this);
    this.#file?.close();
    this.#file = undefined;
    return Promise.resolve();
  }

  #end(turn: Turn): void {
    turn.isPassed = true;
    const { group } = turn.file;
    if (group.isOpen && !group.isFull && this.#turns.isFree) {
      this.#gather(group);
      return;
    }
    if (group.isFull || !this.#turns.isNext(this)) group.commit();
    this.#turns.pass();
  }

  /** Nobody waits: what arrives in the same round of the event loop may still share the commit. */
  #gather(group: CommitGroup): void {
    const finish = (): void => void group.commit();
    this.#turns.rest(this, finish);
    clearImmediate(this.#gathering);
    this.#gathering = setImmediate(() => this.#turns.finishRest(this));
  }
}

function attempt(work: () => void): Promise<void> {
  try {
    work();
    return Promise.resolve();
  } catch (thrown) {
    return Promise.reject(databaseError(thrown));
  }
}

/** Compiled statements are kept: compiling costs more than running most of them. */
const MAX_STATEMENTS = 256;

class OpenFile {
  readonly group: CommitGroup;
  readonly #database: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();

  constructor(options: SqliteOptions) {
    this.#database = new DatabaseSync(options.path, {
      timeout: options.busyTimeoutMs,
      enableForeignKeyConstraints: true,
    });
    this.#database.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = ${options.synchronous}`);
    this.group = new CommitGroup(this.#database);
  }

  run<Row>(query: CompiledQuery): QueryResult<Row> {
    try {
      const statement = this.#statement(query.sql);
      const parameters = query.parameters as SQLInputValue[];
      if (statement.columns().length > 0) return { rows: statement.all(...parameters) as Row[] };
      const { changes } = statement.run(...parameters);
      return { rows: [], numAffectedRows: BigInt(changes) };
    } catch (thrown) {
      this.group.failIfUndone(thrown);
      throw databaseError(thrown);
    }
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

const isRead = (sql: string): boolean => /^\s*(select|with|pragma)\b/i.test(sql);

/** The connection while somebody has it. */
class Turn implements DatabaseConnection {
  readonly file: OpenFile;
  isPassed = false;
  #inTransaction = false;

  constructor(file: OpenFile) {
    this.file = file;
  }

  begin(): void {
    this.file.group.begin();
    this.#inTransaction = true;
  }

  join(): Promise<void> {
    this.#inTransaction = false;
    return this.file.group.join();
  }

  leave(): void {
    this.#inTransaction = false;
    this.file.group.leave();
  }

  executeQuery<Row>(query: CompiledQuery): Promise<QueryResult<Row>> {
    try {
      const result = this.file.run<Row>(query);
      // A write of its own is answered when it is durable, like a transaction; it does not wait for others.
      const failed = this.#inTransaction || isRead(query.sql) ? undefined : this.file.group.commit();
      return failed === undefined ? Promise.resolve(result) : Promise.reject(failed);
    } catch (thrown) {
      return Promise.reject(thrown);
    }
  }

  // biome-ignore lint/correctness/useYield: the interface wants a generator, and nothing here streams
  async *streamQuery<Row>(): AsyncIterableIterator<QueryResult<Row>> {
    throw new Error('streaming is not supported: read pages instead');
  }
}
