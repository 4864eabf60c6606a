/** `metakernel run app.ts`: a program with an agent of its own, in this process, gone when the program has ended. */
import { existsSync } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';
import { jsonStartApplication } from '../../contracts/agent/json-write.ts';
import { startedReply } from '../../contracts/agent/views.ts';
import { type Arguments, parseArguments } from '../args.ts';
import { parseParameter } from '../call-values.ts';
import { CliError, EXIT, usageError } from '../exit.ts';
import { followApplication } from '../follow.ts';
import { optionRows } from '../help.ts';
import { contextOf, type Invocation } from '../invocation.ts';

const OPTIONS = {
  method: { kind: 'text', short: 'm', help: 'The function that the file exports (main; of Python the whole program)' },
  python: { kind: 'text', help: 'Interpreter of Python tasks (python3)' },
  cpus: { kind: 'number', help: 'CPU units (those of the machine)' },
  scheduler: { kind: 'text', help: 'Placement policy (locality)' },
  logDir: { kind: 'text', help: 'Directory for what tasks write; thrown away when not given' },
  checkInputs: { kind: 'switch', help: 'Fail tasks that write to their IN parameters' },
  text: { kind: 'switch', help: 'All arguments are text' },
  json: { kind: 'switch', help: 'JSON on stdout, for scripts' },
  quiet: { kind: 'switch', short: 'q', help: 'No progress' },
  help: { kind: 'switch', short: 'h', help: 'This text' },
} as const;
type RunArguments = Arguments<typeof OPTIONS>;

export async function run(argv: readonly string[], invocation: Invocation): Promise<number> {
  const args = parseArguments(argv, OPTIONS, 1);
  const { terminal, cwd } = invocation;
  if (args.options.help) {
    terminal.out(
      [
        'usage: metakernel run [OPTIONS] FILE [ARGUMENT…]',
        '',
        'Arguments are as for call.',
        '',
        'options:',
        optionRows(OPTIONS),
      ].join('\n'),
    );
    return EXIT.ok;
  }
  const given = args.positionals[0];
  if (given === undefined) throw usageError('the file to run is missing');
  const file = resolve(cwd, given);
  if (!existsSync(file)) throw new CliError(`there is no file ${file}`, EXIT.usage);
  const python = file.endsWith('.py');
  // A program gets its arguments as text, as it would from its interpreter.
  const whole = python && args.options.method === undefined;
  await using agent = await embeddedAgent(file, args, invocation);
  const context = contextOf(invocation, {
    json: args.options.json,
    quiet: args.options.quiet,
    agent: agent.url,
    tokenFile: undefined,
  });
  const body = jsonStartApplication({
    language: python ? 'PYTHON' : 'JS',
    className: basename(file),
    methodName: args.options.method ?? (python ? '__main__' : 'main'),
    hasResult: !whole,
    parameters: args.positionals
      .slice(1)
      .map((word, index) => parseParameter(word, index, { asText: args.options.text || whole, cwd })),
    results: [],
  });
  const { appId } = await context.client.json('/COMPSs/startApplication', startedReply, { method: 'PUT', body });
  return await followApplication(appId, context, { output: !args.options.json, results: !whole });
}

/** On free ports of loopback, silent but for what goes wrong. Environment variables of agents do not count. */
async function embeddedAgent(
  file: string,
  { options }: RunArguments,
  { cwd, terminal }: Invocation,
): Promise<AsyncDisposable & { url: string }> {
  const [{ loadAgentConfig }, { startAgent, describeFatal }, { createLogger }] = await Promise.all([
    import('../../agent/config/config.ts'),
    import('../../agent/agent.ts'),
    import('../../telemetry/logger.ts'),
  ]);
  const flags = ['--rest-port=0', '--grpc-port=0', '--data-port=0', '--name=local', '--drain-ms=0', '--data-path=/'];
  const chosen = [
    `--app-path=${dirname(file)}`,
    ...(options.cpus === undefined ? [] : [`--cpus=${options.cpus}`]),
    ...(options.scheduler === undefined ? [] : [`--scheduler=${options.scheduler}`]),
    ...(options.logDir === undefined ? [] : [`--log-dir=${options.logDir}`]),
    ...(options.checkInputs ? ['--check-inputs'] : []),
    ...(options.python === undefined ? [] : [`--python=${options.python}`]),
  ];
  const config = loadAgentConfig({ argv: [...flags, ...chosen], env: {}, cwd });
  const logger = createLogger({ level: 'warn', name: 'metakernel' });
  return startAgent({
    config,
    logger,
    print: () => undefined,
    onFatal: (error) => {
      terminal.error(`metakernel: ${JSON.stringify(describeFatal(error))}`);
      process.exit(EXIT.failed);
    },
  });
}
