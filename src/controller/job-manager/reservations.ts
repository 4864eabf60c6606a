import type { ReservationBody } from '../../contracts/icos/reservation.ts';
import type { Query } from '../store/database.ts';

/** What jobs take of each node, in two sums: those that run and those that are on their way. */
export async function reservationsIn(query: Query): Promise<readonly ReservationBody[]> {
  const sums = await query
    .selectFrom('jobs')
    .select((select) => [
      'cluster',
      'node',
      'status',
      select.fn.countAll<number>().as('jobs'),
      select.fn.sum<number>('cpu_millis').as('cpu'),
      select.fn.sum<number>('memory_bytes').as('memory'),
    ])
    .where('cluster', '<>', '')
    .where((where) => where.not(where.and([where('action', '=', 'delete'), where('status', '=', 'finished')])))
    .groupBy(['cluster', 'node', 'status'])
    .orderBy('cluster')
    .orderBy('node')
    .execute();
  const devices = await devicesIn(query);
  const byNode = new Map<string, ReservationBody>();
  for (const { cluster, node, status, jobs, cpu, memory } of sums) {
    const running = status === 'finished';
    const key = keyOf(cluster, node, running);
    const known = byNode.get(key);
    byNode.set(key, {
      cluster_name: cluster,
      node_name: node,
      running,
      jobs: Number(jobs) + (known?.jobs ?? 0),
      cpuMillis: Number(cpu) + (known?.cpuMillis ?? 0),
      memoryBytes: Number(memory) + (known?.memoryBytes ?? 0),
      devices: devices.get(key) ?? [],
    });
  }
  return [...byNode.values()];
}

const keyOf = (cluster: string, node: string, running: boolean): string => JSON.stringify([cluster, node, running]);

async function devicesIn(query: Query): Promise<ReadonlyMap<string, string[]>> {
  const rows = await query
    .selectFrom('jobs')
    .select(['cluster', 'node', 'status', 'devices'])
    .where('cluster', '<>', '')
    .where('devices', '<>', '[]')
    .where((where) => where.not(where.and([where('action', '=', 'delete'), where('status', '=', 'finished')])))
    .execute();
  const byNode = new Map<string, string[]>();
  for (const { cluster, node, status, devices } of rows) {
    const key = keyOf(cluster, node, status === 'finished');
    byNode.set(key, [...(byNode.get(key) ?? []), ...(JSON.parse(devices) as string[])]);
  }
  return byNode;
}
