import type { DatabaseSync } from 'node:sqlite';
import { databaseError } from './database-error.ts';

interface Member {
  readonly resolve: () => void;
  readonly reject: (reason: unknown) => void;
}

const MAX_MEMBERS = 64;

/**
 * Transactions that follow each other without a pause share one commit, and so one flush to the disk, which costs more
 * than all their statements. Each is a savepoint of its own and can be undone alone; each is answered when the common
 * commit is durable. What one wrote the next can see: it fails only if that does.
 */
export class CommitGroup {
  readonly #database: DatabaseSync;
  #members: Member[] = [];
  #isOpen = false;

  constructor(database: DatabaseSync) {
    this.#database = database;
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  get isFull(): boolean {
    return this.#members.length >= MAX_MEMBERS;
  }

  begin(): void {
    if (!this.#isOpen) {
      this.#database.exec('begin immediate');
      this.#isOpen = true;
    }
    this.#database.exec('savepoint member');
  }

  /** Resolves with the group's commit. */
  join(): Promise<void> {
    this.#database.exec('release member');
    return new Promise((resolve, reject) => this.#members.push({ resolve, reject }));
  }

  /** Undoes the present member alone. */
  leave(): void {
    this.failIfUndone(new Error('the transaction was undone by the database'));
    if (this.#isOpen) this.#database.exec('rollback to member; release member');
  }

  /** Gives the reason when nothing of the group was written. */
  commit(): unknown {
    if (!this.#isOpen) return undefined;
    let reason: unknown;
    try {
      this.#database.exec('commit');
    } catch (thrown) {
      reason = databaseError(thrown);
      if (this.#database.isTransaction) this.#database.exec('rollback');
    }
    this.#close(reason);
    return reason;
  }

  /** A full or broken disk makes the database undo everything that is not committed. */
  failIfUndone(reason: unknown): void {
    if (this.#isOpen && !this.#database.isTransaction) this.#close(databaseError(reason));
  }

  #close(reason: unknown): void {
    const members = this.#members;
    this.#members = [];
    this.#isOpen = false;
    for (const { resolve, reject } of members) {
      if (reason === undefined) resolve();
      else reject(reason);
    }
  }
}
