import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LocalAgent } from '../support/local-agent.ts';

describe('an agent of one machine', () => {
  let agent: LocalAgent;

  beforeEach(() => {
    agent = new LocalAgent({ cpus: 2, codePath: join(import.meta.dirname, 'fixtures') });
  });

  afterEach(async () => {
    agent.dispatcher.core.checkInvariants();
    await agent[Symbol.asyncDispose]();
  });

  /** Everything an application has made goes with it. */
  const nothingLeft = () =>
    expect
      .poll(() => [agent.store.stats().versions, agent.dispatcher.core.stats().liveTasks], { timeout: 5000 })
      .toEqual([0, 0]);

  it('runs graphs of tasks: futures passed on, in containers, and waited for', async () => {
    // Sum of 2i + 1 for i below 20, and 20.
    expect(await agent.call('graph')).toBe(420);
    await nothingLeft();
  });

  it('follows objects that tasks change', async () => {
    expect(await agent.call('objects')).toBe(5);
    await nothingLeft();
  });

  it('gives large arrays on in shared memory', async () => {
    expect(await agent.call('big')).toBe(200_000);
    expect(await agent.call('shared')).toBe(40_000);
    await nothingLeft();
  });

  it('nests to a depth of 200 on two slots', async () => {
    expect(await agent.call('deep', [200])).toBe(200);
    await nothingLeft();
  });

  it('lets a task return the future of its child', async () => {
    expect(await agent.call('delegated')).toBe(7);
    await nothingLeft();
  });

  it('brings the user’s error to whoever waits, and fails an application whose failure nobody caught', async () => {
    expect(await agent.call('caught')).toBe('on purpose');
    await expect(agent.call('uncaught')).rejects.toMatchObject({ status: 'failed' });
    await nothingLeft();
  });

  it('gives nothing for what an ignored failure did not write', async () => {
    expect(await agent.call('emptyHanded')).toBe('undefined undefined 1');
    await nothingLeft();
  });

  it('waits for groups and barriers', async () => {
    expect(await agent.call('group')).toBe(2);
    await nothingLeft();
  });

  it('passes files', async () => {
    const [from, to] = [join(agent.folder, 'in.txt'), join(agent.folder, 'out.txt')];
    writeFileSync(from, 'quiet');
    expect(await agent.call('files', [from, to])).toBe('QUIET');
    await nothingLeft();
  });

  it('runs thousands of tasks', async () => {
    expect(await agent.call('many', [5000])).toBe((5000 * 5001) / 2);
    await nothingLeft();
  });

  it('cancels an application that does not end', async () => {
    const id = await agent.start('hangs');
    const ended = agent.ended(id);
    agent.backend.cancelApplication(id, 'test');
    expect(await ended).toBe('cancelled');
    await nothingLeft();
  });

  it('says what is wrong with a function that is not there', async () => {
    await expect(agent.call('absent')).rejects.toThrow('exports no function absent');
    await nothingLeft();
  });
});
