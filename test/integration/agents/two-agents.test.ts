import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AgentProcess } from '../../support/agent-process.ts';
import { TestAgent } from '../../support/agents.ts';
import { tempDir } from '../../support/temp-dir.ts';

const codePath = join(import.meta.dirname, 'fixtures');

describe('an agent that offloads to another one', () => {
  let dir: ReturnType<typeof tempDir>;
  let a: TestAgent;
  let b: AgentProcess;

  beforeAll(async () => {
    dir = tempDir('agents');
    b = await AgentProcess.start({ name: 'b', cpus: 2, codePath });
    a = await TestAgent.start({ name: 'a', cpus: 1, codePath });
    await a.add('b', b.port);
  });

  afterAll(async () => {
    await a[Symbol.asyncDispose]();
    await b[Symbol.asyncDispose]();
    dir[Symbol.dispose]();
  });

  /** Everything that tasks brought there has gone again, and nothing is held here. */
  async function nothingLeft(): Promise<void> {
    await expect.poll(() => a.store.stats(), { timeout: 3000 }).toMatchObject({ versions: 0, pinned: 0 });
    await expect
      .poll(() => b.state(), { timeout: 3000 })
      .toMatchObject({ versions: 0, pinned: 0, links: [{ name: 'a', calls: 0, versions: 0 }] });
  }

  it('runs its tasks there and brings small results home', async () => {
    expect(await a.call('where')).toBe(b.pid);
    expect(await a.call('values')).toEqual([3, 4, 16, 20]);
    expect(await a.call('many', [500])).toBe((500 * 501) / 2);
    await nothingLeft();
  });

  it('moves large arrays over the data port, both ways', async () => {
    expect(await a.call('arrays', [100_000])).toEqual([300_000, 200_000, 200_000, 300_000]);
    await nothingLeft();
  });

  it('follows values that tasks there change', async () => {
    expect(await a.call('objects', [20])).toEqual([4, 40, 80]);
    expect(await a.call('objects', [100_000])).toEqual([4, 200_000, 400_000]);
    await nothingLeft();
  });

  it('passes collections', async () => {
    expect(await a.call('collections', [50])).toBe((49 * 50) / 2);
    await nothingLeft();
  });

  it('passes files under their names and brings written ones to their paths', async () => {
    const [from, to] = [join(dir.path, 'in.txt'), join(dir.path, 'out.txt')];
    writeFileSync(from, 'quiet');
    expect(await a.call('files', [from, to])).toEqual(['in.txt>out.txt', 'QUIET!?']);
    await nothingLeft();
  });

  it('passes directories', async () => {
    const [from, to] = [join(dir.path, 'in'), join(dir.path, 'out')];
    mkdirSync(from);
    writeFileSync(join(from, 'one'), '1');
    expect(await a.call('directories', [from, to])).toEqual(['one.copy.copy=1']);
    await nothingLeft();
  });

  it('lets tasks there have tasks of their own', async () => {
    expect(await a.call('nested', [20])).toBe(2470);
    expect(await a.call('delegated', [7])).toBe(49);
    await nothingLeft();
  });

  it('brings errors home with name, cause and stack', async () => {
    expect(await a.call('caught', ['fails'])).toMatchObject({
      cause: { name: 'TypeError', message: 'on purpose', cause: { name: 'RangeError', message: 'the deeper reason' } },
    });
    expect(JSON.stringify(await a.call('caught', ['fails']))).toContain('program.ts');
    expect(JSON.stringify(await a.call('caught', ['below']))).toContain('deep down');
    await nothingLeft();
  });

  it('ends code there that runs longer than its time', async () => {
    expect(JSON.stringify(await a.call('caught', ['spins']))).toContain('ERR_TASK_TIMED_OUT');
    await nothingLeft();
  });

  it('cancels what runs there', async () => {
    const gate = join(dir.path, 'gate');
    const id = await a.start('gated', [gate, 4]);
    const running = (): boolean => readdirSync(dir.path).some((name) => name.startsWith('gate.running'));
    await expect.poll(running, { timeout: 5000 }).toBe(true);
    a.backend.cancelApplication(id, 'test');
    expect(await a.ended(id)).toBe('cancelled');
    expect(existsSync(gate)).toBe(false);
    await nothingLeft();
  });
});
