/** Fills what each metric tells into the machine that it is about. */
import type { TaxonomyNode } from '../../contracts/icos/taxonomy.ts';
import type { Draft, Host, Hosts } from './hosts.ts';
import type { Labels, Sample } from './prometheus.ts';
import type { QueryName } from './queries.ts';

export type Results = Readonly<Partial<Record<QueryName, readonly Sample[]>>>;

type Static = Draft<TaxonomyNode['staticMetrics']>;
type Dynamic = Draft<TaxonomyNode['dynamicMetrics']>;
type Fill = (host: Host, value: number, labels: Labels) => void;

const intoStatic =
  (fill: (metrics: Static, value: number, labels: Labels) => void): Fill =>
  (host, value, labels) =>
    fill(host.node.staticMetrics, value, labels);
const intoDynamic =
  (fill: (metrics: Dynamic, value: number, labels: Labels) => void): Fill =>
  (host, value, labels) =>
    fill(host.node.dynamicMetrics, value, labels);

interface Filling {
  readonly query: QueryName;
  /** Only this metric of the query's. */
  readonly metric?: string;
  readonly fill: Fill;
}

/** Order matters where two metrics tell the same: the later one wins. */
const FILLINGS: readonly Filling[] = [
  { query: 'cores', fill: intoStatic((metrics, value) => (metrics.cpuCores = value)) },
  {
    query: 'memory',
    metric: 'node_memory_MemTotal_bytes',
    fill: intoStatic((metrics, value) => (metrics.RAMMemory = value)),
  },
  // What programs can have is MemAvailable; MemFree, which leaves out every cache, serves where it is not told.
  {
    query: 'memory',
    metric: 'node_memory_MemFree_bytes',
    fill: intoDynamic((metrics, value) => (metrics.freeRAM = value)),
  },
  {
    query: 'memory',
    metric: 'node_memory_MemAvailable_bytes',
    fill: intoDynamic((metrics, value) => (metrics.freeRAM = value)),
  },
  { query: 'capacity', fill: intoStatic(fillCapacity) },
  { query: 'frequency', fill: intoStatic((metrics, value) => (metrics.cpuMaxFrequency = value)) },
  { query: 'usage', fill: intoDynamic((metrics, value) => (metrics.cpuUsagePercent = round(clamp(value)))) },
  { query: 'temperature', fill: intoDynamic((metrics, value) => (metrics.cpuTemperature = value)) },
  { query: 'energy', fill: intoDynamic((metrics, value) => (metrics.cpuEnergyConsumption = round(value))) },
  { query: 'power', fill: intoDynamic((metrics, value) => (metrics['cpuPower'] = round(value))) },
  { query: 'uptime', fill: intoDynamic((metrics, value) => (metrics.upTime = Math.max(0, round(value)))) },
  { query: 'network', fill: fillInterface },
  { query: 'traffic', fill: fillTraffic },
  { query: 'storage', fill: fillStorage },
  {
    query: 'gpuCapacity',
    fill: intoStatic((metrics, value) => (metrics.gpuCores = (metrics.gpuCores ?? 0) + value)),
  },
  { query: 'devices', fill: fillDevice },
];

export function fillNodes(hosts: Hosts, results: Results): void {
  for (const { query, metric, fill } of FILLINGS) {
    for (const { labels, value } of results[query] ?? []) {
      if (!Number.isFinite(value) || (metric !== undefined && labels['__name__'] !== metric)) continue;
      const host = hosts.find(labels);
      if (host !== undefined) fill(host, value, labels);
    }
  }
  for (const sample of results.security ?? []) fillSecurity(hosts, sample);
  fillGpus(hosts, results.gpu ?? []);
}

const round = (value: number): number => Math.round(value * 100) / 100;
const clamp = (percent: number): number => Math.min(100, Math.max(0, percent));

function fillCapacity(metrics: Static, value: number, labels: Labels): void {
  if (labels['resource'] === 'cpu') metrics.cpuCores = value;
  else metrics.RAMMemory = value;
}

/** What follows from two metrics. */
export function finishNode(host: Host): void {
  const { staticMetrics, dynamicMetrics } = host.node;
  const { RAMMemory } = staticMetrics;
  const { freeRAM } = dynamicMetrics;
  if (RAMMemory === undefined || freeRAM === undefined || RAMMemory <= 0) return;
  dynamicMetrics.usedRAM = Math.max(0, RAMMemory - freeRAM);
  dynamicMetrics.memoryUsagePercent = round(clamp((100 * (RAMMemory - freeRAM)) / RAMMemory));
}

function fillSecurity(hosts: Hosts, { labels, value }: Sample): void {
  const host = hosts.findByAddress(labels['agent_hostname'], labels['agent_ip']);
  if (host === undefined || !Number.isFinite(value)) return;
  if (labels['__name__'] === 'SCA_score') host.node.ScaScore = value;
  else if (labels['severity'] !== undefined) {
    host.node.vulnerabilities = { ...host.node.vulnerabilities, [labels['severity']]: value };
  }
}

type Interface = Draft<NonNullable<TaxonomyNode['networkInterfaces']>[string]>;

function interfaceOf(host: Host, device: string): Interface {
  host.node.networkInterfaces ??= {};
  const interfaces = host.node.networkInterfaces as Record<string, Interface>;
  interfaces[device] ??= { name: device };
  return interfaces[device];
}

/** `type` is the duplex mode: so it is on the wire. */
function fillInterface(host: Host, value: number, labels: Labels): void {
  const { device, __name__: metric } = labels;
  if (device === undefined) return;
  const into = interfaceOf(host, device);
  if (metric === 'node_network_info' && labels['duplex'] !== undefined) into.type = labels['duplex'];
  if (metric === 'node_network_up') into.status = value === 1 ? 'up' : 'down';
  if (metric === 'node_network_speed_bytes') into.speed = value;
  if (metric === 'node_network_address_info') {
    if (labels['address'] !== undefined) into.ip = labels['address'];
    if (labels['netmask'] !== undefined) into.subnetMask = labels['netmask'];
  }
}

/** Bytes per second; the misspelt names are the wire format. */
function fillTraffic(host: Host, value: number, { device, direction }: Labels): void {
  if (device === undefined) return;
  const into = interfaceOf(host, device);
  if (direction === 'in') into.ingressUssage = String(Math.round(value));
  else into.engressUssage = String(Math.round(value));
}

/** File systems that hold no storage of their own. */
const VIRTUAL = /^(tmpfs|ramfs|overlay|squashfs|devtmpfs|proc|sysfs|cgroup2?|nsfs|autofs|rootfs|fuse\..*)$/;

function fillStorage(host: Host, value: number, labels: Labels): void {
  const { mountpoint, fstype = '', __name__: metric } = labels;
  if (mountpoint === undefined || VIRTUAL.test(fstype)) return;
  if (metric === 'node_filesystem_size_bytes') {
    const { staticMetrics } = host.node;
    staticMetrics.storage = [...(staticMetrics.storage ?? []), { name: mountpoint, type: fstype, capacity: value }];
    return;
  }
  const { dynamicMetrics } = host.node;
  dynamicMetrics.availableStorage = {
    ...dynamicMetrics.availableStorage,
    [mountpoint]: { name: mountpoint, free: value },
  };
}

const DEVICE_STATES: Readonly<Record<string, string>> = { '-1': 'detached', '0': 'busy', '1': 'available' };

function fillDevice(host: Host, value: number, { device, resource_path: path }: Labels): void {
  if (device === undefined) return;
  const type = device.split('_', 1)[0] ?? device;
  const status = DEVICE_STATES[String(value)] ?? 'unknown';
  const told = { name: device, type, status, ...(path === undefined ? {} : { path }) };
  host.node.devices = { ...host.node.devices, [device]: told };
}

const MEBIBYTE = 2 ** 20;

/** All cards of a machine together, but for clock and temperature, where the highest counts. */
function fillGpus(hosts: Hosts, samples: readonly Sample[]): void {
  const byHost = Map.groupBy(
    samples,
    ({ labels }) => hosts.find(labels) ?? hosts.findByAddress(labels['Hostname'], undefined),
  );
  for (const [host, own] of byHost) {
    if (host === undefined) continue;
    const values = (metric: string): number[] =>
      own.filter(({ labels }) => labels['__name__'] === metric).map(({ value }) => value);
    const sum = (metric: string): number => values(metric).reduce((total, value) => total + value, 0);
    const { staticMetrics, dynamicMetrics } = host.node;
    const memory = sum('DCGM_FI_DEV_FB_FREE') + sum('DCGM_FI_DEV_FB_USED');
    const clocks = values('DCGM_FI_DEV_SM_CLOCK');
    const temperatures = values('DCGM_FI_DEV_GPU_TEMP');
    const power = values('DCGM_FI_DEV_POWER_USAGE');
    staticMetrics.gpuCores ??= new Set(own.map(({ labels }) => labels['UUID'] ?? labels['gpu'] ?? '')).size;
    if (memory > 0) staticMetrics.gpuRAMMemory = String(memory * MEBIBYTE);
    if (clocks.length > 0) dynamicMetrics['gpuFrequency'] = String(Math.max(...clocks) * 1e6);
    if (temperatures.length > 0) dynamicMetrics['gpuTemperature'] = Math.max(...temperatures);
    if (power.length > 0) dynamicMetrics['gpuEnergyConsumption'] = sum('DCGM_FI_DEV_POWER_USAGE');
  }
}
