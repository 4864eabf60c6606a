import { setTimeout as wait } from 'node:timers/promises';
import type { Fleet } from './fleet.ts';
import type { FleetSource, Reserved } from './fleet-source.ts';
import { type ComponentPlacement, matchmake } from './model.ts';
import type { PlacementRequest, Requirements, Reservation } from './requirements.ts';

export interface PlacerSettings {
  /** Time from an answer to the job manager's having stored the jobs: until then the answer itself is a promise. */
  readonly settleMs: number;
  readonly now: () => number;
}

export const PLACER_DEFAULTS: PlacerSettings = { settleMs: 500, now: Date.now };

interface Promised extends Reservation {
  readonly at: number;
}

/**
 * Places on what is free now. Two requests at once must not get the same capacity, and the second must not have to wait
 * for the job manager to store the first; so what was answered counts until the stored reservations surely contain it.
 */
export interface Placer {
  place(request: PlacementRequest, token: string | undefined): Promise<readonly ComponentPlacement[]>;
}

export function createPlacer(source: FleetSource, settings: PlacerSettings): Placer {
  let promised: readonly Promised[] = [];

  const stillUnstored = ({ asOf }: Reserved): readonly Promised[] => {
    const now = settings.now();
    return promised.filter(({ at }) => at > asOf - settings.settleMs && now - at < 60 * settings.settleMs);
  };

  return {
    async place(request, token) {
      const fleet = await source.fleet(token);
      let reserved = await source.reserved();
      if (isHeldBack(request, fleet, reserved, stillUnstored(reserved))) {
        await wait(settings.settleMs);
        reserved = await source.reserved(true);
      }
      // From here to the end nothing is awaited: the next request sees this one's promises.
      promised = stillUnstored(reserved);
      const placements = matchmake(request, fleet, [...reserved.reservations, ...promised]);
      promised = [...promised, ...promisesOf(request, placements, settings.now())];
      return placements;
    },
  };
}

/** Whether promises that may be counted twice, here and in the reservations, are what leaves a component out. */
function isHeldBack(
  request: PlacementRequest,
  fleet: Fleet,
  { reservations }: Reserved,
  unstored: readonly Promised[],
): boolean {
  if (unstored.length === 0) return false;
  const placed = (extra: readonly Reservation[]): number =>
    matchmake(request, fleet, [...reservations, ...extra]).filter(({ targets }) => targets.length > 0).length;
  const now = placed(unstored);
  return now < request.components.length && placed([]) > now;
}

const promisesOf = (
  request: PlacementRequest,
  placements: readonly ComponentPlacement[],
  at: number,
): readonly Promised[] =>
  placements.flatMap((placement, index) =>
    placement.targets.map(({ cluster, node }) => ({
      ...needsOf(request.components[index]!.requirements),
      cluster,
      node,
      running: false,
      at,
    })),
  );

const needsOf = ({ cpuMillis = 0, memoryBytes = 0, devices = [] }: Requirements) => ({
  cpuMillis,
  memoryBytes,
  devices,
});
