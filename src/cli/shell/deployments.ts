import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { text as textOf } from 'node:stream/consumers';
import { type JobGroupBody, jobGroupBody } from '../../contracts/icos/job.ts';
import { CliError, EXIT, usageError } from '../exit.ts';
import type { Answer } from './controller-api.ts';
import { deploymentTable, deploymentText, stateOf } from './deployment-views.ts';
import { idIn, noArguments, type ShellContext, shellCommand } from './shell-command.ts';
import { watchAll, watchDeployment } from './watch.ts';

const DEPLOYMENTS = '/api/v3/deployment';

const watch = { kind: 'switch', short: 'w', help: 'Follow it until nothing is under way' } as const;
const file = { kind: 'text', short: 'f', help: 'File with the descriptor; - for standard input' } as const;

async function descriptorIn(given: string | undefined, positional: string | undefined, cwd: string): Promise<string> {
  const path = given ?? positional;
  if (path === undefined) throw usageError('the descriptor is missing: --file FILE');
  if (path === '-') return textOf(process.stdin);
  try {
    return readFileSync(resolve(cwd, path), 'utf8');
  } catch (thrown) {
    throw new CliError(
      `the descriptor ${path} cannot be read: ${thrown instanceof Error ? thrown.message : String(thrown)}`,
      EXIT.usage,
    );
  }
}

function show({ value, raw }: Answer<JobGroupBody>, { terminal, json }: ShellContext): number {
  terminal.out(json ? JSON.stringify(raw) : deploymentText(value));
  return EXIT.ok;
}

const done = (answer: Answer<JobGroupBody>, follow: boolean, context: ShellContext): Promise<number> =>
  follow ? watchDeployment(answer.value.ID, context) : Promise.resolve(show(answer, context));

export const createDeployment = shellCommand({
  name: 'deployments|deployment create',
  usage: '--file FILE',
  summary: 'Deploy an application',
  options: { file, watch, key: { kind: 'text', help: 'Idempotency key: the same key makes one deployment' } },
  async run({ options, positionals }, context) {
    const body = await descriptorIn(options.file, positionals[0], context.cwd);
    const api = await context.connect();
    const headers = options.key === undefined ? {} : { 'idempotency-key': options.key };
    const answer = await api.json(DEPLOYMENTS, jobGroupBody, { method: 'POST', body, headers });
    return done(answer, options.watch, context);
  },
});

export const getDeployment = shellCommand({
  name: 'deployments|deployment get',
  usage: 'ID',
  summary: 'How a deployment is, and why',
  options: { watch },
  async run(args, context) {
    const path = `${DEPLOYMENTS}/${idIn(args, 'deployment')}`;
    return done(await (await context.connect()).json(path, jobGroupBody), args.options.watch, context);
  },
});

export const listDeployments = shellCommand({
  name: 'deployments|deployment list',
  usage: '',
  summary: 'All deployments',
  options: {
    name: { kind: 'text', help: 'Only those of this name' },
    watch: { kind: 'switch', short: 'w', help: 'Tell every change until Ctrl-C' },
  },
  async run(args, context) {
    noArguments(args);
    if (args.options.watch) return watchAll(context);
    const query = args.options.name === undefined ? '' : `?name=${encodeURIComponent(args.options.name)}`;
    const pages = await (await context.connect()).pages(`${DEPLOYMENTS}${query}`, jobGroupBody);
    const { terminal, json } = context;
    terminal.out(json ? JSON.stringify(pages.map(({ raw }) => raw)) : deploymentTable(pages.map(({ value }) => value)));
    return EXIT.ok;
  },
});

export const updateDeployment = shellCommand({
  name: 'deployments|deployment update',
  usage: 'ID --file FILE',
  summary: 'Bring a deployment to another descriptor',
  options: { file, watch },
  async run({ options, positionals }, context) {
    const path = `${DEPLOYMENTS}/${idIn({ positionals: positionals.slice(0, 1) }, 'deployment')}`;
    const body = await descriptorIn(options.file, positionals[1], context.cwd);
    const answer = await (await context.connect()).json(path, jobGroupBody, { method: 'PUT', body });
    return done(answer, options.watch, context);
  },
});

export const stopDeployment = shellCommand({
  name: 'deployments|deployment stop',
  usage: 'ID',
  summary: 'Undeploy, and keep the record',
  options: { watch },
  async run(args, context) {
    const path = `${DEPLOYMENTS}/${idIn(args, 'deployment')}/stop`;
    const answer = await (await context.connect()).json(path, jobGroupBody, { method: 'DELETE' });
    return done(answer, args.options.watch, context);
  },
});

export const deleteDeployment = shellCommand({
  name: 'deployments|deployment delete',
  usage: 'ID',
  summary: 'Forget a deployment that was stopped',
  options: {
    cascade: { kind: 'switch', help: 'Stop it first if it runs' },
    force: { kind: 'switch', help: 'Whatever its state; for administrators' },
    watch: { kind: 'switch', short: 'w', help: 'Follow it until it is gone' },
  },
  async run(args, context) {
    const { cascade, force } = args.options;
    const query = [...(cascade ? ['cascade=true'] : []), ...(force ? ['force=true'] : [])].join('&');
    const path = `${DEPLOYMENTS}/${idIn(args, 'deployment')}${query === '' ? '' : `?${query}`}`;
    const { value, raw } = await (await context.connect()).json(path, jobGroupBody, { method: 'DELETE' });
    if (args.options.watch) return watchDeployment(value.ID, context);
    context.terminal.out(context.json ? JSON.stringify(raw) : `${value.appName} (${value.ID}): ${stateOf(value)}`);
    return EXIT.ok;
  },
});
