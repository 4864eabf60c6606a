import { join } from 'node:path';
import { LocalAgent, type LocalAgentOptions } from '../../test/support/local-agent.ts';

const codePath = join(import.meta.dirname, '..', 'programs', 'tasks');

/** An agent of this machine with two slots, whose applications are the functions of a module in `bench/programs/tasks`. */
export const benchAgent = (module: string, options: Partial<LocalAgentOptions> = {}): LocalAgent =>
  new LocalAgent({ cpus: 2, codePath, module, checkInputs: false, ...options });

/** Runs an application whose result is a number. */
export async function figureOf(agent: LocalAgent, method: string, args: readonly (string | number)[]): Promise<number> {
  const result = await agent.call(method, args);
  if (typeof result !== 'number') throw new Error(`${method} gave ${String(result)}`);
  return result;
}
