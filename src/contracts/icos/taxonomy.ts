import { z } from 'zod';

/**
 * What the aggregator knows of the continuum. The misspelt members (`ingressUssage`, `engressUssage`) and the mixed
 * casings (`ScaScore`, `RAMMemory`, `API`) are the wire format. Members nobody names here pass through untouched.
 */
const count = z.number().min(0);
const location = z.looseObject({
  name: z.string().optional(),
  continent: z.string().optional(),
  country: z.string().optional(),
  city: z.string().optional(),
  latitude: z.number().optional(),
  longitude: z.number().optional(),
});

const staticStorage = z.looseObject({
  name: z.string().optional(),
  type: z.string().optional(),
  capacity: count.optional(),
});

const staticMetrics = z.looseObject({
  cpuArchitecture: z.string().optional(),
  cpuCores: count.optional(),
  cpuMaxFrequency: count.optional(),
  gpuCores: count.optional(),
  gpuMaxFrequency: z.string().optional(),
  gpuRAMMemory: z.string().optional(),
  RAMMemory: count.optional(),
  storage: z.array(staticStorage).optional(),
});

const dynamicMetrics = z.looseObject({
  upTime: count.optional(),
  cpuFrequency: z.string().optional(),
  cpuTemperature: z.number().optional(),
  cpuEnergyConsumption: z.number().optional(),
  cpuUsagePercent: count.optional(),
  memoryUsagePercent: count.optional(),
  freeRAM: z.number().optional(),
  usedRAM: count.optional(),
  availableStorage: z.looseObject({}).optional(),
});

const networkInterface = z.looseObject({
  name: z.string().optional(),
  type: z.string().optional(),
  speed: z.number().optional(),
  ip: z.string().optional(),
  status: z.string().optional(),
  subnetMask: z.string().optional(),
  ingressUssage: z.string().optional(),
  engressUssage: z.string().optional(),
});

const device = z.looseObject({
  name: z.string().optional(),
  type: z.string().optional(),
  status: z.string().optional(),
  path: z.string().optional(),
});

export const taxonomyNode = z.looseObject({
  type: z.string().optional(),
  uuid: z.string().optional(),
  name: z.string().optional(),
  location: location.default({}),
  vulnerabilities: z.record(z.string(), count).optional(),
  ScaScore: z.number().optional(),
  labels: z.record(z.string(), z.string()).optional(),
  staticMetrics: staticMetrics.default({}),
  dynamicMetrics: dynamicMetrics.default({}),
  networkInterfaces: z.record(z.string(), networkInterface).optional(),
  devices: z.record(z.string(), device).optional(),
});
export type TaxonomyNode = z.output<typeof taxonomyNode>;

const container = z.looseObject({
  name: z.string().optional(),
  node: z.string().optional(),
  ip: z.string().optional(),
  cpuUsage: z.number().optional(),
});

const pod = z.looseObject({
  name: z.string().optional(),
  ip: z.string().optional(),
  status: z.string().optional(),
  numberOfContainers: count.optional(),
  container: z.record(z.string(), container).optional(),
});

export const taxonomyCluster = z.looseObject({
  type: z.string().default(''),
  uuid: z.string().optional(),
  name: z.string().optional(),
  location: location.optional(),
  serviceLevelAgreement: z.looseObject({}).default({}),
  API: z.looseObject({}).default({}),
  node: z.record(z.string(), taxonomyNode).default({}),
  pod: z.record(z.string(), pod).optional(),
});
export type TaxonomyCluster = z.output<typeof taxonomyCluster>;

/** The released form. `stale` and `degraded` are additions: which answers are old or missing, and why. */
export const taxonomyBody = z.looseObject({
  timestamp: z
    .looseObject({ oldestTimestamp: z.number().optional(), timeSinceOldest: z.number().optional() })
    .default({}),
  controller: z.looseObject({}).optional(),
  cluster: z.record(z.string(), taxonomyCluster).default({}),
  stale: z.boolean().optional(),
  degraded: z.array(z.string()).optional(),
});
export type Taxonomy = z.output<typeof taxonomyBody>;

const it1Deployment = z.looseObject({
  container: z.record(z.string(), z.looseObject({ name: z.string() })).default({}),
});

/** A cluster in the seed's form: pods are `deployment`s with containers, `type` and `uuid` are not there. */
export const it1TaxonomyCluster = z.looseObject({
  name: z.string(),
  location: z.looseObject({}).default({}),
  serviceLevelAgreement: z.looseObject({}).default({}),
  API: z.looseObject({}).default({}),
  node: z.record(z.string(), taxonomyNode).default({}),
  deployment: z.record(z.string(), it1Deployment).optional(),
});
export type It1TaxonomyCluster = z.output<typeof it1TaxonomyCluster>;

/** The seed's form: the clusters are the top level, without `timestamp` and `cluster` around them. */
export const it1TaxonomyBody = z.record(z.string(), it1TaxonomyCluster);
export type It1Taxonomy = z.output<typeof it1TaxonomyBody>;

/** Reads either form. The seed's clusters carry no type and get `defaultType`, since only OCM was there. */
export function parseTaxonomy(input: unknown, defaultType = 'ocm'): Taxonomy {
  if (typeof input === 'object' && input !== null && 'cluster' in input && 'timestamp' in input) {
    return taxonomyBody.parse(input);
  }
  const cluster = Object.entries(it1TaxonomyBody.parse(input)).map(([key, value]) => {
    const { deployment: _, ...rest } = value;
    return [key, taxonomyCluster.parse({ ...rest, type: defaultType, pod: podsOf(value) })] as const;
  });
  return { timestamp: {}, cluster: Object.fromEntries(cluster) };
}

function podsOf(cluster: It1TaxonomyCluster): Record<string, unknown> {
  const pods = Object.values(cluster.deployment ?? {}).flatMap((deployment) => Object.entries(deployment.container));
  return Object.fromEntries(pods.map(([key, value]) => [key, { name: value.name }]));
}

/** The seed's form of a taxonomy. A pod belongs to the deployment whose name it has without its two random endings. */
export function toIt1Taxonomy(taxonomy: Taxonomy): It1Taxonomy {
  return Object.fromEntries(
    Object.entries(taxonomy.cluster).map(([key, cluster]) => [
      key,
      {
        name: cluster.name ?? key,
        location: cluster.location ?? {},
        serviceLevelAgreement: cluster.serviceLevelAgreement,
        API: cluster.API,
        node: cluster.node,
        deployment: deploymentsOf(Object.keys(cluster.pod ?? {})),
      },
    ]),
  );
}

const POD_SUFFIX = /(-[a-f0-9]{8,10})?-[a-z0-9]{5}$|-\d+$/;

function deploymentsOf(pods: readonly string[]): Record<string, z.output<typeof it1Deployment>> {
  const deployments: Record<string, z.output<typeof it1Deployment>> = {};
  for (const name of pods) {
    const owner = name.replace(POD_SUFFIX, '');
    deployments[owner] ??= { container: {} };
    deployments[owner].container[name] = { name };
  }
  return deployments;
}
