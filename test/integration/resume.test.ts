import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { RunningAgent } from '../support/running-agent.ts';
import { tempDir } from '../support/temp-dir.ts';

const appPath = join(import.meta.dirname, 'fixtures');
const TASKS = 1000;
const HELD_FROM = 700;
const EXPECTED = (TASKS * (TASKS - 1)) / 2 + 20_000 * 3;

describe('an agent with a state directory', () => {
  let open: AsyncDisposableStack;
  let folder: string;
  let ledger: string;
  const start = async (name: string) =>
    open.use(await RunningAgent.start({ name, cpus: 2, appPath, flags: [`--state-dir=${join(folder, 'state')}`] }));
  const runs = () => (existsSync(`${ledger}.runs`) ? readFileSync(`${ledger}.runs`, 'utf8').trim().split('\n') : []);

  beforeEach(() => {
    open = new AsyncDisposableStack();
    folder = open.use(tempDir('resume')).path;
    ledger = join(folder, 'ledger');
  });
  afterEach(() => open.disposeAsync());

  const begin = async (agent: RunningAgent): Promise<string> => {
    const call = ['call', '--detach', 'resumable.ts', 'chains', String(TASKS), ledger, String(HELD_FROM)];
    const { out, err } = await agent.command(...call);
    expect(err).toBe('');
    // The steps below 700 have ended when each of the two slots holds one above.
    await expect.poll(() => runs().filter((line) => Number(line) >= HELD_FROM).length, { timeout: 60_000 }).toBe(2);
    return out.trim();
  };

  const outcome = async (agent: RunningAgent, id: string) => {
    await expect
      .poll(async () => (await agent.command('status', id)).out, { timeout: 60_000 })
      .toMatch(/status +completed/);
    return (await agent.command('result', id)).out.trim();
  };

  it('goes on after SIGKILL: only what was under way runs twice', async () => {
    const first = await start('killed');
    const id = await begin(first);
    const before = runs();
    first.process.kill('SIGKILL');
    await first.process.exited;
    const second = await start('again');
    writeFileSync(`${ledger}.go`, '');
    expect(await outcome(second, id)).toBe(String(EXPECTED));
    const all = runs();
    const twice = all.filter((line, index) => all.indexOf(line) !== index);
    expect(new Set(all).size).toBe(TASKS + 2);
    // Two slots, and no more than that were under way.
    expect(twice.length).toBeLessThanOrEqual(2);
    expect(all.length - before.length).toBeLessThanOrEqual(TASKS + 2 - before.length + 2);
    await second.process.stop();
    expect(existsSync(join(folder, 'state', 'applications', id))).toBe(false);
  });

  it('keeps what a stop cuts off, and lets one agent at a time hold the directory', async () => {
    const first = await start('stopped');
    const id = await begin(first);
    await expect(start('other')).rejects.toThrow(/stateDir/);
    expect((await first.command('stop')).exitCode).toBe(0);
    await first.process.exited;
    const second = await start('again');
    writeFileSync(`${ledger}.go`, '');
    expect(await outcome(second, id)).toBe(String(EXPECTED));
    await second.process.stop();
  });
});
