import { join } from 'node:path';
import { type AgentProcess, addResources, localPeer, startAgentProcess } from '../../scripts/demo/agents.ts';

const appPath = join(import.meta.dirname, '../../examples/kmeans');
const CPUS = 1;

/** Four agents as processes on free ports, three of them added to the first. */
export interface FourAgents extends AsyncDisposable {
  readonly all: readonly AgentProcess[];
  readonly first: AgentProcess;
  readonly helpers: readonly AgentProcess[];
}

export async function startFourAgents(): Promise<FourAgents> {
  await using opened = new AsyncDisposableStack();
  const starts = [1, 2, 3, 4].map(async (number) =>
    opened.use(await startAgentProcess({ name: `agent${number}`, cpus: CPUS, appPath })),
  );
  await Promise.allSettled(starts);
  const all = await Promise.all(starts);
  const [first, ...helpers] = all;
  for (const helper of helpers) await addResources(first!.client, localPeer(helper, CPUS));
  const owned = opened.move();
  return { all, first: first!, helpers, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}
