import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LocalAgent } from '../support/local-agent.ts';

describe('Python tasks on an agent of one machine', () => {
  let agent: LocalAgent;

  beforeEach(() => {
    agent = new LocalAgent({
      cpus: 2,
      codePath: join(import.meta.dirname, 'fixtures/python'),
      module: 'graphs',
      language: 'PYTHON',
    });
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

  const call = async (method: string, args: readonly (string | number)[] = []): Promise<unknown> => {
    const value = await agent.call(method, args);
    await nothingLeft();
    return value;
  };

  it('runs graphs: futures passed on, in containers, several returns, lists waited for', async () => {
    expect(await call('graph')).toEqual([402, 800, 400]);
    expect(await call('containers')).toEqual([3, 7, 11]);
  });

  it('follows objects that tasks write: stale until waited for', async () => {
    expect(await call('objects')).toEqual([0, 13, 26, 41, 11]);
  });

  it('takes collections and dictionaries apart, and reads them back by position', async () => {
    expect(await call('collections')).toEqual([
      [2, [4, 5]],
      [[[1]], ['x'], ['x']],
      [0, 10, 20],
      [
        ['a', 1],
        ['b', 2],
      ],
    ]);
  });

  it('shares large values through mapped files that no reader can spoil', async () => {
    expect(await call('large')).toEqual([150_000, 50_000, -1, 150_000, 300_000, 10]);
  });

  it('nests deeper than there are slots', async () => {
    expect(await call('deep', [12])).toBe(12);
  });

  it('lets a task return the futures of its children', async () => {
    expect(await call('delegated')).toEqual([8, [0, 2, 4, 6]]);
  });

  it('brings the user’s exception and traceback to whoever waits, and fails an application whose failure nobody caught', async () => {
    expect(await call('caught')).toEqual(['TaskError', 'ERR_TASK_FAILED', 'ValueError', 'no luck', true]);
    await expect(agent.call('uncaught')).rejects.toMatchObject({ status: 'failed' });
    await nothingLeft();
  });

  it('ignores a failure with the values that the task names for it, and tries again', async () => {
    expect(await call('defaults')).toBe(10);
    const [path, counter] = [join(agent.folder, 'file'), join(agent.folder, 'counter')];
    writeFileSync(path, 'was ');
    writeFileSync(counter, '');
    expect(await call('retried', [path, counter])).toEqual([3, 'was done']);
  });

  it('passes files under their own names, and leaves at the end what tasks have written', async () => {
    const [from, to] = [join(agent.folder, 'in.txt'), join(agent.folder, 'out.txt')];
    writeFileSync(from, 'quiet');
    expect(await call('files', [from, to])).toEqual(['QUIETin.txt+', 'anew!']);
    const last = join(agent.folder, 'last.txt');
    await call('left_at_the_end', [from, last]);
    expect(readFileSync(last, 'utf8')).toBe('QUIETin.txt');
  });

  it('waits for groups, ends them by COMPSsException, cancels them', async () => {
    const found = (await call('grouped')) as unknown[];
    expect(found.slice(0, 2)).toEqual([2, 'enough']);
    expect(['ERR_TASK_CANCELLED', 'ended']).toContain(found[2]);
  });

  it('ends code that runs out of time', async () => {
    expect(await call('timed_out')).toBe('ERR_TASK_TIMED_OUT');
  });

  it('brings thousands of futures in one request', async () => {
    expect(await call('many', [5000])).toBe((5000 * 5001) / 2);
    expect(await call('barrier')).toBe('there');
  });

  it('keeps what a task, its C code and its children print', async () => {
    await call('printing');
    const folder = join(agent.folder, 'jobs');
    const printed = (): string[] =>
      readdirSync(folder)
        .flatMap((file) => readFileSync(join(folder, file), 'utf8').split('\n'))
        .filter((line) => line !== '')
        .sort();
    await expect.poll(printed).toEqual(['child', 'error hello', 'python says hello', 'raw']);
  });

  it('lives with tasks that print much, close their outputs, fork, exit, or return what cannot be sent', async () => {
    expect(await call('misbehaved')).toEqual([12, 1, 'after', 7, 'ERR_TASK_FAILED', 'ERR_VALUE_UNSERIALIZABLE']);
  });

  it('says which task was lost with its process, where and how', async () => {
    expect(await call('crashed')).toEqual(['ERR_TASK_LOST', true, true]);
  });

  it('meets JavaScript in numbers, text, bytes, lists, maps and typed arrays; the rest is opaque and says so', async () => {
    expect(await call('values')).toEqual({
      number: 1.5,
      text: 'ü',
      list: [1, null, true],
      bytes: Buffer.from([1, 2]),
      big: 1n << 40n,
      typed: new Float64Array([1, 2]),
    });
    expect(await call('opaque')).toMatchObject({ language: 'PYTHON' });
    expect(await call('echo', [1, 2.5, 'text'])).toEqual([1, 2.5, 'text']);
  });

  it.each(['hangs', 'waits_for_ever'])('cancels a program that %s', async (method) => {
    const id = await agent.start(method);
    const ended = agent.ended(id);
    await expect.poll(() => agent.backend.application(id)?.status, { timeout: 5000 }).toBe('running');
    agent.backend.cancelApplication(id, 'test');
    expect(await ended).toBe('cancelled');
    await nothingLeft();
  });

  it('frees what a program deletes', async () => {
    expect(await call('forgotten')).toBe(10);
  });

  it('says what is wrong with a module or function that is not there', async () => {
    await expect(agent.call('absent')).rejects.toThrow('has no function absent');
    await nothingLeft();
  });
});
