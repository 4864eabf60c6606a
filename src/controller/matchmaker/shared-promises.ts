import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import { z } from 'zod';
import type { Database, Query } from '../store/database.ts';
import { databaseError } from '../store/database-error.ts';
import type { PlacementPromiseTable } from '../store/schema.ts';
import { FORGOTTEN_AFTER, type PromiseSettings, type Promises, type Taken } from './promises.ts';
import type { Reservation } from './requirements.ts';

interface Waiting {
  /** Does the placement on these promises and gives what it gave away. Never throws. */
  readonly place: (promised: readonly Promised[]) => readonly Reservation[];
  readonly done: () => void;
  readonly failed: (reason: unknown) => void;
}

interface Promised {
  /** By the clock of the database, which all replicas share. */
  readonly at: number;
  readonly reservation: Reservation;
}

const TURN = 1;
const devicesOf = z.array(z.string());

/**
 * For several matchmakers on one database. A turn is a transaction that first changes the one row of `placement_turn`,
 * so turns follow one another; everything that waits in this process shares one, so its cost is paid once per crowd.
 */
export function createSharedPromises(database: Database, settings: PromiseSettings): Promises {
  const waiting: Waiting[] = [];
  let running = false;
  /** The clock of the database less ours, as of the last turn. */
  let ahead = 0;

  async function turn(crowd: readonly Waiting[]): Promise<void> {
    const asked = settings.now();
    await database.transaction(async (query) => {
      await takeTurn(query);
      const at = await timeOf(query, database.kind);
      ahead = at - (asked + settings.now()) / 2;
      const known = await promisesIn(query, at - FORGOTTEN_AFTER * settings.settleMs);
      const added: Promised[] = [];
      for (const { place } of crowd) {
        const given = place([...known, ...added]);
        added.push(...given.map((reservation) => ({ at, reservation })));
      }
      if (added.length > 0) await query.insertInto('placement_promises').values(added.map(rowOf)).execute();
    });
  }

  async function drain(): Promise<void> {
    running = true;
    while (waiting.length > 0) {
      const crowd = waiting.splice(0);
      try {
        await turn(crowd);
        for (const { done } of crowd) done();
      } catch (thrown) {
        for (const { failed } of crowd) failed(databaseError(thrown));
      }
    }
    running = false;
  }

  return {
    take: <T>(asOf: number, place: (unstored: readonly Reservation[]) => Taken<T>) =>
      new Promise<T>((resolve, reject) => {
        let outcome: { readonly value: T } | { readonly thrown: unknown } | undefined;
        waiting.push({
          place: (promised) => {
            const since = asOf + ahead - settings.settleMs;
            const unstored = promised.filter(({ at }) => at > since).map(({ reservation }) => reservation);
            try {
              const { result, promised: given } = place(unstored);
              outcome = { value: result };
              return given;
            } catch (thrown) {
              outcome = { thrown };
              return [];
            }
          },
          done: () => (outcome !== undefined && 'value' in outcome ? resolve(outcome.value) : reject(outcome?.thrown)),
          failed: reject,
        });
        if (!running) void drain();
      }),
  };
}

async function takeTurn(query: Query): Promise<void> {
  await query
    .insertInto('placement_turn')
    .values({ id: TURN, turns: 1 })
    .onConflict((conflict) =>
      conflict.column('id').doUpdateSet((update) => ({ turns: update('placement_turn.turns', '+', 1) })),
    )
    .execute();
}

async function timeOf(query: Query, kind: Database['kind']): Promise<number> {
  const now =
    kind === 'postgres'
      ? sql<{ now: number }>`select extract(epoch from clock_timestamp()) * 1000 as now`
      : sql<{ now: number }>`select unixepoch('subsec') * 1000 as now`;
  const { rows } = await now.execute(query);
  return Math.round(Number(rows[0]?.now));
}

/** Those that still count; the others are removed on the way. */
async function promisesIn(query: Query, since: number): Promise<readonly Promised[]> {
  await query.deleteFrom('placement_promises').where('at', '<', since).execute();
  const rows = await query.selectFrom('placement_promises').selectAll().execute();
  return rows.map((row) => ({
    at: Number(row.at),
    reservation: {
      cluster: row.cluster,
      node: row.node,
      cpuMillis: Number(row.cpu_millis),
      memoryBytes: Number(row.memory_bytes),
      devices: devicesOf.parse(JSON.parse(row.devices)),
      running: false,
    },
  }));
}

const rowOf = ({ at, reservation }: Promised): PlacementPromiseTable => ({
  id: randomUUID(),
  at,
  cluster: reservation.cluster,
  node: reservation.node,
  cpu_millis: Math.ceil(reservation.cpuMillis),
  memory_bytes: Math.ceil(reservation.memoryBytes),
  devices: JSON.stringify(reservation.devices),
});
