/** Every setting of an agent, once: flags, environment, file, reference page and types come from here. */
import { hostname } from 'node:os';
import { z } from 'zod';
import type { Setting } from '../../common/settings.ts';
import { ROLES } from '../../contracts/agent/role.ts';
import { LOG_LEVELS } from '../../telemetry/logger.ts';

const MIB = 1024 * 1024;

const port = z.int('must be a port').min(0).max(65_535, 'must be a port');
const amount = z.number().positive();
const milliseconds = (fallback: number) => z.int().min(0).default(fallback);
const path = z.string().min(1, 'must not be empty').optional();
const list = z.array(z.string().min(1)).default([]);

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
const toggle = (fallback: boolean, help: string, more: Partial<Setting<boolean>> = {}): Setting<boolean> => ({
  kind: 'switch',
  schema: z.boolean().default(fallback),
  help,
  ...more,
});
const words = (
  schema: z.ZodType<string[]>,
  help: string,
  more: Partial<Setting<string[]>> = {},
): Setting<string[]> => ({ kind: 'list', schema, help, ...more });

const paths = (
  schema: z.ZodType<string[]>,
  help: string,
  more: Partial<Setting<string[]>> = {},
): Setting<string[]> => ({ kind: 'paths', schema, help, ...more });

/** COMPSs's names of levels are understood too. */
const logLevel = z.preprocess(
  (level) => ({ off: 'silent', trace: 'debug', api: 'debug' })[String(level)] ?? level,
  z.enum(LOG_LEVELS).default('info'),
);

export const AGENT_SETTINGS = {
  config: text(path, 'File with settings (YAML or JSON); keys as in this table, in camelCase'),
  name: text(z.string().min(1).max(255).default(hostname()), 'Name of this node in every pool', {
    aliases: ['--hostname'],
    defaultHelp: 'the host name',
  }),

  host: text(z.string().min(1).default('127.0.0.1'), 'Address that all ports are bound to'),
  advertiseHost: text(z.string().min(1).optional(), 'Address that other agents reach this one at', {
    defaultHelp: 'the bound address, or the host name when bound to all',
  }),
  restPort: number(port.default(46_101), 'Port of the REST interface; 0 takes a free one', {
    aliases: ['--rest_port'],
  }),
  grpcPort: number(port.optional(), 'Port of the agent link; 0 takes a free one', {
    aliases: ['--comm_port', '--comm-port'],
    defaultHelp: 'the one after the REST port',
  }),
  dataPort: number(port.optional(), 'Port of the data link; 0 takes a free one', {
    defaultHelp: 'the one after the port of the agent link',
  }),
  metricsPort: number(port.optional(), 'Second port that serves /metrics alone (ICOS scrapes 19090)'),

  cpus: number(z.int().min(0).optional(), 'CPU units of this node', { defaultHelp: 'those of the machine' }),
  gpus: number(z.int().min(0).default(0), 'GPUs of this node'),
  fpgas: number(z.int().min(0).default(0), 'FPGAs of this node'),
  memory: number(amount.optional(), 'Memory of this node in GB; not given: tasks may ask for any'),
  storage: number(amount.optional(), 'Disk of this node in GB; not given: tasks may ask for any'),
  software: words(list, 'Software that tasks may ask for'),

  appPath: paths(list, 'Directories that modules are found in', {
    aliases: ['--pythonpath', '--classpath'],
    defaultHelp: 'the current directory',
  }),
  python: text(z.string().min(1).default('python3'), 'Interpreter of PYTHON tasks, a path or a name on PATH', {
    aliases: ['--python_interpreter'],
  }),
  virtualenv: text(path, 'Virtual environment of PYTHON tasks: its interpreter is taken', {
    aliases: ['--python_virtual_environment'],
  }),
  dataPath: paths(list, 'Directories that requests may name files in, beside the application directories'),
  sharedPath: paths(list, 'Directories on storage that all agents see under the same path: files there are not copied'),
  workingDir: text(path, 'Directory for the files of running tasks; a temporary one when not given', {
    aliases: ['--wdir'],
  }),
  logDir: text(path, 'Directory for jobs/*.out and *.err', {
    aliases: ['--log_dir'],
    defaultHelp: 'logs in the working directory',
  }),
  stateDir: text(path, 'Directory that survives a crash: accepted applications resume from it'),
  shmDir: text(path, 'Directory in shared memory for values that Python and Java share', {
    defaultHelp: '/dev/shm where there is one',
  }),

  pool: text(path, 'File with nodes to add at the start (YAML: nodes, each with name, adaptor, cpus, properties)'),
  project: text(path, "COMPSs's project.xml: capacity of this node, and nodes to add"),
  resources: text(path, "COMPSs's resources.xml: what the nodes of the project have"),
  comm: text(z.string().min(1).optional(), 'Adaptor of nodes for which the files of COMPSs name several'),
  inputProfile: text(path, "Durations of tasks that ran before (COMPSs's JSON), for placement", {
    aliases: ['--input_profile'],
  }),
  outputProfile: text(path, 'Where such durations are written at the end', { aliases: ['--output_profile'] }),

  scheduler: text(z.string().min(1).default('locality'), "Placement policy, or the class name of one of COMPSs's"),
  storeLimitBytes: number(
    z
      .int()
      .min(16 * MIB, 'must be 16 MiB or more')
      .optional(),
    'Bytes of values kept in memory; beyond that they go to disk (suffixes k, m, g)',
    { defaultHelp: 'a quarter of the memory of the machine' },
  ),
  maxThreads: number(z.int().min(1).optional(), 'Threads at most, running and suspended', {
    defaultHelp: '4 x cpus',
  }),
  reuseResourcesOnBlock: toggle(true, 'A task that waits for tasks of its own gives its CPUs back meanwhile', {
    aliases: ['--reuse_resources_on_block'],
  }),
  programs: toggle(true, 'Run programs and containers (BINARY, CONTAINER)'),
  containerOptions: words(list, 'Words for every run of docker or podman, such as --network=none'),
  checkInputs: toggle(false, 'Fail tasks that write to their IN parameters'),
  heartbeatMs: number(z.int().min(10).default(250), 'Time between heartbeats to other agents'),
  deadlineMs: number(z.int().min(50).default(2_000), 'Silence after which another agent counts as lost'),
  drainMs: number(milliseconds(10_000), 'Time that running applications get to end at shutdown'),
  keptApplications: number(z.int().min(1).default(1_000), 'Ended applications that stay known'),

  tokenFile: text(path, 'File with bearer tokens, one a line, each after an optional role (read, run, admin)'),
  tlsKey: text(path, 'Private key of this agent (PEM), for all its ports; read again when it changes'),
  tlsCert: text(path, 'Certificate of this agent (PEM), for all its ports; read again when it changes'),
  tlsCa: text(path, 'CA that callers and other agents must have a certificate of (PEM); read again when it changes'),
  tlsRole: text(z.enum(ROLES).default('run'), 'Role of certificates of the CA that carry none: read, run or admin'),
  auditLog: text(path, 'File for who did what, one line of JSON each', {
    defaultHelp: 'the log: refusals as warnings, the rest at debug',
  }),
  insecure: toggle(false, 'Listen beyond loopback without tokens or client certificates'),
  allowedHost: words(list, 'Further names that requests may call this agent by (Host header); * for any'),
  maxBodyBytes: number(
    z
      .int()
      .min(1024)
      .default(16 * MIB),
    'Largest body of a request',
  ),
  maxBodyDepth: number(z.int().min(8).max(1_000).default(64), 'Deepest nesting of a body'),
  maxBodyNodes: number(z.int().min(100).default(200_000), 'Most elements or values in a body'),
  maxFrameBytes: number(
    z
      .int()
      .min(2 * MIB, 'must be 2 MiB or more')
      .default(256 * MIB),
    'Largest frame of the agent link',
  ),
  requestsPerSecond: number(z.int().min(0).default(20_000), 'Requests of one address in a second; 0 for no limit'),

  logLevel: text(logLevel, 'debug, info, warn, error or silent', {
    aliases: ['--log_level'],
  }),
  debug: toggle(false, 'Log at debug level and write headers into the job logs', { aliases: ['-d'] }),
} as const satisfies Record<string, Setting>;
