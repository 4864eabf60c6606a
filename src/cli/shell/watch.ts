/** Live state of deployments: one line per change, or one JSON object per change. */
import { type JobBody, type JobGroupBody, jobGroupBody } from '../../contracts/icos/job.ts';
import { EXIT } from '../exit.ts';
import { deploymentText, isSettled, placeOf, reasonOf, stateOf, stateOfJob } from './deployment-views.ts';
import type { ShellContext } from './shell-command.ts';

/** Ends when nothing is under way: with 0 when all is well, with 1 when something is degraded. */
export async function watchDeployment(id: string, context: ShellContext): Promise<number> {
  const { terminal, json } = context;
  const changes = createChanges(context);
  let last: JobGroupBody | undefined;
  for await (const group of groups(`/api/v3/deployment/${id}?watch=true`, context)) {
    if (group === undefined) {
      if (!json) terminal.out(`${last?.appName ?? id} is gone`);
      return EXIT.ok;
    }
    last = group;
    changes.tell(group);
    if (isSettled(group)) break;
  }
  if (context.interrupted.aborted) return EXIT.interrupted;
  if (last === undefined) return EXIT.ok;
  if (!json) terminal.out(deploymentText(last));
  return stateOf(last) === 'Degraded' ? EXIT.failed : EXIT.ok;
}

/** Until Ctrl-C. */
export async function watchAll(context: ShellContext): Promise<number> {
  const changes = createChanges(context);
  for await (const group of groups('/api/v3/deployment?watch=true', context)) {
    if (group !== undefined) changes.tell(group);
  }
  return EXIT.interrupted;
}

/** Deployments as they change; undefined when one is deleted. */
async function* groups(path: string, context: ShellContext): AsyncGenerator<JobGroupBody | undefined> {
  const api = await context.connect();
  for await (const { event, data } of api.events(path, context.interrupted)) {
    if (event === 'deleted') yield undefined;
    if (event !== 'group') continue;
    if (context.json) context.terminal.out(JSON.stringify(data));
    yield jobGroupBody.parse(data);
  }
  if (!context.interrupted.aborted) yield undefined;
}

function createChanges({ terminal, json }: ShellContext): { tell(group: JobGroupBody): void } {
  const told = new Map<string, string>();
  const lineOf = (group: JobGroupBody, job: JobBody): string =>
    [
      `${group.appName}/${job.component ?? job.ID}`,
      stateOfJob(job),
      placeOf(job),
      reasonOf(job).split('\n', 1)[0],
    ].join('  ');
  return {
    tell: (group) => {
      if (json) return;
      for (const job of group.jobs ?? []) {
        const line = lineOf(group, job);
        if (told.get(job.ID) === line) continue;
        told.set(job.ID, line);
        terminal.out(`${new Date().toISOString().slice(11, 19)}  ${line}`);
      }
    },
  };
}
