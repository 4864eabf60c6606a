import type { Reservation } from './requirements.ts';

export interface PromiseSettings {
  /** Time from an answer to the job manager's having stored the jobs: until then the answer itself is a promise. */
  readonly settleMs: number;
  readonly now: () => number;
}

/** What a placement came to, and what it gave away. */
export interface Taken<T> {
  readonly result: T;
  readonly promised: readonly Reservation[];
}

/** What was given away and is perhaps not among the job manager's reservations yet. */
export interface Promises {
  /**
   * Runs `place` with the promises that reservations of the time `asOf` may lack, and keeps what it gives away. No other
   * placement comes in between, here or in another replica.
   */
  take<T>(asOf: number, place: (unstored: readonly Reservation[]) => Taken<T>): Promise<T>;
}

/** A promise nobody made a job of is forgotten after this many settle times. */
export const FORGOTTEN_AFTER = 60;

interface Promised {
  readonly at: number;
  readonly reservation: Reservation;
}

/** For the only matchmaker there is: nothing is awaited between looking and keeping. */
export function createOwnPromises({ settleMs, now }: PromiseSettings): Promises {
  let promised: readonly Promised[] = [];
  return {
    take: (asOf, place) => {
      const at = now();
      promised = promised.filter((one) => one.at > asOf - settleMs && at - one.at < FORGOTTEN_AFTER * settleMs);
      const { result, promised: added } = place(promised.map(({ reservation }) => reservation));
      promised = [...promised, ...added.map((reservation) => ({ at, reservation }))];
      return Promise.resolve(result);
    },
  };
}
