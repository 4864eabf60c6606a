/** Seeing what an application does: graph, timeline, why tasks wait, what happened to one; data of the agent. */
import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import {
  dataBody,
  type ExplanationBody,
  explanationBody,
  explanationList,
  storyBody,
} from '../../contracts/agent/views.ts';
import { applicationPath, resolveApplication } from '../application-id.ts';
import { EXIT, usageError } from '../exit.ts';
import { bytes, table } from '../format.ts';
import { type CommandContext, command, noMore, required } from './command.ts';

const output = { kind: 'text', short: 'o', help: 'File to write; stdout when not given' } as const;

async function write(
  content: string,
  file: string | undefined,
  { terminal, cwd, json }: CommandContext,
): Promise<void> {
  if (file === undefined) return terminal.out(content);
  const path = resolve(cwd, file);
  await writeFile(path, content);
  terminal.out(json ? JSON.stringify({ file: path }) : path);
}

const FORMATS = ['svg', 'dot', 'json'];

export const graph = command({
  usage: 'APPLICATION|last',
  details: 'The task graph as SVG, DOT or JSON.',
  options: {
    format: { kind: 'text', help: `${FORMATS.join(', ')}; by the ending of the file when not given, else dot` },
    output,
  },
  async run(args, context) {
    noMore(args, 1);
    const { format, output: file } = args.options;
    const ending = FORMATS.find((name) => file?.endsWith(`.${name}`) === true);
    const chosen = format ?? ending ?? (context.json ? 'json' : 'dot');
    if (!FORMATS.includes(chosen)) throw usageError(`there is no format ${chosen}; choose ${FORMATS.join(', ')}`);
    const id = await resolveApplication(context.client, args.positionals[0]);
    await write(await context.client.text(applicationPath(id, `/graph?format=${chosen}`)), file, context);
    return EXIT.ok;
  },
});

export const timeline = command({
  usage: 'APPLICATION|last',
  details: 'Attempts and transfers in the Chrome trace format: open the file in Perfetto or chrome://tracing.',
  options: { output },
  async run(args, context) {
    noMore(args, 1);
    const id = await resolveApplication(context.client, args.positionals[0]);
    await write(await context.client.text(applicationPath(id, '/timeline')), args.options.output, context);
    return EXIT.ok;
  },
});

export const explain = command({
  usage: 'APPLICATION|last [TASK]',
  details: 'Why a task waits and for what; without a task, why anything does.',
  options: {},
  async run(args, { client, terminal, json }) {
    noMore(args, 2);
    const id = await resolveApplication(client, args.positionals[0]);
    const task = args.positionals[1];
    const list =
      task === undefined
        ? await client.json(applicationPath(id, '/explain'), explanationList)
        : { tasks: [await client.json(taskPath(id, task, 'explain'), explanationBody)], waiting: 1 };
    terminal.out(json ? JSON.stringify(list) : explanationText(list));
    return EXIT.ok;
  },
});

const taskPath = (id: string, task: string, what: string): string =>
  applicationPath(id, `/tasks/${encodeURIComponent(task)}/${what}`);

function explanationText({ tasks, waiting }: { tasks: readonly ExplanationBody[]; waiting: number }): string {
  if (tasks.length === 0) return 'nothing waits';
  const more = waiting > tasks.length ? [`… and ${waiting - tasks.length} more tasks wait`] : [];
  return [...tasks.map(explanationLines), ...more].join('\n');
}

function explanationLines({ task, status, summary, waitsFor, resources }: ExplanationBody): string {
  const data = waitsFor.map(
    ({ version, writer, status: state }) =>
      `  waits for ${version}${writer === undefined ? '' : `, which ${writer} writes (${state ?? '?'})`}`,
  );
  const nodes = resources.map(({ name, reason }) => `  ${name}: ${reason}`);
  return [`${task} (${status}): ${summary}`, ...data, ...nodes].join('\n');
}

export const story = command({
  usage: 'APPLICATION|last TASK',
  details: 'What happened to a task, step by step.',
  options: {},
  async run(args, { client, terminal, json }) {
    noMore(args, 2);
    const id = await resolveApplication(client, args.positionals[0]);
    const body = await client.json(taskPath(id, required(args, 1, 'the task'), 'story'), storyBody);
    const first = body.entries[0]?.at ?? 0;
    const rows = body.entries.map(({ at, from, to, cause, node }) => [
      `+${(at - first).toFixed(1)} ms`,
      from,
      to,
      cause,
      node ?? '',
    ]);
    terminal.out(
      json
        ? JSON.stringify(body)
        : `${body.task}  ${body.signature}\n${table(['WHEN', 'FROM', 'TO', 'BECAUSE', 'NODE'], rows)}`,
    );
    return EXIT.ok;
  },
});

export const data = command({
  usage: '',
  details: 'What the agent holds, biggest first, and what it moved.',
  options: { limit: { kind: 'number', short: 'n', help: 'How many versions (20)' } },
  async run(args, { client, terminal, json }) {
    noMore(args, 0);
    const body = await client.json(`/COMPSs/data?limit=${args.options.limit ?? 20}`, dataBody);
    if (json) terminal.out(JSON.stringify(body));
    else terminal.out(dataText(body));
    return EXIT.ok;
  },
});

function dataText({ store, transfers, versions, total }: (typeof dataBody)['_output']): string {
  const rows = versions.map(({ version, kind, bytes: size, holders, name }) => [
    version,
    kind,
    bytes(size),
    holders.join(','),
    name ?? '',
  ]);
  return [
    `memory: ${bytes(store.inlineBytes + store.regionBytes)} of values; disk: ${bytes(store.spilledBytes)}`,
    `moved: ${bytes(transfers.bytesIn)} in, ${bytes(transfers.bytesOut)} out; ${transfers.pulls} pulls, ${transfers.failures} failed`,
    `${total} versions`,
    ...(rows.length === 0 ? [] : [table(['VERSION', 'KIND', 'SIZE', 'HELD BY', 'NAME'], rows)]),
  ].join('\n');
}
