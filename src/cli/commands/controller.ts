/** `metakernel controller` and `metakernel join`: the controller tier as this process. */
import type { Logger } from '../../common/logger.ts';
import { settingRows } from '../../common/settings.ts';
import type { ControllerConfig } from '../../controller/settings.ts';
import { endWithParent, untilSignal } from '../ending.ts';
import { EXIT } from '../exit.ts';
import type { Invocation } from '../invocation.ts';

const CONTROLLER_HELP = [
  'usage: metakernel controller [OPTIONS]',
  '',
  'Runs the controller tier on this machine: lighthouse, shell backend, job manager, matchmaker, aggregator, and the',
  'process driver, which deploys agents here. State is in SQLite; nothing else is needed.',
  '',
];
const JOIN_HELP = [
  'usage: metakernel join --lighthouse URL --domain DOMAIN [OPTIONS]',
  '',
  'Asks the lighthouse who controls the domain. Nobody: this machine becomes its controller. Somebody: this machine',
  'offers itself to that controller and runs what is deployed to it.',
  '',
];

export async function controller(argv: readonly string[], invocation: Invocation): Promise<number> {
  if (wantsHelp(argv)) return printHelp(CONTROLLER_HELP, invocation);
  const { config, logger } = await configured(argv, invocation);
  return runController(config, logger, argv, invocation);
}

export async function join(argv: readonly string[], invocation: Invocation): Promise<number> {
  if (wantsHelp(argv)) return printHelp(JOIN_HELP, invocation);
  const { config, logger } = await configured(argv, invocation);
  const [{ joinDomain }, { authenticatorOf }] = await Promise.all([
    import('../../controller/join.ts'),
    import('../../controller/main.ts'),
  ]);
  const joined = await joinDomain(config, authenticatorOf(config));
  const { domain } = config;
  const role =
    joined.role === 'controller'
      ? `${domain} had no controller: this is it now`
      : `${domain} is controlled by ${joined.controller.name} at ${joined.controller.address}: this machine serves it`;
  if (!argv.includes('--json')) invocation.terminal.out(role);
  return runController(joined.config, logger, argv, invocation, joined.role);
}

const wantsHelp = (argv: readonly string[]): boolean => argv.includes('--help') || argv.includes('-h');

async function configured(
  argv: readonly string[],
  { env, cwd }: Invocation,
): Promise<{ config: ControllerConfig; logger: Logger }> {
  const [{ loadControllerConfig }, { createLogger }] = await Promise.all([
    import('../../controller/settings.ts'),
    import('../../telemetry/logger.ts'),
  ]);
  const config = loadControllerConfig({ argv: argv.filter((word) => !OWN_FLAGS.has(word)), env, cwd });
  return { config, logger: createLogger({ level: config.logLevel, name: config.name }) };
}

const OWN_FLAGS: ReadonlySet<string> = new Set(['--json', '--exit-with-parent']);

const LONG_MS = 1 << 30;

async function runController(
  config: ControllerConfig,
  logger: Logger,
  argv: readonly string[],
  { terminal }: Invocation,
  role?: string,
): Promise<number> {
  if (argv.includes('--exit-with-parent')) endWithParent();
  const signalled = untilSignal();
  const { startController } = await import('../../controller/main.ts');
  const running = await startController({ config, logger, program: thisProgram() });
  const { urls, grpcPort } = running;
  if (argv.includes('--json')) {
    terminal.out(JSON.stringify({ pid: process.pid, domain: config.domain, ...(role && { role }), urls, grpcPort }));
  } else {
    for (const [service, url] of Object.entries(urls)) terminal.out(`${service.padEnd(14)}${url}`);
    if (config.drivers.length > 0) terminal.out(`${'drivers'.padEnd(14)}${config.drivers.join(', ')}`);
  }
  // Drivers alone listen nowhere, and their timers hold nothing.
  const alive = setInterval(() => undefined, LONG_MS);
  await signalled;
  clearInterval(alive);
  await running[Symbol.asyncDispose]();
  return EXIT.ok;
}

/** How this very program was started: the process driver starts agents the same way. */
const thisProgram = (): readonly [string, ...string[]] => [
  process.execPath,
  ...process.execArgv,
  process.argv[1] ?? 'metakernel',
];

async function printHelp(head: readonly string[], { terminal }: Invocation): Promise<number> {
  const { CONTROLLER_SETTINGS } = await import('../../controller/settings.ts');
  const rows = settingRows(CONTROLLER_SETTINGS).map(({ flag, fallback, help }) => {
    const given = fallback === '' ? '' : ` (${fallback})`;
    return `  ${flag.padEnd(26)}${help}${given}`;
  });
  const json = `${'  --json'.padEnd(28)}Say where it listens as a line of JSON`;
  const parent = `${'  --exit-with-parent'.padEnd(28)}End when standard input is closed, as it is when the starter dies`;
  const tail =
    'Each is also an environment variable (--shell-port: METAKERNEL_SHELL_PORT) and a key of the file of --config.';
  terminal.out([...head, ...rows, json, parent, '', tail].join('\n'));
  return EXIT.ok;
}
