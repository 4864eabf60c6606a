import { setTimeout as wait } from 'node:timers/promises';
import type { Fleet } from './fleet.ts';
import type { FleetSource, Reserved } from './fleet-source.ts';
import { type ComponentPlacement, matchmake } from './model.ts';
import type { PromiseSettings, Promises } from './promises.ts';
import type { PlacementRequest, Requirements, Reservation } from './requirements.ts';

export type PlacerSettings = PromiseSettings;

export const PLACER_DEFAULTS: PlacerSettings = { settleMs: 500, now: Date.now };

/**
 * Places on what is free now. Two requests at once must not get the same capacity, and the second must not have to wait
 * for the job manager to store the first; so what was answered counts until the stored reservations surely contain it.
 */
export interface Placer {
  place(request: PlacementRequest, token: string | undefined): Promise<readonly ComponentPlacement[]>;
}

export function createPlacer(source: FleetSource, promises: Promises, settings: PlacerSettings): Placer {
  return {
    async place(request, token) {
      const fleet = await source.fleet(token);
      const attempt = async (
        reserved: Reserved,
        mayWait: boolean,
      ): Promise<readonly ComponentPlacement[] | undefined> =>
        promises.take(reserved.asOf, (unstored) => {
          if (mayWait && isHeldBack(request, fleet, reserved, unstored)) return { result: undefined, promised: [] };
          const placements = matchmake(request, fleet, [...reserved.reservations, ...unstored]);
          return { result: placements, promised: promisesOf(request, placements) };
        });
      const first = await attempt(await source.reserved(), true);
      if (first !== undefined) return first;
      await wait(settings.settleMs);
      return (await attempt(await source.reserved(true), false)) ?? [];
    },
  };
}

/** Whether promises that may be counted twice, here and in the reservations, are what leaves a component out. */
function isHeldBack(
  request: PlacementRequest,
  fleet: Fleet,
  { reservations }: Reserved,
  unstored: readonly Reservation[],
): boolean {
  if (unstored.length === 0) return false;
  const placed = (extra: readonly Reservation[]): number =>
    matchmake(request, fleet, [...reservations, ...extra]).filter(({ targets }) => targets.length > 0).length;
  const now = placed(unstored);
  return now < request.components.length && placed([]) > now;
}

const promisesOf = (request: PlacementRequest, placements: readonly ComponentPlacement[]): readonly Reservation[] =>
  placements.flatMap((placement, index) =>
    placement.targets.map(({ cluster, node }) => ({
      ...needsOf(request.components[index]!.requirements),
      cluster,
      node,
      running: false,
    })),
  );

const needsOf = ({ cpuMillis = 0, memoryBytes = 0, devices = [] }: Requirements) => ({
  cpuMillis,
  memoryBytes,
  devices,
});
