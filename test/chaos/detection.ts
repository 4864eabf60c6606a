import type { ChaosNode } from './cluster.ts';
import { command } from './commands.ts';
import { bridgePort } from './network.ts';

const ROUNDS = 3;

/** How long the first node takes to find another one lost, while nothing else happens. Milliseconds. */
export async function measureDetection([first, ...helpers]: readonly ChaosNode[]): Promise<string> {
  const killed: number[] = [];
  const silent: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const [one, other] = [helpers[round]!, helpers[(round + 1) % helpers.length]!];
    killed.push(await timeToLose(first!, one, () => one.kill()));
    await Promise.all([one.start(), first!.saw('node connected', one.name)]);
    silent.push(await timeToLose(first!, other, () => command('ip', 'link', 'set', bridgePort(other.n), 'down')));
    await command('ip', 'link', 'set', bridgePort(other.n), 'up');
    await first!.saw('node connected', other.name);
  }
  return `a killed agent is found lost after ${killed.join(', ')} ms, a silent one after ${silent.join(', ')} ms`;
}

async function timeToLose(first: ChaosNode, node: ChaosNode, lose: () => Promise<unknown>): Promise<number> {
  const seen = first.saw('node lost', node.name);
  const begun = performance.now();
  await lose();
  await seen;
  return Math.round(performance.now() - begun);
}
