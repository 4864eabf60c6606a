import { dashed, type Options } from './args.ts';
import { type Command, GLOBAL_OPTIONS } from './commands/command.ts';
import { COMMANDS, type Entry } from './registry.ts';

const pad = (rows: readonly (readonly [string, string])[]): string => {
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`).join('\n');
};

/** Commands that have a parser of their own. */
const OTHERS: readonly (readonly [string, string])[] = [
  ['agent start', 'Start an agent on this machine'],
  ['worker', 'Start a worker: it runs tasks of agents and nothing else'],
  ['run', 'Run a program with an agent of its own'],
  ['controller', 'Start the controller tier on this machine'],
  ['join', 'Join a domain, as its controller or as a machine of it'],
  ['certs', 'Make an authority and certificates for agents and people'],
  ['shell', 'Deploy applications through a controller'],
  ['version', 'Print the version'],
  ['help', 'This text, or that of a command'],
];

export const generalHelp = (): string =>
  [
    'usage: metakernel COMMAND [OPTIONS] [ARGUMENTS]',
    '',
    pad([
      ...OTHERS.slice(0, -2),
      ...COMMANDS.map((entry) => [names(entry), entry.summary] as const),
      ...OTHERS.slice(-2),
    ]),
    '',
    'options of every command:',
    optionRows(GLOBAL_OPTIONS),
    '',
    'exit codes: 0 done, 1 failed, 2 wrong usage, 3 cancelled, 4 no agent answers, 130 interrupted',
  ].join('\n');

const names = ({ name, aliases }: Entry): string => [name, ...aliases].join(', ');

export const commandHelp = (entry: Entry, command: Command): string =>
  [
    `usage: metakernel ${entry.name} ${[hasOptions(command) ? '[OPTIONS]' : '', command.usage].filter((part) => part !== '').join(' ')}`,
    '',
    command.details ?? `${entry.summary}.`,
    ...(hasOptions(command) ? ['', 'options:', optionRows(command.options)] : []),
    '',
    'options of every command:',
    optionRows(GLOBAL_OPTIONS),
  ].join('\n');

const hasOptions = ({ options }: Command): boolean => Object.keys(options).length > 0;

export const optionRows = (options: Options): string =>
  pad(
    Object.entries(options).map(([name, { short, kind, help }]) => {
      const value = kind === 'switch' ? '' : ` ${kind === 'number' ? 'N' : 'TEXT'}`;
      return [`${short === undefined ? '    ' : `-${short}, `}--${dashed(name)}${value}`, help] as const;
    }),
  );
