/** `metakernel shell`: the commands of a user of the controller tier. */
import { type Options, parseArguments } from '../args.ts';
import { EXIT, usageError } from '../exit.ts';
import { optionRows } from '../help.ts';
import type { Invocation } from '../invocation.ts';
import { connect } from '../shell/connection.ts';
import {
  createDeployment,
  deleteDeployment,
  getDeployment,
  listDeployments,
  stopDeployment,
  updateDeployment,
} from '../shell/deployments.ts';
import { getJob, jobStory, listJobs } from '../shell/jobs.ts';
import { resources } from '../shell/resources.ts';
import { SHELL_OPTIONS, type ShellCommand } from '../shell/shell-command.ts';
import { controllers, login, logout } from '../shell/users.ts';

const SHELL_COMMANDS: readonly ShellCommand[] = [
  login,
  logout,
  controllers,
  createDeployment,
  getDeployment,
  listDeployments,
  updateDeployment,
  stopDeployment,
  deleteDeployment,
  resources,
  listJobs,
  getJob,
  jobStory,
];

/** Options may come before the command, so all of them are known before it is: none means two things. */
const ALL_OPTIONS: Options = Object.assign({}, SHELL_OPTIONS, ...SHELL_COMMANDS.map(({ options }) => options));

export async function shell(argv: readonly string[], { terminal, env, cwd, interrupted }: Invocation): Promise<number> {
  const words = parseArguments(argv, ALL_OPTIONS).positionals;
  const found = SHELL_COMMANDS.find((command) => isCalled(command, words));
  if (found === undefined) {
    const isHelp = argv.includes('--help') || argv.includes('-h') || words[0] === 'help';
    if (words.length > 0 && !isHelp) throw usageError(`the shell has no command ${words.slice(0, 2).join(' ')}`);
    (isHelp ? terminal.out : terminal.error)(shellHelp());
    return isHelp ? EXIT.ok : EXIT.usage;
  }
  const { options, positionals } = parseArguments(argv, { ...SHELL_OPTIONS, ...found.options });
  if (options.help) {
    terminal.out(commandHelp(found));
    return EXIT.ok;
  }
  const args = { options, positionals: positionals.slice(found.name.split(' ').length) };
  return found.run(args as Parameters<ShellCommand['run']>[0], {
    terminal,
    env,
    cwd,
    interrupted,
    json: options.json,
    lighthouse: options.lighthouse,
    connect: () => connect(options, env),
  });
}

const isCalled = ({ name }: ShellCommand, words: readonly string[]): boolean =>
  name.split(' ').every((spellings, place) => spellings.split('|').includes(words[place] ?? ''));

const plainName = ({ name }: ShellCommand): string => name.replaceAll(/\|\S+/g, '');

function shellHelp(): string {
  const rows = SHELL_COMMANDS.map(
    (command) => [`${plainName(command)} ${command.usage}`.trim(), command.summary] as const,
  );
  const width = Math.max(...rows.map(([left]) => left.length));
  return [
    'usage: metakernel shell COMMAND [OPTIONS]',
    '',
    ...rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`),
    '',
    'options of every command:',
    optionRows(SHELL_OPTIONS),
  ].join('\n');
}

const commandHelp = (command: ShellCommand): string =>
  [
    `usage: metakernel shell ${plainName(command)} ${command.usage}`.trimEnd(),
    '',
    `${command.summary}.`,
    ...(Object.keys(command.options).length === 0 ? [] : ['', 'options:', optionRows(command.options)]),
    '',
    'options of every command:',
    optionRows(SHELL_OPTIONS),
  ].join('\n');
