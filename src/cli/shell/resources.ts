import { type Taxonomy, taxonomyBody } from '../../contracts/icos/taxonomy.ts';
import { EXIT } from '../exit.ts';
import { bytes, table } from '../format.ts';
import { noArguments, shellCommand } from './shell-command.ts';

export const resources = shellCommand({
  name: 'resources|resource',
  usage: '',
  summary: 'Clusters and nodes, and what they have',
  options: {},
  async run(args, { connect, terminal, json }) {
    noArguments(args);
    const { value, raw } = await (await connect()).json('/api/v3/resource', taxonomyBody);
    terminal.out(json ? JSON.stringify(raw) : resourceTable(value));
    return EXIT.ok;
  },
});

function resourceTable({ cluster }: Taxonomy): string {
  const rows = Object.entries(cluster).flatMap(([name, { type, node }]) =>
    Object.entries(node).map(([nodeName, { staticMetrics, dynamicMetrics }]) => [
      name,
      nodeName,
      type,
      staticMetrics.cpuArchitecture ?? '-',
      staticMetrics.cpuCores ?? '-',
      dynamicMetrics.cpuUsagePercent === undefined ? '-' : `${dynamicMetrics.cpuUsagePercent.toFixed(0)} %`,
      sizeOf(staticMetrics.RAMMemory),
      sizeOf(dynamicMetrics.freeRAM),
    ]),
  );
  if (rows.length === 0) return 'no nodes are known';
  return table(['CLUSTER', 'NODE', 'BY', 'ARCH', 'CORES', 'CPU', 'MEMORY', 'FREE'], rows);
}

const sizeOf = (count: number | undefined): string => (count === undefined ? '-' : bytes(count));
