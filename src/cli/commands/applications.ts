/** Applications of an agent: list, status, result, logs, cancellation. */
import {
  type ApplicationBody,
  applicationBody,
  applicationList,
  cancelledReply,
  resultBody,
} from '../../contracts/agent/views.ts';
import { applicationPath, resolveApplication } from '../application-id.ts';
import { EXIT } from '../exit.ts';
import { duration, printedValue, table, time } from '../format.ts';
import { command, noMore } from './command.ts';

export const apps = command({
  usage: '',
  options: {
    limit: { kind: 'number', short: 'n', help: 'How many, newest first (20)' },
    status: { kind: 'text', help: 'Only those: accepted, running, completed, failed, cancelled, lost' },
  },
  async run(args, { client, terminal, json }) {
    noMore(args, 0);
    const query = new URLSearchParams({ limit: String(args.options.limit ?? 20) });
    if (args.options.status !== undefined) query.set('status', args.options.status);
    const list = await client.json(`/COMPSs/applications?${query}`, applicationList);
    terminal.out(json ? JSON.stringify(list) : applicationTable(list.applications));
    return EXIT.ok;
  },
});

function applicationTable(applications: readonly ApplicationBody[]): string {
  if (applications.length === 0) return 'no applications';
  return table(
    ['APPLICATION', 'STATUS', 'CREATED', 'TIME', 'TASKS', 'CALL'],
    applications.map((view) => [
      view.appId,
      view.status,
      time(view.createdAt),
      elapsed(view),
      progress(view),
      callOf(view),
    ]),
  );
}

const callOf = ({ lang, className, methodName }: ApplicationBody): string =>
  `${lang} ${className}${methodName === '' ? '' : `#${methodName}`}`;
const elapsed = ({ createdAt, endedAt }: ApplicationBody): string => duration((endedAt ?? Date.now()) - createdAt);
const progress = ({ tasks }: ApplicationBody): string => `${tasks.completed}/${tasks.submitted}`;

export const status = command({
  usage: 'APPLICATION|last',
  options: {},
  async run(args, { client, terminal, json }) {
    noMore(args, 1);
    const id = await resolveApplication(client, args.positionals[0]);
    const view = await client.json(applicationPath(id), applicationBody);
    terminal.out(json ? JSON.stringify(view) : describeApplication(view));
    return EXIT.ok;
  },
});

export function describeApplication(view: ApplicationBody): string {
  const { tasks, completedByNode, error, node } = view;
  const nodes = Object.entries(completedByNode).map(([name, count]) => `${name} ${count}`);
  const rows: [string, string][] = [
    ['application', view.appId],
    ['call', callOf(view)],
    ['status', view.status],
    ['node', node ?? 'not started'],
    ['created', time(view.createdAt)],
    ['time', elapsed(view)],
    [
      'tasks',
      `${tasks.completed} of ${tasks.submitted} done, ${tasks.running} running, ${tasks.ready} ready, ${tasks.blocked} blocked, ${tasks.failed} failed, ${tasks.cancelled} cancelled`,
    ],
    ...(nodes.length === 0 ? [] : [['done by', nodes.join(', ')] as [string, string]]),
  ];
  const lines = rows.map(([name, value]) => `${name.padEnd(12)}${value}`);
  return [...lines, ...(error === undefined ? [] : ['', errorText(error)])].join('\n');
}

type ErrorBody = NonNullable<ApplicationBody['error']>;

/** The chain of causes; the stack of the last one, which is the user's code. */
export function errorText(error: ErrorBody): string {
  const lines = [`${error.code}: ${error.message}`];
  let last = error;
  for (let cause = error.cause; cause !== undefined; cause = cause.cause) {
    lines.push(`  caused by ${cause.name ?? cause.code}: ${cause.message}`);
    last = cause;
  }
  if (last.stack !== undefined)
    lines.push(
      ...last.stack
        .split('\n')
        .slice(1, 9)
        .map((line) => `    ${line.trim()}`),
    );
  return lines.join('\n');
}

export const result = command({
  usage: 'APPLICATION|last',
  options: {},
  async run(args, { client, terminal, json }) {
    noMore(args, 1);
    const id = await resolveApplication(client, args.positionals[0]);
    const body = await client.json(applicationPath(id, '/result'), resultBody);
    terminal.out(json ? JSON.stringify(body) : body.results.map(resultLine).join('\n'));
    return EXIT.ok;
  },
});

export function resultLine({
  from,
  name,
  value,
  path,
}: {
  from: string;
  name?: string | undefined;
  value?: unknown;
  path?: string | undefined;
}): string {
  const text = path ?? printedValue(value);
  return from === 'return' ? text : `${name ?? from}: ${text}`;
}

export const cancel = command({
  usage: 'APPLICATION|last',
  options: {},
  async run(args, { client, terminal, json }) {
    noMore(args, 1);
    const id = await resolveApplication(client, args.positionals[0]);
    const reply = await client.json(applicationPath(id, '/cancel'), cancelledReply, { method: 'PUT' });
    terminal.out(
      json ? JSON.stringify(reply) : reply.cancelled ? `${id} is being cancelled` : `${id} has ended already`,
    );
    return reply.cancelled ? EXIT.ok : EXIT.failed;
  },
});

export const logs = command({
  usage: 'APPLICATION|last',
  details: 'What the main function, or one task, has written.',
  options: {
    follow: { kind: 'switch', short: 'f', help: 'Go on until the end' },
    task: { kind: 'text', short: 't', help: 'A task: t42' },
    attempt: { kind: 'number', help: 'Which attempt; the last one when not given' },
    stderr: { kind: 'switch', help: 'stderr instead of stdout' },
  },
  async run(args, { client, terminal, interrupted }) {
    noMore(args, 1);
    const id = await resolveApplication(client, args.positionals[0]);
    const { follow, task, attempt, stderr } = args.options;
    const query = new URLSearchParams({ follow: String(follow), stream: stderr ? 'stderr' : 'stdout' });
    if (task !== undefined) query.set('task', task);
    if (attempt !== undefined) query.set('attempt', String(attempt));
    try {
      const response = await client.request(applicationPath(id, `/logs?${query}`), {
        accept: 'text/plain',
        signal: interrupted,
      });
      for await (const chunk of response.body ?? []) terminal.raw(chunk as Uint8Array);
    } catch (error) {
      if (!interrupted.aborted) throw error;
      return EXIT.interrupted;
    }
    return EXIT.ok;
  },
});
