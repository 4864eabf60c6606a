import { parseApplicationId } from '../contracts/agent/application-id.ts';
import { applicationList } from '../contracts/agent/views.ts';
import type { AgentClient } from './client.ts';
import { CliError, usageError } from './exit.ts';

/** `last` is the newest application of the agent. */
export async function resolveApplication(client: AgentClient, given: string | undefined): Promise<string> {
  if (given === undefined) throw usageError('the application is missing: its id, or "last"');
  if (given !== 'last') {
    if (parseApplicationId(given) === undefined) throw usageError(`${given} is no application id; ids are numbers`);
    return given;
  }
  const { applications } = await client.json('/COMPSs/applications?limit=1', applicationList);
  const newest = applications[0];
  if (newest === undefined) throw new CliError(`the agent at ${client.connection.url} has no application`);
  return newest.appId;
}

export const applicationPath = (id: string, rest = ''): string =>
  `/COMPSs/applications/${encodeURIComponent(id)}${rest}`;
