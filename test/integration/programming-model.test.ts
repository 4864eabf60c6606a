import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { LocalAgent, type LocalAgentOptions } from '../support/local-agent.ts';

describe('programs on an agent of one machine', () => {
  let agent: LocalAgent;

  const start = (options: Partial<LocalAgentOptions> = {}): LocalAgent => {
    agent = new LocalAgent({
      cpus: 2,
      codePath: join(import.meta.dirname, 'fixtures'),
      module: 'model.ts',
      ...options,
    });
    return agent;
  };

  afterEach(async () => {
    await expect
      .poll(() => [agent.store.stats().versions, agent.dispatcher.core.stats().liveTasks], { timeout: 5000 })
      .toEqual([0, 0]);
    expect(agent.store.stats()).toMatchObject({ pinned: 0, regionBytes: 0, inlineBytes: 0 });
    agent.dispatcher.core.checkInvariants();
    await agent[Symbol.asyncDispose]();
  });

  it.each([
    ['containers', ['{"list":[3,{"deep":3}]}', 'Map of 3', [3, 'text'], 3, [3]]],
    ['parts', ['four', 4, 8]],
    ['large', 25_000],
    ['instances', 40],
    ['refused', 'ERR_VALUE_UNSERIALIZABLE'],
    ['written', [[0, 1, 2, 3, 4], '{"inside":[0,1,2,3,4]}', 28, 0, 10, []]],
    ['writtenFuture', [1, 2, 3]],
    ['collections', [[{ v: -3 }, { v: 2 }], [{ v: -1 }]]],
    ['causes', ['ERR_TASK_FAILED', true, 'TypeError', 'on purpose', true]],
    ['groups', ['ERR_TASK_EXCEPTION', 'ERR_TASK_CANCELLED', 2]],
    ['cancels', ['ERR_TASK_CANCELLED', 'ERR_TASK_CANCELLED']],
    ['cancelledGroup', ['ERR_TASK_CANCELLED', 3]],
    ['deleted', ['[1,2,3]', true, true, false, 'ERR_DATA_DELETED']],
    ['emptyFuture', 'ERR_FUTURE_EMPTY'],
    ['contexts', [[1, 2, [], [], '2', '2'], '1']],
    ['delegates', 55],
    ['futuresInside', { sum: 5, list: [2] }],
    ['manyWaits', 1275],
    ['handsOver', [90_000, 30_000]],
    ['deletesRead', 61],
    ['barriers', [3, 7]],
    [
      'badDeclarations',
      [
        'ERR_TASK_UNNAMED',
        'ERR_TASK_NAME_CONFLICT',
        'ERR_TASK_DECLARATION_INVALID',
        'ERR_TASK_DECLARATION_INVALID',
        'ERR_PARAMETER_INVALID',
      ],
    ],
  ])('%s', async (method, expected) => {
    expect(await start().call(method)).toEqual(expected);
  });

  it('refuses a future of another task that ran on the same thread', async () => {
    expect(await start({ cpus: 1, maxThreads: 1 }).call('foreign')).toBe('ERR_FUTURE_FOREIGN');
  });

  it('takes paths as files, keeps their names and brings what was written', async () => {
    start();
    expect(await agent.call('files', [agent.folder])).toEqual(['to.txt', false, 'TEXT!', true, 'made']);
  });

  it('leaves written files at their paths when the application ends', async () => {
    start();
    await agent.call('leaves', [agent.folder]);
    expect(existsSync(join(agent.folder, 'left.txt'))).toBe(true);
    expect(readFileSync(join(agent.folder, 'left.txt'), 'utf8')).toBe('LEFT');
  });

  it('recurses 200 deep on one slot', async () => {
    expect(await start({ cpus: 1 }).call('deep', [200])).toBe(200);
  });

  it('ends a child at its time limit beside suspended parents, which run again', async () => {
    expect(await start({ cpus: 1, maxThreads: 2 }).call('timeOutBeside')).toEqual(['ERR_TASK_TIMED_OUT', 'still here']);
  });

  it('outlives errors that nobody caught', async () => {
    expect(await start().call('strays')).toEqual(['ERR_TASK_FAILED', 2]);
  });
});
