/** Calling a function on an agent, and waiting for what comes of it. */
import { jsonStartApplication } from '../../contracts/agent/json-write.ts';
import { APPLICATION_LANGUAGES, type ApplicationLanguage, type StartApplication } from '../../contracts/agent/model.ts';
import { startedReply } from '../../contracts/agent/views.ts';
import { parseParameter } from '../call-values.ts';
import { EXIT, usageError } from '../exit.ts';
import { followApplication } from '../follow.ts';
import { command, required } from './command.ts';

export const call = command({
  usage: 'MODULE METHOD [ARGUMENT…]',
  details: [
    'Starts a function and waits for it; the exit code says how it went. MODULE is a file below the application',
    'directories of the agent, or a package; for BINARY the program. Arguments: numbers, true, false and JSON are what',
    'they look like, @file is a file that is read, @out:file and @inout:file one that is written, the rest is text.',
    'Options come before MODULE.',
  ].join('\n'),
  stopAtPositional: 2,
  options: {
    lang: {
      kind: 'text',
      short: 'l',
      help: 'JS, PYTHON, JAVA, BINARY or CONTAINER; by the ending of MODULE when not given',
    },
    text: { kind: 'switch', help: 'All arguments are text' },
    detach: { kind: 'switch', short: 'd', help: 'Print the id and do not wait' },
    output: { kind: 'switch', short: 'o', help: 'Show what the function writes' },
    timeOut: { kind: 'number', help: 'Seconds until the function is killed' },
    stop: { kind: 'switch', help: 'Stop the agent afterwards' },
    forwardTo: { kind: 'list', help: 'With --stop: an agent to stop too (again for more)' },
  },
  async run(args, context) {
    const { options } = args;
    const className = required(args, 0, 'the module');
    const language = options.lang === undefined ? languageOf(className) : namedLanguage(options.lang);
    const methodName =
      language === 'BINARY' || language === 'CONTAINER' ? (args.positionals[1] ?? '') : required(args, 1, 'the method');
    const request: StartApplication = {
      language,
      className,
      methodName,
      hasResult: true,
      parameters: args.positionals
        .slice(2)
        .map((word, index) => parseParameter(word, index, { asText: options.text, cwd: context.cwd })),
      results: [],
      ...(options.timeOut === undefined ? {} : { timeOutMs: Math.round(options.timeOut * 1000) }),
      ...(options.stop ? { action: { name: 'stop', forwardTo: options.forwardTo.map(withScheme) } } : {}),
    };
    const { client, terminal, json } = context;
    const body = jsonStartApplication(request);
    const { appId } = await client.json('/COMPSs/startApplication', startedReply, { method: 'PUT', body });
    if (!options.detach) return followApplication(appId, context, { output: options.output });
    terminal.out(json ? JSON.stringify({ appId }) : appId);
    return EXIT.ok;
  },
});

const withScheme = (agent: string): string => (/^https?:/.test(agent) ? agent : `http://${agent}`);

const LANGUAGE_OF_ENDING: readonly (readonly [RegExp, ApplicationLanguage])[] = [
  [/\.(?:[cm]?[jt]s)$/, 'JS'],
  [/\.py$/, 'PYTHON'],
];

const languageOf = (module: string): ApplicationLanguage =>
  LANGUAGE_OF_ENDING.find(([ending]) => ending.test(module))?.[1] ?? 'JS';

function namedLanguage(text: string): ApplicationLanguage {
  const name = text.toUpperCase();
  const language = name === 'NODE' || name === 'TS' ? 'JS' : APPLICATION_LANGUAGES.find((known) => known === name);
  if (language === undefined)
    throw usageError(`there is no language ${text}; known: ${APPLICATION_LANGUAGES.join(', ')}`);
  return language;
}
