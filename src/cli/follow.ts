/** Following an application from its start to its end, on the terminal. */
import { type ApplicationBody, resultBody } from '../contracts/agent/views.ts';
import { applicationPath } from './application-id.ts';
import { errorText, resultLine } from './commands/applications.ts';
import type { CommandContext } from './commands/command.ts';
import { applicationEvents } from './event-stream.ts';
import { CliError, EXIT } from './exit.ts';
import { duration } from './format.ts';
import { Progress } from './progress.ts';

/** Exit code that says how an application ended. */
export const exitCodeOf = (status: ApplicationBody['status']): number =>
  status === 'completed' ? EXIT.ok : status === 'cancelled' ? EXIT.cancelled : EXIT.failed;

/** Exit status of a whole program that ended by itself with one that is not 0. */
function programStatus(view: ApplicationBody): number | undefined {
  const status = view.error?.details?.['exitStatus'];
  return typeof status === 'number' ? status : undefined;
}

export interface FollowOptions {
  /** What the main function writes goes to stdout while it runs. */
  readonly output: boolean;
  /** What it returns is printed at the end; default. */
  readonly results?: boolean;
}

/** Waits for the end and prints what came of it. Ctrl-C cancels the application; a second one leaves it alone. */
export async function followApplication(id: string, context: CommandContext, options: FollowOptions): Promise<number> {
  const left = new AbortController();
  const onInterrupt = (): void => cancelOnce(id, context, left);
  context.interrupted.addEventListener('abort', onInterrupt, { once: true });
  try {
    const logs = options.output ? copyOutput(id, context, left.signal) : Promise.resolve();
    const view = await waitForEnd(id, context, left.signal);
    await logs;
    if (view === undefined) return EXIT.interrupted;
    await printEnd(view, context, options.results ?? true);
    return programStatus(view) ?? exitCodeOf(view.status);
  } finally {
    context.interrupted.removeEventListener('abort', onInterrupt);
  }
}

function cancelOnce(id: string, { client, terminal }: CommandContext, left: AbortController): void {
  terminal.error(`cancelling ${id}; press Ctrl-C again to leave it`);
  process.once('SIGINT', () => left.abort());
  client.request(applicationPath(id, '/cancel'), { method: 'PUT' }).catch((error: unknown) => {
    terminal.error(`it could not be cancelled: ${error instanceof Error ? error.message : String(error)}`);
    left.abort();
  });
}

async function waitForEnd(
  id: string,
  context: CommandContext,
  signal: AbortSignal,
): Promise<ApplicationBody | undefined> {
  using progress = context.quiet ? undefined : new Progress(context.terminal);
  let last: ApplicationBody | undefined;
  for await (const event of applicationEvents(context.client, id, signal)) {
    if (event.type === 'notice') {
      context.terminal.error(`notice: ${event.error.message} (${event.error.code})`);
      continue;
    }
    if (event.type === 'status') last = event.application;
    progress?.update(event.type === 'status' ? event.application : event);
  }
  return signal.aborted ? undefined : last;
}

/** Follows stdout of the main function; a reader that breaks off is no reason to fail. */
async function copyOutput(id: string, { client, terminal }: CommandContext, signal: AbortSignal): Promise<void> {
  try {
    const response = await client.request(applicationPath(id, '/logs?follow=true'), { accept: 'text/plain', signal });
    for await (const chunk of response.body ?? []) terminal.raw(chunk as Uint8Array);
  } catch (error) {
    if (!signal.aborted)
      terminal.error(`its output is not shown: ${error instanceof CliError ? error.message : String(error)}`);
  }
}

async function printEnd(
  view: ApplicationBody,
  { client, terminal, json, quiet }: CommandContext,
  withResults: boolean,
): Promise<void> {
  const took = (view.endedAt ?? view.createdAt) - view.createdAt;
  if (view.status !== 'completed') {
    if (json) terminal.out(JSON.stringify(view));
    else
      terminal.error(
        `${view.status} after ${duration(took)}${view.error === undefined ? '' : `\n${errorText(view.error)}`}`,
      );
    return;
  }
  const results = withResults ? (await client.json(applicationPath(view.appId, '/result'), resultBody)).results : [];
  if (json) {
    terminal.out(JSON.stringify({ ...view, results }));
    return;
  }
  for (const result of results)
    if (result.value !== undefined || result.path !== undefined) terminal.out(resultLine(result));
  if (!quiet) terminal.error(`completed in ${duration(took)}, ${view.tasks.completed} tasks`);
}
