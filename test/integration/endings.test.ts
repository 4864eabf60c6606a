import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { LocalAgent, type LocalAgentOptions } from '../support/local-agent.ts';
import { runProgram } from '../support/node-program.ts';

const fixtures = join(import.meta.dirname, 'fixtures');

describe('threads that end before their tasks', () => {
  let agent: LocalAgent;

  const start = (options: Partial<LocalAgentOptions>): LocalAgent => {
    agent = new LocalAgent({ cpus: 2, codePath: fixtures, module: 'endings.ts', ...options });
    return agent;
  };

  afterEach(async () => {
    await expect
      .poll(() => [agent.store.stats().versions, agent.dispatcher.core.stats().liveTasks], { timeout: 5000 })
      .toEqual([0, 0]);
    agent.dispatcher.core.checkInvariants();
    await agent[Symbol.asyncDispose]();
  });

  it('a parent whose child is killed on the thread of both runs again, charged with nothing', async () => {
    start({ cpus: 2, maxThreads: 2 });
    expect(await agent.call('parentBeside', [agent.folder])).toEqual([1, 2]);
  });

  it('so does a main', async () => {
    expect(await start({ cpus: 1, maxThreads: 1 }).call('mainBeside')).toBe(2);
  });

  it('a task that needs more heap than a thread may have fails by that name, and the agent goes on', async () => {
    const [code, message, after] = (await start({ maxHeapMb: 48 }).call('heap')) as [string, string, number];
    expect(code).toBe('ERR_TASK_LOST');
    expect(message).toMatch(/endings\.ts#hungry.*memory limit/);
    expect(after).toBe(3);
  });
});

describe('an agent that has been closed', () => {
  it('leaves no thread, port, timer or handle: its process ends by itself', async () => {
    const { code, lines } = await runProgram(join(fixtures, 'closes.ts'));
    // What is left is the standard input that the fixture watches its parent by, which keeps no process alive.
    expect(JSON.parse(lines.at(-1) ?? '')).toEqual({ results: [200, 'ERR_TASK_TIMED_OUT'], left: [] });
    expect(code).toBe(0);
  });
});
