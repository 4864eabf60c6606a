/** `metakernel agent start`: an agent as this process. Everything heavy is loaded here, not by the client commands. */
import { flagOf, settingRows } from '../../common/settings.ts';
import { endWithParent, untilSignal } from '../ending.ts';
import { EXIT, usageError } from '../exit.ts';
import { type Invocation, runEntry } from '../invocation.ts';
import { findCommand } from '../registry.ts';

/** Of the command and not of the agent: no variable and no file can set them. */
const SWITCHES: readonly string[] = ['--json', '--exit-with-parent', '--forget-token-file'];

export async function agent(argv: readonly string[], invocation: Invocation): Promise<number> {
  const [action, ...rest] = argv;
  const stop = findCommand('stop');
  if (action === 'stop' && stop !== undefined) return runEntry(stop, rest, invocation);
  if (action === undefined || action === '--help' || action === '-h') return printHelp(invocation);
  if (action !== 'start') throw usageError(`agent can start and stop, not ${action}`);
  if (rest.includes('--help') || rest.includes('-h')) return printHelp(invocation);
  return start(rest, invocation);
}

const printHelp = (invocation: Invocation): Promise<number> =>
  printSettings(invocation, ['agent start [OPTIONS]', 'agent stop [--agent URL]']);

export const isSwitch = (word: string): boolean => SWITCHES.includes(word);

/** Help of a command that takes the settings of an agent. */
export async function printSettings({ terminal }: Invocation, usages: readonly string[]): Promise<number> {
  const { AGENT_SETTINGS } = await import('../../agent/config/settings.ts');
  const rows = settingRows(AGENT_SETTINGS).map(({ flag, fallback, help }) => {
    const given = fallback === '' ? '' : ` (${fallback})`;
    return `  ${flag.padEnd(28)}${help}${given}`;
  });
  const head = usages.map((usage, index) => `${index === 0 ? 'usage:' : '      '} metakernel ${usage}`);
  const variable = `Each is also an environment variable (${flagOf('restPort')}: METAKERNEL_REST_PORT)`;
  terminal.out(
    [
      ...head,
      '',
      ...rows,
      `${'  --json'.padEnd(30)}Say where it listens as a line of JSON`,
      `${'  --exit-with-parent'.padEnd(30)}End when standard input is closed, as it is when the starter dies`,
      '',
      `${variable} and a key of the file of --config.`,
    ].join('\n'),
  );
  return EXIT.ok;
}

async function start(argv: readonly string[], { env, cwd, terminal }: Invocation): Promise<number> {
  const json = argv.includes('--json');
  const exitWithParent = argv.includes('--exit-with-parent');
  const [{ loadAgentConfig }, { startAgent, describeFatal }, { createLogger }] = await Promise.all([
    import('../../agent/config/config.ts'),
    import('../../agent/agent.ts'),
    import('../../telemetry/logger.ts'),
  ]);
  const config = loadAgentConfig({ argv: argv.filter((word) => !isSwitch(word)), env, cwd });
  const logger = createLogger({ level: config.logLevel, name: config.name });
  if (config.ignoredFlags.length > 0)
    logger.warn({ flags: config.ignoredFlags }, 'flags that mean nothing here were ignored');
  if (config.skipped.length > 0)
    logger.warn({ skipped: config.skipped }, 'parts of the project that an agent cannot use');
  const signalled = untilSignal();
  if (exitWithParent) endWithParent();
  const running = await startAgent({
    config,
    logger,
    print: (line) => terminal.out(line),
    onFatal: (error) => {
      logger.error(describeFatal(error), 'the scheduler is broken: the agent ends');
      process.exit(EXIT.failed);
    },
  });
  const { url, restPort, grpcPort, dataPort } = running;
  const ports = { name: config.name, pid: process.pid, url, restPort, grpcPort, dataPort };
  terminal.out(
    json ? JSON.stringify(ports) : `Agent ${config.name} listens on ${url} (link ${grpcPort}, data ${dataPort})`,
  );
  await Promise.race([running.stopped, signalled]);
  await running[Symbol.asyncDispose]();
  logger.info({}, 'the agent has stopped');
  return EXIT.ok;
}
