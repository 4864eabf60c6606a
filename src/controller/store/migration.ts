import type { Kysely } from 'kysely';

/**
 * One step of the schema, forwards and back. A step that was released is never edited: the next one mends it. Both
 * databases run the same steps, so they use only types that both have: text, integer, bigint.
 */
export interface Migration {
  up(database: Kysely<unknown>): Promise<void>;
  down(database: Kysely<unknown>): Promise<void>;
}
