import { randomUUID } from 'node:crypto';
import type { Insertable } from 'kysely';
import type { Query } from '../store/database.ts';
import type { OutboxTable } from '../store/schema.ts';

/** A call that must reach another service. */
export interface OutboxCall {
  readonly peer: string;
  readonly method: 'POST' | 'PUT' | 'DELETE';
  readonly path: string;
  readonly body: unknown;
}

export interface OutboxEntry {
  readonly id: string;
  readonly stream: string;
  readonly position: number;
  readonly peer: string;
  readonly method: OutboxCall['method'];
  readonly path: string;
  readonly body: string;
  readonly attempts: number;
}

const CALLS_PER_VERSION = 8;

/**
 * Written in the transaction of what it tells of: neither is there without the other. The version of the stream's
 * owner numbers the calls, so that two changes cannot be told in the wrong order.
 */
export async function putIntoOutbox(
  query: Query,
  stream: string,
  version: number,
  calls: readonly OutboxCall[],
  now: number,
): Promise<void> {
  const rows = outboxRows(stream, version, calls, now);
  if (rows.length > 0) await query.insertInto('outbox').values(rows).execute();
}

export const outboxRows = (
  stream: string,
  version: number,
  calls: readonly OutboxCall[],
  now: number,
): Insertable<OutboxTable>[] =>
  calls.map((call, index) => ({
    id: randomUUID(),
    stream,
    position: version * CALLS_PER_VERSION + index,
    peer: call.peer,
    method: call.method,
    path: call.path,
    body: JSON.stringify(call.body),
    next_at: now,
    lease_until: null,
    last_error: null,
    created_at: now,
  }));

/** The first entry of each stream that is due and that nobody is delivering. */
export async function dueEntries(query: Query, now: number, limit: number): Promise<readonly OutboxEntry[]> {
  const rows = await query
    .selectFrom('outbox')
    .selectAll()
    .where('next_at', '<=', now)
    .where((where) => where.or([where('lease_until', 'is', null), where('lease_until', '<=', now)]))
    .where((where) =>
      where.not(
        where.exists(
          where
            .selectFrom('outbox as earlier')
            .select('earlier.id')
            .whereRef('earlier.stream', '=', 'outbox.stream')
            .whereRef('earlier.position', '<', 'outbox.position'),
        ),
      ),
    )
    .orderBy('next_at')
    .limit(limit)
    .execute();
  return rows.map((row) => ({ ...row, method: row.method as OutboxCall['method'] }));
}

/** False when another job manager was faster. */
export async function leaseEntry(query: Query, entry: OutboxEntry, now: number, leaseMs: number): Promise<boolean> {
  const result = await query
    .updateTable('outbox')
    .set({ lease_until: now + leaseMs, attempts: entry.attempts + 1 })
    .where('id', '=', entry.id)
    .where('attempts', '=', entry.attempts)
    .executeTakeFirst();
  return result.numUpdatedRows === 1n;
}

export async function removeEntry(query: Query, entry: OutboxEntry): Promise<void> {
  await query.deleteFrom('outbox').where('id', '=', entry.id).execute();
}

export async function postponeEntry(query: Query, entry: OutboxEntry, nextAt: number, error: string): Promise<void> {
  await query
    .updateTable('outbox')
    .set({ next_at: nextAt, lease_until: null, last_error: error.slice(0, 500) })
    .where('id', '=', entry.id)
    .execute();
}

export async function outboxSize(query: Query): Promise<number> {
  const row = await query
    .selectFrom('outbox')
    .select((select) => select.fn.countAll<number>().as('n'))
    .executeTakeFirst();
  return Number(row?.n ?? 0);
}
