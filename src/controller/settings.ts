/** Every setting of the controller tier, once: flags, environment, file and reference page come from here. */
import { readFileSync } from 'node:fs';
import { homedir, hostname } from 'node:os';
import { join, resolve } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import { RuntimeError } from '../common/errors.ts';
import { readSettings, type Setting, type Settings } from '../common/settings.ts';
import { domainName } from '../contracts/icos/lighthouse.ts';
import { LOG_LEVELS } from '../telemetry/logger.ts';
import { isLoopback } from './iam/no-auth.ts';
import { type OidcSettings, oidcSettings } from './iam/settings.ts';

export const SERVICES = ['lighthouse', 'shell-backend', 'job-manager', 'matchmaker', 'aggregator'] as const;
export type ServiceName = (typeof SERVICES)[number];
export const DRIVERS = ['process', 'kubernetes', 'ocm'] as const;
export type DriverName = (typeof DRIVERS)[number];

const text = <T>(schema: z.ZodType<T>, help: string, more: Partial<Setting<T>> = {}): Setting<T> => ({
  kind: 'text',
  schema,
  help,
  ...more,
});
const number = <T>(schema: z.ZodType<T>, help: string, more: Partial<Setting<T>> = {}): Setting<T> => ({
  kind: 'number',
  schema,
  help,
  ...more,
});
const list = <T>(schema: z.ZodType<T>, help: string, more: Partial<Setting<T>> = {}): Setting<T> => ({
  kind: 'list',
  schema,
  help,
  ...more,
});

const port = (fallback: number) => z.int('must be a port').min(0).max(65_535, 'must be a port').default(fallback);
const url = z.url({ protocol: /^https?$/, error: 'must be an http or https URL' }).optional();
const optional = z.string().min(1).optional();
const words = z.array(z.string().min(1)).default([]);

export const CONTROLLER_SETTINGS = {
  config: text(optional, 'File with settings (YAML or JSON); keys as in this table, in camelCase'),
  only: list(
    z.array(z.enum([...SERVICES, 'none'])).default([...SERVICES]),
    'Services to run here; none for drivers alone',
    { defaultHelp: 'all of them' },
  ),
  domain: text(domainName.default('local'), 'Domain of this controller, and name of the cluster it deploys to itself'),
  name: text(z.string().min(1).max(253).default(hostname()), 'Name of this controller and of this machine as a node', {
    defaultHelp: 'the host name',
  }),
  host: text(z.string().min(1).default('127.0.0.1'), 'Address that all ports are bound to'),
  advertise: text(optional, 'host:port that shells reach this controller at', { defaultHelp: 'where it listens' }),
  shellPort: number(port(8080), 'Port of shell backend and lighthouse; 0 takes a free one'),
  aggregatorPort: number(port(8081), 'Port of the aggregator'),
  jobManagerPort: number(port(8082), 'Port of the job manager'),
  matchmakerPort: number(port(8000), 'Port of the matchmaker'),
  aggregatorGrpcPort: number(z.int().min(0).max(65_535).optional(), 'Port of the aggregator over gRPC'),

  stateDir: text(
    z.string().min(1).default(join(homedir(), '.local/state/metakernel/controller')),
    'Directory of the database and of what drivers keep',
    {
      defaultHelp: '~/.local/state/metakernel/controller',
    },
  ),
  database: text(optional, 'postgres://… or a SQLite file', { defaultHelp: 'controller.db in the state directory' }),
  databaseWaitMs: number(z.int().min(0).default(30_000), 'How long to wait at the start for a database that is away'),

  jobManagerUrl: text(url, 'Job manager, when it runs elsewhere'),
  matchmakerUrl: text(url, 'Matchmaker, when it runs elsewhere'),
  aggregatorUrl: text(url, 'Aggregator, when it runs elsewhere'),
  lighthouseUrl: text(url, 'Lighthouse to be listed at', {
    aliases: ['--lighthouse'],
    defaultHelp: 'the one that runs here',
  }),
  policyManagerUrl: text(url, 'Policy manager to tell about deployments'),
  prometheusUrl: text(url, 'Prometheus or Thanos that knows the nodes; without one only announced nodes are known'),
  prometheusToken: text(optional, 'Bearer token for it'),

  auth: text(z.enum(['none', 'oidc']).optional(), 'none (loopback only) or oidc', {
    defaultHelp: 'oidc when an issuer is given, else none',
  }),
  issuer: text(optional, 'OIDC issuer; a Keycloak realm is https://HOST/realms/REALM'),
  issuerInClear: {
    kind: 'switch',
    schema: z.boolean().default(false),
    help: 'The issuer may be http beyond loopback: the network to it is private',
  },
  clientId: text(optional, 'This tier at the issuer'),
  clientSecret: text(optional, 'Its secret; better in METAKERNEL_CLIENT_SECRET or in a file'),
  clientSecretFile: text(optional, 'File with its secret'),
  audience: list(words, 'Audiences that tokens may be for', { defaultHelp: 'the client id' }),
  serviceClients: list(words, 'Clients that act as services: drivers, sidecars, this tier itself'),
  controllerRoles: list(words, 'What the issuer calls the role controller', { defaultHelp: 'metakernel-controller' }),
  adminRoles: list(words, 'What the issuer calls the role admin', { defaultHelp: 'metakernel-admin' }),

  driver: list(
    z.array(z.enum([...DRIVERS, 'none'])).optional(),
    'Deployment drivers to run here: process, kubernetes, ocm, none',
    {
      defaultHelp: 'process, when all services run here without an issuer',
    },
  ),
  driverPollMs: number(z.int().min(10).default(1_000), 'How often drivers ask for jobs'),
  agentPorts: text(
    z
      .string()
      .regex(/^\d{1,5}-\d{1,5}$/, 'must be of the form FIRST-LAST')
      .optional(),
    'Ports for the agents that the process driver starts',
    { defaultHelp: 'free ones' },
  ),
  kubeconfig: text(optional, 'Cluster of the kubernetes and ocm drivers', {
    defaultHelp: "KUBECONFIG, ~/.kube/config or the pod's own",
  }),
  kubeContext: text(optional, 'Context in that file', { defaultHelp: 'the current one' }),
  kubeCluster: text(optional, 'What the taxonomy calls the cluster of the kubernetes driver', {
    defaultHelp: 'the domain',
  }),

  logLevel: text(z.enum(LOG_LEVELS).default('info'), LOG_LEVELS.join(', ')),
} as const satisfies Record<string, Setting>;

type Read = Settings<typeof CONTROLLER_SETTINGS>;

export interface ControllerConfig extends Omit<Read, 'driver' | 'auth' | 'database' | 'agentPorts'> {
  readonly drivers: readonly DriverName[];
  readonly databaseUrl: string;
  /** Undefined: everybody on loopback is the administrator. */
  readonly oidc: OidcSettings | undefined;
  readonly agentPorts: { readonly first: number; readonly last: number };
}

export interface ConfigSources {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
}

/** Checks everything and freezes it. Throws ERR_CONFIG_INVALID that names what is wrong. */
export function loadControllerConfig({ argv, env, cwd }: ConfigSources): ControllerConfig {
  const file = configFile(argv, env, cwd);
  const read = readSettings(CONTROLLER_SETTINGS, { argv, env, ...(file === undefined ? {} : { file }) });
  const { driver, auth, database, agentPorts, ...rest } = read;
  const stateDir = resolve(cwd, read.stateDir);
  const oidc = (auth ?? (read.issuer === undefined ? 'none' : 'oidc')) === 'none' ? undefined : oidcOf(read, cwd);
  if (oidc === undefined && !isLoopback(read.host)) {
    throw invalid('auth', `"none" is allowed on loopback only, and ${read.host} is not; give an OIDC issuer`);
  }
  return Object.freeze({
    ...rest,
    stateDir,
    oidc,
    drivers: driversOf(read, oidc),
    databaseUrl: database ?? join(stateDir, 'controller.db'),
    agentPorts: portsOf(agentPorts),
  });
}

const invalid = (key: string, reason: string): RuntimeError => new RuntimeError('ERR_CONFIG_INVALID', { key, reason });

/** The file is named by a flag or a variable, so these are read first. */
function configFile(argv: readonly string[], env: ConfigSources['env'], cwd: string): unknown {
  const at = argv.findIndex((word) => word === '--config' || word.startsWith('--config='));
  const flag = at === -1 ? undefined : (/^--config=(.*)$/s.exec(argv[at] ?? '')?.[1] ?? argv[at + 1]);
  const path = flag ?? env['METAKERNEL_CONFIG'];
  if (path === undefined) return undefined;
  try {
    return parse(readFileSync(resolve(cwd, path), 'utf8'), { maxAliasCount: 100 }) ?? {};
  } catch (thrown) {
    throw invalid('config', `${path}: ${thrown instanceof Error ? thrown.message : String(thrown)}`);
  }
}

/** People who log in with an issuer are not all to start programs on this machine: there the driver must be asked for. */
function driversOf({ driver, only }: Read, oidc: OidcSettings | undefined): readonly DriverName[] {
  if (driver !== undefined) return driver.filter((name): name is DriverName => name !== 'none');
  return oidc === undefined && SERVICES.every((name) => only.includes(name)) ? ['process'] : [];
}

function portsOf(range: string | undefined): { first: number; last: number } {
  if (range === undefined) return { first: 0, last: 0 };
  const [first = 0, last = 0] = range.split('-').map(Number);
  if (first < 1 || last < first || last > 65_535) throw invalid('--agent-ports', `${range} is no range of ports`);
  return { first, last };
}

function oidcOf(read: Read, cwd: string): OidcSettings {
  const { issuer, issuerInClear, clientId, audience, serviceClients, adminRoles, controllerRoles } = read;
  if (issuer === undefined) throw invalid('--issuer', 'is needed for --auth oidc');
  if (clientId === undefined) throw invalid('--client-id', 'is needed with an issuer');
  const clientSecret = read.clientSecret ?? secretIn(read.clientSecretFile, cwd);
  const named = {
    ...(adminRoles.length > 0 && { admin: adminRoles }),
    ...(controllerRoles.length > 0 && { controller: controllerRoles }),
  };
  const parsed = oidcSettings.safeParse({
    issuer,
    issuerInClear,
    clientId,
    ...(clientSecret === undefined ? {} : { clientSecret }),
    ...(audience.length === 0 ? {} : { audience }),
    // Services of this tier ask each other with this client's own tokens.
    serviceClients: [...new Set([clientId, ...serviceClients])],
    ...(Object.keys(named).length === 0 ? {} : { roleNames: { ...DEFAULT_ROLE_NAMES, ...named } }),
  });
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw invalid(issue?.path.join('.') ?? 'issuer', issue?.message ?? 'invalid');
}

const DEFAULT_ROLE_NAMES = {
  admin: ['metakernel-admin'],
  user: ['metakernel-user'],
  service: ['metakernel-service'],
  controller: ['metakernel-controller'],
};

function secretIn(file: string | undefined, cwd: string): string | undefined {
  if (file === undefined) return undefined;
  try {
    return readFileSync(resolve(cwd, file), 'utf8').trim();
  } catch (thrown) {
    throw invalid('--client-secret-file', `${file}: ${thrown instanceof Error ? thrown.message : String(thrown)}`);
  }
}
