import { readFileSync } from 'node:fs';
import { availableParallelism, hostname, totalmem } from 'node:os';
import { resolve } from 'node:path';
import { parse as parseYaml } from 'yaml';
import { RuntimeError } from '../../common/errors.ts';
import { readSettings, type Settings } from '../../common/settings.ts';
import type { NewResource } from '../../contracts/agent/model.ts';
import { isLoopback } from '../http/loopback.ts';
import { withoutIgnoredFlags } from './compss-flags.ts';
import type { Durations } from './profile-file.ts';
import { AGENT_SETTINGS } from './settings.ts';
import { readStartFiles, type StartFiles, unitsOf } from './start-files.ts';

/** What an agent is started with: checked, complete, frozen. Paths are absolute. */
export interface AgentConfig
  extends Omit<
    Settings<typeof AGENT_SETTINGS>,
    | 'grpcPort'
    | 'dataPort'
    | 'config'
    | 'project'
    | 'resources'
    | 'pool'
    | 'inputProfile'
    | 'outputProfile'
    | 'cpus'
    | 'advertiseHost'
    | 'storeLimitBytes'
    | 'maxThreads'
    | 'workingDir'
    | 'logDir'
  > {
  readonly grpcPort: number;
  readonly dataPort: number;
  readonly cpus: number;
  readonly advertiseHost: string;
  readonly storeLimitBytes: number;
  readonly maxThreads: number;
  /** Absent: a temporary directory, removed at the end. */
  readonly workingDir?: string;
  readonly logDir?: string;
  /** Nodes to add at the start. */
  readonly pool: readonly NewResource[];
  /** What the files of COMPSs name and an agent cannot use. */
  readonly skipped: readonly string[];
  /** Mean durations of core elements that ran before, by signature. */
  readonly profiles?: Durations;
  readonly outputProfile?: string;
  /** Variables that programs get: those of this process without its settings. */
  readonly environment: Readonly<Record<string, string>>;
  /** Flags of COMPSs that were given and mean nothing here. */
  readonly ignoredFlags: readonly string[];
}

export interface ConfigSources {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
}

/** Flags win over environment variables, and those over the file. Throws ERR_CONFIG_INVALID. */
export function loadAgentConfig({ argv, env, cwd }: ConfigSources): AgentConfig {
  const { kept, ignored } = withoutIgnoredFlags(argv);
  // The name of the file is itself a setting: read it first, then everything.
  const { config } = readSettings({ ...AGENT_SETTINGS }, { argv: kept, env });
  const file = config === undefined ? undefined : readConfigFile(resolve(cwd, config));
  const settings = readSettings(AGENT_SETTINGS, { argv: kept, env, file });
  checkExposure(settings);
  checkTls(settings);
  const files = readStartFiles(settings, cwd);
  return Object.freeze({
    ...complete(settings, cwd, files),
    ignoredFlags: ignored,
    environment: programVariables(env),
  });
}

/** Settings may be secret, and an agent that a program starts is to have its own. */
function programVariables(env: ConfigSources['env']): Readonly<Record<string, string>> {
  const variables: Record<string, string> = {};
  for (const [name, value] of Object.entries(env)) {
    if (value !== undefined && !name.startsWith('METAKERNEL_')) variables[name] = value;
  }
  return Object.freeze(variables);
}

function readConfigFile(path: string): unknown {
  try {
    return parseYaml(readFileSync(path, 'utf8')) as unknown;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new RuntimeError('ERR_CONFIG_INVALID', { key: 'config', reason: `${path}: ${reason}` }, { cause: error });
  }
}

type AgentSettings = Settings<typeof AGENT_SETTINGS>;

function complete(
  settings: AgentSettings,
  cwd: string,
  { pool, profiles, master, skipped }: StartFiles,
): Omit<AgentConfig, 'environment' | 'ignoredFlags'> {
  const {
    config: _config,
    project: _project,
    resources: _resources,
    inputProfile: _inputProfile,
    outputProfile,
    workingDir,
    logDir,
    stateDir,
    shmDir,
    tokenFile,
    tlsKey,
    tlsCert,
    tlsCa,
    auditLog,
    ...rest
  } = settings;
  const cpus = settings.cpus ?? unitsOf(master, 'CPU') ?? availableParallelism();
  const grpcPort = settings.grpcPort ?? portAfter(settings.restPort);
  const absolute = (path: string | undefined): string | undefined =>
    path === undefined ? undefined : resolve(cwd, path);
  const paths = { workingDir, logDir, stateDir, shmDir, tokenFile, tlsKey, tlsCert, tlsCa, auditLog, outputProfile };
  const memory = settings.memory ?? master?.memoryGb;
  const storage = settings.storage ?? master?.storageGb;
  return {
    ...rest,
    ...(Object.fromEntries(Object.entries(paths).map(([key, path]) => [key, absolute(path)])) as typeof paths),
    appPath: (settings.appPath.length === 0 ? ['.'] : settings.appPath).map((path) => resolve(cwd, path)),
    dataPath: settings.dataPath.map((path) => resolve(cwd, path)),
    sharedPath: settings.sharedPath.map((path) => resolve(cwd, path)),
    grpcPort,
    dataPort: settings.dataPort ?? portAfter(grpcPort),
    cpus,
    gpus: settings.gpus || (unitsOf(master, 'GPU') ?? 0),
    fpgas: settings.fpgas || (unitsOf(master, 'FPGA') ?? 0),
    memory,
    storage,
    software: settings.software.length === 0 ? [...(master?.software ?? [])] : settings.software,
    pool,
    skipped,
    ...(profiles === undefined ? {} : { profiles }),
    advertiseHost: settings.advertiseHost ?? (isWildcard(settings.host) ? hostname() : settings.host),
    storeLimitBytes: settings.storeLimitBytes ?? Math.floor(totalmem() / 4),
    maxThreads: settings.maxThreads ?? Math.max(1, 4 * cpus),
    logLevel: settings.debug ? 'debug' : settings.logLevel,
  } as Omit<AgentConfig, 'environment' | 'ignoredFlags'>;
}

/** Agents of one machine need only be told their REST ports. After "any free one" comes any free one. */
const portAfter = (port: number): number => (port === 0 || port === 65_535 ? 0 : port + 1);

const isWildcard = (host: string): boolean => host === '0.0.0.0' || host === '::';

/** Whoever can reach the ports could run any code: beyond loopback that takes a secret, or a plain word. */
function checkExposure({ host, insecure, tokenFile, tlsCa }: AgentSettings): void {
  if (isLoopback(host) || insecure || tokenFile !== undefined || tlsCa !== undefined) return;
  throw new RuntimeError('ERR_CONFIG_INVALID', {
    key: '--host',
    reason: `${host} can be reached from other machines: give --token-file, or --tls-ca with --tls-cert and --tls-key, or --insecure`,
  });
}

function checkTls({ tlsKey, tlsCert, tlsCa }: AgentSettings): void {
  const given = [tlsKey, tlsCert].filter((path) => path !== undefined).length;
  if (given === 1)
    throw new RuntimeError('ERR_CONFIG_INVALID', { key: '--tls-key', reason: 'goes together with --tls-cert' });
  if (given === 0 && tlsCa !== undefined) {
    throw new RuntimeError('ERR_CONFIG_INVALID', { key: '--tls-ca', reason: 'needs --tls-key and --tls-cert' });
  }
}
