import { afterEach, expect, it } from 'vitest';
import { silentLogger } from '../../../src/common/logger.ts';
import type { MatchAnswer } from '../../../src/contracts/icos/matchmaker.ts';
import type { ReservationBody } from '../../../src/contracts/icos/reservation.ts';
import { placementsOf } from '../../../src/contracts/icos/target.ts';
import { createMatchmakerService, type MatchmakerSettings } from '../../../src/controller/matchmaker/main.ts';
import { openDatabase } from '../../../src/controller/store/database.ts';
import { createAnsweringServer } from '../../support/controller/answering-server.ts';
import { aTaxonomy, GIB } from '../../support/controller/fleet.ts';
import { onEveryDatabase } from '../../support/databases.ts';
import { bearer, byText } from '../../support/identities.ts';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const CORES = 12;
const STORING_MS = 100;
const ONE_CORE = 'name: app\ncomponents:\n- {name: a, manifests: [{name: a}], requirements: {cpu: 1, memory: 1Gi}}\n';

onEveryDatabase('matchmakers that share a database', (source) => {
  /** What was placed becomes a job after the time that a job manager takes to store it. */
  let jobs = 0;
  const reservations = (): readonly ReservationBody[] => {
    const place = { cluster_name: 'east', node_name: 'n1', running: true, devices: [] };
    return jobs === 0 ? [] : [{ ...place, jobs, cpuMillis: jobs * 1000, memoryBytes: jobs * GIB }];
  };

  /** As many replicas as wanted, each with a connection of its own, over one fleet of one node. */
  async function replicas(count: number, settings: Partial<MatchmakerSettings> = {}) {
    jobs = 0;
    const taxonomy = aTaxonomy({ east: { n1: { cores: CORES, memory: 64 * GIB } } });
    const aggregator = await createAnsweringServer(() => ({ status: 200, body: taxonomy }));
    const jobManager = await createAnsweringServer(() => ({ status: 200, body: reservations() }));
    cleanups.push(
      () => aggregator[Symbol.asyncDispose](),
      () => jobManager[Symbol.asyncDispose](),
    );
    const url = await source.createUrl();
    const create = async () => {
      const database = await openDatabase({ url });
      const service = await createMatchmakerService(
        {
          authenticator: byText,
          logger: silentLogger,
          aggregatorUrl: aggregator.url,
          jobManagerUrl: jobManager.url,
          database,
        },
        { reservationsMaxAgeMs: 0, ...settings },
      );
      cleanups.push(
        () => database[Symbol.asyncDispose](),
        () => service[Symbol.asyncDispose](),
        () => service.app.close(),
      );
      return async (): Promise<boolean> => {
        const answer = await service.app.inject({
          method: 'POST',
          url: '/matchmake',
          headers: { ...bearer('ann', 'user'), 'content-type': 'application/x-yaml' },
          payload: ONE_CORE,
        });
        expect(answer.statusCode).toBe(200);
        const [component] = (answer.json() as MatchAnswer).components;
        const isPlaced = placementsOf(component?.targets).length > 0;
        if (isPlaced) setTimeout(() => (jobs += 1), STORING_MS);
        return isPlaced;
      };
    };
    return Promise.all(Array.from({ length: count }, create));
  }

  const placed = async (asked: readonly Promise<boolean>[]): Promise<number> =>
    (await Promise.all(asked)).filter(Boolean).length;

  it('give no core away twice', async () => {
    const matchmakers = await replicas(3, { settleMs: 600 });
    const asked = Array.from({ length: 60 }, (_, index) => matchmakers[index % 3]!());
    expect(await placed(asked)).toBe(CORES);
  }, 20_000);

  it('count a promise once when the job manager has it', async () => {
    const [one, two] = await replicas(2, { settleMs: 300 });
    expect(await placed(Array.from({ length: CORES / 2 }, () => one!()))).toBe(CORES / 2);
    // The second half is there: the first request that does not fit waits until promises and jobs are told apart.
    const second: boolean[] = [];
    for (let index = 0; index < CORES / 2; index += 1) second.push(await two!());
    expect(second.filter(Boolean)).toHaveLength(CORES / 2);
  }, 20_000);
});
