import { RuntimeError } from '../../common/errors.ts';
import { reservationList } from '../../contracts/icos/reservation.ts';
import { parseTaxonomy } from '../../contracts/icos/taxonomy.ts';
import type { Authenticator } from '../iam/authenticator.ts';
import type { Peer, PeerAnswer, PeerCall } from '../service/peer.ts';
import { type Fleet, fleetOf } from './fleet.ts';
import type { Reservation } from './requirements.ts';

export interface FleetSourceSettings {
  /** How old the taxonomy may be; the aggregator's own is older. */
  readonly taxonomyMaxAgeMs: number;
  /** How long the last taxonomy serves while the aggregator is away. */
  readonly taxonomyMaxStaleMs: number;
  readonly reservationsMaxAgeMs: number;
  readonly now: () => number;
}

export const FLEET_SOURCE_DEFAULTS: FleetSourceSettings = {
  taxonomyMaxAgeMs: 2_000,
  taxonomyMaxStaleMs: 120_000,
  reservationsMaxAgeMs: 250,
  now: Date.now,
};

export interface FleetSourceDependencies {
  readonly aggregator: Peer;
  /** Absent where nobody keeps jobs: then nothing is reserved but what this process placed a moment ago. */
  readonly jobManager: Peer | undefined;
  readonly authenticator: Authenticator;
}

export interface Reserved {
  readonly reservations: readonly Reservation[];
  /** When they were asked for: what was placed well before is among them. */
  readonly asOf: number;
}

/** What is there and what is promised, each kept for a moment, each fetched once for all who ask at the same time. */
export interface FleetSource {
  fleet(token: string | undefined): Promise<Fleet>;
  /** `fresh`: asked for now, not taken from memory. */
  reserved(fresh?: boolean): Promise<Reserved>;
  /** Why an answer may be out of date, for the health endpoint. */
  problem(): string | undefined;
}

const NOTHING: readonly Reservation[] = [];

export function createFleetSource(dependencies: FleetSourceDependencies, settings: FleetSourceSettings): FleetSource {
  const { aggregator, jobManager, authenticator } = dependencies;
  let fleet: { readonly value: Fleet; readonly etag: string | undefined; readonly at: number } | undefined;
  let reserved: Reserved | undefined;
  let fetchingFleet: Promise<Fleet> | undefined;
  let fetchingReserved: Promise<Reserved> | undefined;
  let trouble: string | undefined;

  async function fetchFleet(token: string | undefined): Promise<Fleet> {
    const known = fleet;
    const headers: PeerCall['headers'] = known?.etag === undefined ? {} : { 'if-none-match': known.etag };
    const answer = await aggregator.call({ method: 'GET', path: '/', token, headers });
    if (answer.status === 304 && known !== undefined) return keepFleet(known.value, known.etag);
    if (answer.status !== 200) throw refused(answer.status, aggregator.name);
    return keepFleet(fleetOf(parsed(answer.text, aggregator.name)), etagOf(answer));
  }

  function keepFleet(value: Fleet, etag: string | undefined): Fleet {
    fleet = { value, etag, at: settings.now() };
    return value;
  }

  async function fetchReserved(): Promise<Reserved> {
    const asOf = settings.now();
    if (jobManager === undefined) return { reservations: NOTHING, asOf };
    const token = await authenticator.serviceToken();
    const bodies = await jobManager.json({ method: 'GET', path: '/jobmanager/reservations', token }, reservationList);
    const reservations = bodies.map(({ cluster_name, node_name, jobs: _, ...rest }) => ({
      ...rest,
      cluster: cluster_name,
      node: node_name,
    }));
    reserved = { reservations, asOf };
    return reserved;
  }

  return {
    async fleet(token) {
      if (fleet !== undefined && settings.now() - fleet.at < settings.taxonomyMaxAgeMs) return fleet.value;
      fetchingFleet ??= fetchFleet(token).finally(() => {
        fetchingFleet = undefined;
      });
      try {
        return await fetchingFleet;
      } catch (thrown) {
        // A caller without the right to see the taxonomy must not get it from memory.
        const isAway = thrown instanceof RuntimeError && thrown.code === 'ERR_PEER_UNAVAILABLE';
        if (!isAway || fleet === undefined || settings.now() - fleet.at > settings.taxonomyMaxStaleMs) throw thrown;
        return fleet.value;
      }
    },
    async reserved(fresh = false) {
      if (!fresh && reserved !== undefined && settings.now() - reserved.asOf < settings.reservationsMaxAgeMs) {
        return reserved;
      }
      // One under way was asked for earlier, which is too early for somebody who wants a fresh one.
      const running = fresh ? undefined : fetchingReserved;
      const fetching = running ?? fetchReserved();
      fetchingReserved = fetching;
      try {
        const result = await fetching;
        trouble = undefined;
        return result;
      } catch (thrown) {
        trouble = `placing without fresh reservations: ${thrown instanceof Error ? thrown.message : String(thrown)}`;
        return reserved ?? { reservations: NOTHING, asOf: Number.NEGATIVE_INFINITY };
      } finally {
        if (fetchingReserved === fetching) fetchingReserved = undefined;
      }
    },
    problem: () => trouble,
  };
}

const etagOf = ({ headers: { etag } }: PeerAnswer): string | undefined => (typeof etag === 'string' ? etag : undefined);

function refused(status: number, service: string): RuntimeError {
  if (status === 401 || status === 403) {
    return new RuntimeError('ERR_AUTH_INVALID', {
      field: 'Authorization',
      reason: `the ${service} answered ${status}`,
    });
  }
  return new RuntimeError('ERR_PEER_UNAVAILABLE', { service, reason: `it answered ${status}` });
}

function parsed(text: string, service: string): ReturnType<typeof parseTaxonomy> {
  try {
    return parseTaxonomy(JSON.parse(text));
  } catch (thrown) {
    throw new RuntimeError('ERR_PEER_ANSWER', { service, reason: 'it is no taxonomy' }, { cause: thrown });
  }
}
