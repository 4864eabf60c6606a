import type { RunningAgent } from './running-agent.ts';

/** What the functions of `fixtures/program.ts` print at the end of a call: graphs, objects, large and shared data, futures. */
export const PROGRAM_RESULTS = { graph: '420', objects: '5', big: '200000', shared: '40000', delegated: '7' } as const;

/** What each prints on this agent; with it what went to stderr, which is nothing when all is well. */
export async function resultsOfProgram(agent: RunningAgent): Promise<Record<string, string>> {
  const results: Record<string, string> = {};
  for (const method of Object.keys(PROGRAM_RESULTS)) {
    const { out, err } = await agent.command('call', '-q', 'program.ts', method);
    results[method] = out.trim() + err;
  }
  return results;
}
